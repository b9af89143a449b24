"""The pictures that commands draw: refused before a long run, written whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.files.errors import InputError
from twin.files.whole import check_writable, whole


def check_picture(path: Path, option: str) -> None:
    """InputError if no PNG can be written there."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{option} {path}: is no .png; name a file such as plot.png")
    check_writable(path, option, folders=True)


def draw_picture(path: Path, option: str, draw: Callable[..., None], *what: Any) -> None:
    """`draw(*what, file)` in the house's style. InputError if it can't be written."""
    from twin.report.drawing import style

    with whole(path, option, folders=True) as part, style():
        draw(*what, part)
