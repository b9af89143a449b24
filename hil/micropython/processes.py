"""The firmware's end of the link as command lines of processes, see firmware/link/serve.py."""

import sys

from hil.micropython.build import source_hash
from hil.micropython.interpreters import find_micropython

PICO_HEAP_BYTES = 240 * 1024  # of Python on an RP2040
PRECISIONS = {"micropython": "double", "micropython-f32": "single"}
INTERPRETERS = ("cpython", *PRECISIONS)


def command_of(interpreter: str) -> list[str]:
    """The command line that starts the firmware's end of the link on an interpreter.

    "cpython" is this interpreter in a separate process. "micropython" calculates in double
    precision on 64 bits, "micropython-f32" in single precision on 32 bits with a heap of
    PICO_HEAP_BYTES, as a microcontroller. Raises InputError if the interpreter is not installed.
    """
    entry = ["-m", "firmware.link.serve", source_hash()]
    if interpreter == "cpython":
        return [sys.executable, *entry]
    if interpreter == "micropython":
        return [str(find_micropython("double").absolute()), *entry]
    if interpreter == "micropython-f32":
        single = str(find_micropython("single").absolute())
        return [single, "-X", f"heapsize={PICO_HEAP_BYTES}", *entry]
    raise ValueError(f"{interpreter!r} is not an interpreter; choose {', '.join(INTERPRETERS)}")
