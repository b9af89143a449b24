"""The command `tubetwin snapshot`."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli import options
from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE
from twin.files.errors import InputError


def snapshot(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[SCENARIO] FILE",
            help="A built-in scenario or a .toml file, ramp if left out; and the file to write.",
        ),
    ],
    at: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Simulated time, in steps of 0.01 s; before 0, too."),
    ],
    tube: options.Tube = DEFAULT_TUBE,
    ambient: options.Ambient = None,
    hours: options.Hours = None,
    seed: options.Seed = 1,
    without: options.Without = None,
    fault: options.FaultAt = None,
) -> None:
    """Run until a time and save the whole state in FILE.

    Example: `tubetwin snapshot ramp ramp.snapshot --at 3600`

    `tubetwin run --resume FILE` continues the run, bit for bit.
    """
    from twin.runs.progress import running
    from twin.runs.snapshot import save_snapshot, take_snapshot

    if len(names) > 2:
        raise InputError(f"{names[2]}: give one scenario and one file")
    scenario = names[0] if len(names) == 2 else DEFAULT_SCENARIO
    job = options.job_of(scenario, tube, ambient, hours, seed, without, fault)
    title = f"{job.scenario.name} on {job.tube_name}, until {at:g} s"
    with running(title, job.end_ms, quiet=False) as progress:
        taken = take_snapshot(job, at, progress)
    save_snapshot(Path(names[-1]), taken)
    print(f"{names[-1]}: {job.scenario.name}, {job.tube_name}, seed {job.seed}, at {at:g} s")
