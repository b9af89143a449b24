"""Replays a tick log to the firmware on any target, and finds the first different output."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.signal_table import OUTPUTS
from firmware.ticks import MASK
from hil.runs.tick_log import open_tick_log
from hil.targets.target import Target
from twin.runs.progress import campaign

NAMES = tuple(signal[0] for signal in OUTPUTS)
PROGRESS_TICKS = 10  # three seconds on the emulated Pico


@dataclass(frozen=True)
class FirstDifference:
    """The first output that differs from the tick log."""

    tick: int
    now_ms: int
    signal: str
    logged: int
    here: int

    def listed(self) -> dict[str, Any]:
        """For `--json`; `on_tape`, the old name of `logged`, is kept for a release."""
        return {**vars(self), "on_tape": self.logged}


@dataclass
class Replayed:
    """The result of a replay.

    first : None if all outputs are the same
    worst : largest difference of each output, counts
    """

    target: str
    ticks: int = 0
    first: FirstDifference | None = None
    worst: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))

    def summary(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "target": self.target,
            "ticks": self.ticks,
            "first": self.first.listed() if self.first else None,
            "worst": self.worst,
        }

    def words(self) -> str:
        same = f"{self.ticks} ticks on {self.target}"
        if self.first is None:
            return f"{same}: every output is the same"
        first = self.first
        worst = ", ".join(f"{name} {worst}" for name, worst in self.worst.items() if worst)
        return (
            f"{same}: first difference in tick {first.tick}, at {0.001 * first.now_ms:.2f} s: "
            f"{first.signal} is {first.logged} in the tick log and {first.here} here\n"
            f"largest differences, counts: {worst}"
        )


def replay(path: Path, target: Target, ticks: int | None = None, quiet: bool = False) -> Replayed:
    """Step the firmware on `target` through a tick log, or its first `ticks`.

    Raises InputError if the file is not a tick log of this firmware's signals.
    """
    with ExitStack() as stack:
        found = stack.enter_context(open_tick_log(path))
        count = min(ticks or found.ticks, found.ticks)
        title = f"replay on {target.name}"
        progress = stack.enter_context(campaign(title, quiet, note=f"{count} ticks"))
        result = Replayed(target.name)
        with target.firmware(found.settings, found.held) as step:
            for now_ms, inputs, command, outputs in found.play():
                if result.ticks == count:
                    break
                here = step(now_ms & MASK, inputs, command)
                if here != outputs:
                    _compare(result, now_ms, outputs, here)
                result.ticks += 1
                if result.ticks % PROGRESS_TICKS == 0:
                    progress(result.ticks / count)
        return result


def _compare(result: Replayed, now_ms: int, logged: tuple[int, ...], here: tuple[int, ...]) -> None:
    for name, theirs, ours in zip(NAMES, logged, here, strict=True):
        if theirs != ours:
            result.worst[name] = max(result.worst[name], abs(theirs - ours))
            if result.first is None:
                result.first = FirstDifference(result.ticks, now_ms, name, theirs, ours)
