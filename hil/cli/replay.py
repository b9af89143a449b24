"""The command `tubetwin replay`."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli import options
from twin.files.errors import InputError
from twin.files.json import print_json


def replay(
    tape: Annotated[
        Path, typer.Argument(metavar="FILE", help="As `tubetwin bench --record` writes.")
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="See `tubetwin targets`.")
    ] = "in-process",
    ticks: Annotated[
        int | None, typer.Option(min=1, help="Only so many ticks; for slow targets.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Feed a recording of every tick to a target and print the first difference.

    Exit status: 0 every output of every tick is the same; 1 one differs.
    """
    from hil.runs.replay import replay as feed
    from hil.targets.targets import find_target

    chosen = find_target(target)
    if reason := chosen.missing():
        raise InputError(f"--target {target}: {reason}")
    found = feed(tape, chosen, ticks, as_json)
    if as_json:
        print_json(found.summary())
    else:
        print(found.words())
    raise typer.Exit(0 if found.first is None else 1)
