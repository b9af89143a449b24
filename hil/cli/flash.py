"""The command `tubetwin flash`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from twin.cli import options
from twin.files.errors import InputError
from twin.files.json import print_json


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
        str, typer.Option(help="Type of the board, such as pico or pico2. auto: read from it.")
    ] = "auto",
    link: Annotated[
        bool, typer.Option("--link", help="For a bare board, without chips, on the link.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the files for the board; open no port.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, help="Factor on all time limits; an emulated board needs 10."),
    ] = 1.0,
    as_json: options.Json = False,
) -> None:
    """Put this firmware on a board that runs MicroPython, and check that it answers.

    Checks the board, compiles, copies by mpremote, verifies every file by its hash, resets, reads
    the version back. The beam must be off. After an error the old firmware still starts.
    """
    from hil.flash.image import compile_tree, make_image

    if dry_run:
        from hil.flash.flash import named_boards

        if board == "auto":
            raise InputError("--dry-run opens no port; name the board, for example --board pico")
        named_boards(board)
        image = make_image(compile_tree(), board, link)
        listed = [
            {"path": path, "bytes": len(content), "sha256": image.digest(path)}
            for path, content in image.files.items()
        ]
        if as_json:
            print_json(
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
        print_json(asdict(done))
        return
    before = f", before it build {done.was}" if done.was else ""
    print(f"{done.port}: {done.board} runs firmware {done.firmware}, build {done.build}{before}")
    print(
        f"  {done.machine}, MicroPython {done.micropython}; slot {done.slot}: "
        f"{done.files} files, {done.bytes} bytes, {done.copied} files copied"
    )
    if done.kept_as:
        print(f"  the foreign main.py is now {done.kept_as}")


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress bar, only on a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from twin.runs.progress import console

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    off = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, part: bar.update(task, description=what, completed=part)
