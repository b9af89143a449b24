"""Resume a snapshot in a new process: python -m tests.kit.resume_elsewhere FILE…

Prints, as JSON, of each file: the record of Trail, the outcome of the run, and its last state.
"""

import json
import sys
from typing import Any

from twin.runs.job import Job
from twin.runs.run import build_world, simulate
from twin.runs.snapshot import Snapshot, load_snapshot


class Trail:
    """A recorder that keeps everything, floats to the last bit."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.frames: list[list[str]] = []

    def append(self, row: tuple[float, ...]) -> None:
        self.rows.append([repr(value) for value in row])

    def flush(self) -> None:
        pass

    def frame(self, *values: float) -> None:
        self.frames.append([repr(float(value)) for value in values])


def to_the_end(made: Job, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """What comes of a run, from its beginning or a state on, as plain data."""
    trail, world = Trail(), build_world(made)
    outcome = simulate(made, trail, world=world, state=state)
    outcome.wall_s = 0.0
    return {
        "rows": trail.rows,
        "frames": trail.frames,
        "passed": outcome.passed,
        "summary": repr(outcome.summary()),
        "state": json.dumps([world.state(), outcome.state()], sort_keys=True),
    }


def resumed(snapshot: Snapshot) -> dict[str, Any]:
    return to_the_end(snapshot.job, snapshot.state)


if __name__ == "__main__":
    print(json.dumps([resumed(load_snapshot(name)) for name in sys.argv[1:]]))
