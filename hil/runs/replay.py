"""Replays a tick log to the firmware on any target, and finds the first different output."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.ticks import MASK
from hil.link.shadow import Difference, Differences
from hil.runs.tick_log import open_tick_log
from hil.targets.target import Target
from twin.runs.progress import campaign

PROGRESS_TICKS = 10  # three seconds on the emulated Pico


@dataclass
class Replayed:
    """The result of a replay.

    first : None if all outputs are the same
    worst : largest difference of each output, counts
    """

    target: str
    ticks: int = 0
    differences: Differences = field(default_factory=Differences)

    @property
    def first(self) -> Difference | None:
        return self.differences.first

    @property
    def worst(self) -> dict[str, int]:
        return self.differences.worst

    def summary(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        first = None
        if self.first:
            first = vars(self.first).copy()
            first["logged"] = first["on_tape"] = first.pop("there")  # the old key for a release
        return {
            "target": self.target,
            "ticks": self.ticks,
            "first": first,
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
            f"{first.signal} is {first.there} in the tick log and {first.here} here\n"
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
                result.differences.add(result.ticks, now_ms, here, outputs)
                result.ticks += 1
                if result.ticks % PROGRESS_TICKS == 0:
                    progress(result.ticks / count)
        return result
