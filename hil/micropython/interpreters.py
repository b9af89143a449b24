"""Paths of MicroPython: interpreters for this machine, and the image of the Pico."""

import os
import pathlib

from twin.files.errors import InputError

VARIABLES = {"double": "TUBETWIN_MICROPYTHON", "single": "TUBETWIN_MICROPYTHON_F32"}


def cached_micropython(precision: str) -> pathlib.Path:
    """The path of scripts/get_micropython.py's executable in the user's cache; it may not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base, "tubetwin", "micropython", precision, "micropython")


def find_micropython(precision: str) -> pathlib.Path:
    """An executable MicroPython: "double" floats on 64 bits, or "single" floats on 32 bits.

    The environment variables TUBETWIN_MICROPYTHON and TUBETWIN_MICROPYTHON_F32 come first, the
    cache second. Raises InputError, with the fix, if no executable is found.
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


def cached_pico_image() -> pathlib.Path:
    """The path of scripts/get_pico_image.py's image in the user's cache; it may not exist."""
    return cached_micropython("pico").with_name("pico.uf2")


def find_pico_image() -> pathlib.Path:
    """MicroPython for the Raspberry Pi Pico, as a UF2 file.

    The environment variable TUBETWIN_PICO_IMAGE comes first, the cache second. Raises InputError,
    with the fix, if no image is found.
    """
    named = os.environ.get("TUBETWIN_PICO_IMAGE")
    path = pathlib.Path(named) if named else cached_pico_image()
    if path.is_file():
        return path
    if named:
        raise InputError(f"TUBETWIN_PICO_IMAGE: no file {named}: correct or unset it")
    raise InputError(
        "no MicroPython image of the Pico: run scripts/test, or set TUBETWIN_PICO_IMAGE to one"
    )
