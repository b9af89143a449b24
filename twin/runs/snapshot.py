"""A run saved between two ticks: one file, from which any process continues bit for bit.

It is JSON: whole numbers and floats come back as they were, and nothing in it can be executed.
With the state goes the job, room and tube included, and the hashes of the sources that made it,
because another program would continue differently. docs/user/snapshots.md lists the content.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import firmware
import twin
from twin.files.errors import InputError
from twin.files.toml import file_name, open_input, shown
from twin.files.whole import write_whole
from twin.plant.ambient import Ambient
from twin.plant.plant import TICK_MS
from twin.runs.job import Job
from twin.runs.run import Run
from twin.scenarios.scenario import Scenario
from twin.scenarios.steps import Step
from twin.tube.tube import Tube

FORMAT = 1
STRIDE_MS = 60_000  # between two calls of progress
PACKAGES = {"firmware": firmware, "twin": twin}
REMAKE = "make it again with `tubetwin snapshot`"


@dataclass(frozen=True)
class Snapshot:
    """A job, and the state of its Run, see twin/runs/run.py: `simulate(job, ..., state=state)`."""

    job: Job
    state: dict[str, Any]

    @property
    def now_ms(self) -> int:
        """The simulated time at which it was taken."""
        return int(self.state["world"]["plant"]["now_ms"])


def take_snapshot(
    job: Job, at_s: float, progress: Callable[[int, Any], None] | None = None
) -> Snapshot:
    """Run `job` until `at_s`. InputError if there is no tick then."""
    at_ms = round(1000.0 * at_s) if abs(at_s) < 1e9 else job.end_ms + 1
    if (
        abs(1000.0 * at_s - at_ms) > 1e-6
        or at_ms % TICK_MS
        or not job.begin_ms <= at_ms <= job.end_ms
    ):
        raise InputError(
            f"--at {at_s:g}: give seconds from {0.001 * job.begin_ms:g} to {0.001 * job.end_ms:g}, "
            f"in steps of {0.001 * TICK_MS:g}"
        )
    run = Run(job)
    run.begin()
    plant = run.world.plant
    while plant.now_ms < at_ms:
        if run.over:
            raise InputError(
                f"--at {at_s:g}: the run ends at {0.001 * plant.now_ms:g} s, after a trip: "
                f"{run.outcome.trips[0]['cause']}; give an earlier time"
            )
        run.go_on(min(at_ms, run.finish_ms, plant.now_ms + STRIDE_MS))
        if progress:
            progress(plant.now_ms, run.outcome.frames)
    return Snapshot(job, run.state())


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write it, whole or not at all. InputError if it can't be written."""
    body = {"job": _plain_job(snapshot.job), "state": snapshot.state}
    document = {"tubetwin_snapshot": FORMAT, **_sources(), "sha256": _digest(body), **body}
    write_whole(path, json.dumps(document, indent=1) + "\n")


def load_snapshot(path: str | os.PathLike[str]) -> Snapshot:
    """Read what `save_snapshot` wrote. InputError in one line if it is anything else."""
    name = file_name(path)
    with open_input(path) as stream:
        raw = stream.read()
    try:
        document = json.loads(raw)
        found = document["tubetwin_snapshot"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{name}: is no snapshot, or a damaged one; {REMAKE}") from None
    if found != FORMAT:
        raise InputError(
            f"{name}: is a snapshot of format {shown(found)}, this tubetwin reads {FORMAT}; "
            f"{REMAKE}"
        )
    try:
        body = {"job": document["job"], "state": document["state"]}
        intact = document["sha256"] == _digest(body)
        made_by = {part: document[part] for part in PACKAGES}
    except (KeyError, TypeError, RecursionError):
        intact = False
    if not intact:
        raise InputError(f"{name}: is damaged, its checksum does not fit; {REMAKE}")
    for part, source in _sources().items():
        if made_by[part] != source:
            raise InputError(
                f"{name}: was made with another version of {part}/ and would not go on the same; "
                f"{REMAKE}"
            )
    return Snapshot(_job(body["job"]), body["state"])


def _digest(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


@cache
def _sources() -> dict[str, str]:
    """A hash of the sources of each package that decides how a run goes on."""
    hashes = {}
    for name, package in PACKAGES.items():
        folder = Path(str(package.__file__)).parent
        seen = sha256()
        for path in sorted(folder.rglob("*.py")):
            seen.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
        hashes[name] = seen.hexdigest()[:16]
    return hashes


def _plain_job(job: Job) -> dict[str, Any]:
    document = {
        "scenario": job.scenario.model_dump(mode="json", exclude_unset=True),
        "tube_name": job.tube_name,
        "tube": job.tube.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "calibration": dict(job.calibration),
        "seed": job.seed,
        "without": list(job.without),
        "faults": [step.model_dump(mode="json", exclude_unset=True) for step in job.faults],
    }
    if job.scenario.ambient is None:  # from a file, which need not be there any more
        room = job.scenario.room()
        columns = (room.time_s, room.temperature_c, room.pressure_hpa, room.humidity_percent)
        document["room"] = [column.tolist() for column in columns]
    return document


def _job(document: dict[str, Any]) -> Job:
    scenario = Scenario.model_validate(document["scenario"])
    if "room" in document:
        scenario = scenario.with_room(Ambient(*document["room"]))
    return Job(
        scenario,
        document["tube_name"],
        Tube.model_validate(document["tube"]),
        document["calibration"],
        document["seed"],
        tuple(document["without"]),
        tuple(Step.model_validate(step) for step in document["faults"]),
    )
