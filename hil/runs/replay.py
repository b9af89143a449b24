"""Feeds a tape to the firmware on any target: where do its outputs first part from the tape's?"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.ticks import MASK
from hil.link.shadow import Difference, Differences
from hil.runs.tick_log import opened_tape
from hil.targets.target import Target
from twin.runs.progress import campaign

PROGRESS_TICKS = 10  # three seconds on the emulated Pico


@dataclass
class Replayed:
    """first: None if all were the same; worst: the largest difference of each output, counts."""

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
            first["on_tape"] = first.pop("there")
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
            f"{first.signal} is {first.there} on the tape and {first.here} here\n"
            f"largest differences, counts: {worst}"
        )


def replay(tape: Path, target: Target, ticks: int | None = None, quiet: bool = False) -> Replayed:
    """Step the firmware on `target` through the tape, or its first `ticks`. InputError."""
    with ExitStack() as stack:
        found = stack.enter_context(opened_tape(tape))
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
