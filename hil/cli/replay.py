"""The command `tubetwin replay`."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli import options
from twin.files.errors import InputError
from twin.files.json import print_json


def replay(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A tick log of `tubetwin bench --record`.")
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="See `tubetwin targets`.")
    ] = "in-process",
    ticks: Annotated[
        int | None, typer.Option(min=1, help="Replay only the first N ticks, for slow targets.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Replay a tick log to a target and print the first difference.

    Exit status: 0 every output of every tick is the same; 1 an output differs.
    """
    from hil.runs.replay import replay as replay_to
    from hil.targets.targets import find_target

    chosen = find_target(target)
    if reason := chosen.missing():
        raise InputError(f"--target {target}: {reason}")
    found = replay_to(path, chosen, ticks, as_json)
    if as_json:
        print_json(found.summary())
    else:
        print(found.words())
    raise typer.Exit(0 if found.first is None else 1)
