"""The command `tubetwin doctor`."""

from typing import Annotated, Any

import typer

from twin.cli import options
from twin.files.json import print_json


def doctor(
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Also open this port and look for a unit. Repeatable."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List the boards on USB, the installed programs, and the missing ones with their fix.

    Nothing is changed, and a running unit continues. Exit status: 0 nothing is missing;
    1 something is missing, for the program or for its tests.
    """
    from hil.unit.doctor import examine
    from twin.runs.progress import waiting

    with waiting("checking ports and programs", as_json):
        found = examine(port or ())
    if as_json:
        print_json({"findings": [one.listed() for one in found]})
    else:
        _show(found)
    raise typer.Exit(1 if any(one.state == "missing" for one in found) else 0)


def _show(found: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "missing": "red", "note": "yellow"}
    table = Table(box=None, pad_edge=False)
    for heading in ("", "state", "what", "found, or how to fix it"):
        table.add_column(heading, overflow="fold")
    group = ""
    for one in found:
        table.add_row(
            Text("" if one.group == group else one.group),
            Text(one.state, style=styles[one.state]),
            Text(one.what),
            Text(f"{one.detail}; {one.fix}" if one.fix else one.detail),
        )
        group = one.group
    Console().print(table)
