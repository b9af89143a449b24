"""The targets: a new one is a class in a file of its own here, and one entry in TARGETS."""

from collections.abc import Callable
from functools import partial

from hil.micropython.processes import PRECISIONS
from hil.targets.emulated_pico import EmulatedPico
from hil.targets.in_process import InProcess
from hil.targets.micropython import MicroPython
from hil.targets.serial_port import SerialPort
from hil.targets.target import Target
from twin.files.errors import InputError
from twin.files.toml import nearest, shown

# The fastest first.
TARGETS: tuple[Callable[[], Target], ...] = (
    InProcess,
    *(partial(MicroPython, name) for name in PRECISIONS),
    EmulatedPico,
)


def builtin_targets() -> list[Target]:
    """All targets except ports, available or not."""
    return [make() for make in TARGETS]


def find_target(name: str) -> Target:
    """InProcess, MicroPython's processes, the emulated Pico, or the port of this name."""
    for one in builtin_targets():
        if one.name == name:
            return one
    if "/" in name or name.upper().startswith("COM"):
        return SerialPort(name)
    known = [one.name for one in builtin_targets()]
    raise InputError(
        f"--target {shown(name)}: {nearest(name, known)} (or a port, such as /dev/ttyACM0 or "
        "socket://host:port)"
    )
