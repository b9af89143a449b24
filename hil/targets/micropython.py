"""A real MicroPython on this computer."""

from hil.link.transports import Process, Transport
from hil.micropython.processes import PICO_HEAP_BYTES, PRECISIONS, command_of
from hil.targets.linked import Linked, reason_of


class MicroPython(Linked):
    """A MicroPython process on a pseudo-terminal."""

    def __init__(self, name: str):
        self.name = name
        precision = PRECISIONS[name]
        bits = (
            "64 bits" if precision == "double" else f"32 bits, {PICO_HEAP_BYTES >> 10} KB of heap"
        )
        self.what = f"real MicroPython, {precision} precision, {bits}, on a pseudo-terminal"

    def missing(self) -> str | None:
        return reason_of(lambda: command_of(self.name))

    def transport(self) -> Transport:
        return Process(command_of(self.name))
