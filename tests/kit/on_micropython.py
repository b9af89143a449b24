"""Runs a piece of Python with the firmware on its path: here, and on real MicroPython."""

import os
import pathlib
import subprocess
import sys

from hil.micropython.interpreters import find_micropython

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRECISIONS = ("double", "single")


def printed_by(interpreter: str | os.PathLike[str], source: str) -> list[str]:
    """The lines that `source` prints on an interpreter."""
    command = [str(interpreter), "-c", source]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def printed_here(source: str) -> list[str]:
    return printed_by(sys.executable, source)


def printed_on_micropython(precision: str, source: str) -> list[str]:
    return printed_by(find_micropython(precision).absolute(), source)
