"""The command `tubetwin commission`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from twin.defaults import DEFAULT_TUBE


def commission(
    tube: Annotated[str, typer.Argument(help="A built-in tube or a .toml file.")] = DEFAULT_TUBE,
    out: Annotated[
        Path | None, typer.Option(help="Also write the calibration to this .json file.")
    ] = None,
) -> None:
    """Find the calibration constants of a tube as an engineer would at the bench, and print them.

    `tubetwin run` does this automatically for a new tube.

    Example: `tubetwin commission mine.toml --out mine.calibration.json`
    """
    from twin.commission.calibrations import write_calibration
    from twin.commission.commission import commission as find
    from twin.files.whole import check_writable
    from twin.runs.progress import commissioning
    from twin.tube.tube import load_tube

    if out is not None:
        check_writable(out, "--out", folders=True)
    name, description = load_tube(tube)
    with commissioning(name) as progress:
        found = find(description, progress)
    if out is not None:
        write_calibration(out, description, found, "--out")
    print(json.dumps(found, indent=1, sort_keys=True))
