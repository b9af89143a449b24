"""The commands `tubetwin flash` and `tubetwin doctor`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from hil.cli.settings import JsonOption
from twin.files.errors import InputError


def register(app: typer.Typer) -> None:
    """Add these commands to the front door."""
    for command in (flash, doctor):
        app.command()(command)


def flash(
    port: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Serial port or pyserial URL of the board, such as /dev/ttyACM0, COM3 or "
            "socket://host:port. auto: the only board on USB.",
        ),
    ] = "auto",
    board: Annotated[
        str, typer.Option(help="Which board it is, such as pico or pico2. auto: it is asked.")
    ] = "auto",
    link: Annotated[
        bool, typer.Option("--link", help="For a bare board, with no chips around it: the link.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be on the board; no port is touched.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, help="All time limits, times this; an emulated board needs 10."),
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Put this firmware on a board that runs MicroPython, and see it answer.

    Checks the board, compiles, copies by mpremote, verifies every file by its hash, resets, reads
    the version back. The beam must be off. Whatever goes wrong, the old firmware still starts.
    """
    from hil.flash.image import compile_tree, make_image

    if dry_run:
        from hil.flash.flash import named_boards

        if board == "auto":
            raise InputError("--dry-run asks no board what it is: name it, such as --board pico")
        named_boards(board)
        image = make_image(compile_tree(), board, link)
        listed = [
            {"path": path, "bytes": len(content), "sha256": image.digest(path)}
            for path, content in image.files.items()
        ]
        if as_json:
            _print_json(
                {
                    "board": board,
                    "link": link,
                    "firmware": image.version,
                    "build": image.build,
                    "files": listed,
                }
            )
            return
        for path, content in image.files.items():
            print(f"{image.digest(path)}  {len(content):6}  {path}")
        print(
            f"{board}: firmware {image.version}, build {image.build}: "
            f"{len(image.files)} files, {image.size} bytes"
        )
        return

    from hil.flash.board import Patience
    from hil.flash.flash import flash as put

    with _progress(as_json) as show:
        done = put(port, board, link, progress=show, patience=Patience().stretched(patience))
    if as_json:
        _print_json(asdict(done))
        return
    before = f", before it build {done.was}" if done.was else ""
    print(f"{done.port}: {done.board} runs firmware {done.firmware}, build {done.build}{before}")
    print(
        f"  {done.machine}, MicroPython {done.micropython}; slot {done.slot}: "
        f"{done.files} files, {done.bytes} bytes, {done.copied} files copied"
    )
    if done.kept_as:
        print(f"  the main.py that was there is now {done.kept_as}")


def doctor(
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Also ask this port who is there. Repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What is plugged in, what is installed, what is missing and the command that gets it.

    Nothing is changed, and a running unit goes on running. Exit status: 0 nothing is missing;
    1 something is, for the program or for its tests.
    """
    from hil.unit.doctor import examine
    from twin.runs.progress import waiting

    with waiting("looking around", as_json):
        found = examine(port or ())
    if as_json:
        _print_json({"findings": [asdict(one) for one in found]})
    else:
        _show(found)
    raise typer.Exit(1 if any(one.state == "missing" for one in found) else 0)


def _show(found: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "missing": "red", "note": "yellow"}
    table = Table(box=None, pad_edge=False)
    for heading in ("", "state", "what", "found, or the mend"):
        table.add_column(heading, overflow="fold")
    group = ""
    for one in found:
        table.add_row(
            Text("" if one.group == group else one.group),
            Text(one.state, style=styles[one.state]),
            Text(one.what),
            Text(f"{one.detail}; {one.mend}" if one.mend else one.detail),
        )
        group = one.group
    Console().print(table)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar where a person is looking."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from twin.runs.progress import console

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    off = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, part: bar.update(task, description=what, completed=part)


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False))
