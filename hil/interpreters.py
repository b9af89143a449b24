"""Where a real MicroPython interpreter is found."""

import os
import pathlib

from twin.errors import InputError

VARIABLES = {"double": "TUBETWIN_MICROPYTHON", "single": "TUBETWIN_MICROPYTHON_F32"}


def cached_micropython(precision: str) -> pathlib.Path:
    """The executable that scripts/get_micropython.py keeps in the user's cache, there or not."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base, "tubetwin", "micropython", precision, "micropython")


def find_micropython(precision: str) -> pathlib.Path:
    """An executable MicroPython: "double" floats on 64 bits, or "single" floats on 32 bits.

    The environment variables TUBETWIN_MICROPYTHON and TUBETWIN_MICROPYTHON_F32 come first, the
    cache second. Raises InputError, with the mend, if there is none.
    """
    variable = VARIABLES[precision]
    named = os.environ.get(variable)
    path = pathlib.Path(named) if named else cached_micropython(precision)
    if os.access(path, os.X_OK) and path.is_file():
        return path
    if named:
        raise InputError(f"{variable}: {named} is not an executable: correct or unset it")
    raise InputError(
        f"no MicroPython with {precision} floats: run scripts/test, or set {variable} to one"
    )
