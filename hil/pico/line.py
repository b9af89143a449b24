"""The serial line of the emulated Pico as a transport of wire frames: a bare board, without chips.

The board's time passes only while the host reads: a read lasts until bytes arrive, without a limit
on the wall clock.
"""

from hil.link.transports import GoneError
from hil.micropython.interpreters import find_pico_image
from hil.pico.emulated import EmulatedPico
from hil.pico.unit import unit_files

BOOT_MS = 3000  # the window for Ctrl-C included
SILENT_MS = 2000  # of simulated time; the firmware ends a session after less silence


class PicoLine:
    """A transport (hil/link/transports.py) to a board, `pico`, switched to wire frames."""

    def __init__(self) -> None:
        self.pico = EmulatedPico(find_pico_image(), unit_files(bare=True))
        self.pico.run(BOOT_MS)
        self.pico.received.clear()
        self.pico.send(b"\nlink\n")

    def write(self, data: bytes | bytearray) -> None:
        self.pico.send(bytes(data))

    def read(self, timeout_s: float) -> bytes:
        pico = self.pico
        if not pico.run(SILENT_MS, lambda: len(pico.received) > 0):
            raise GoneError("sends nothing any more")
        received = bytes(pico.received)
        pico.received.clear()
        return received

    def description(self) -> str:
        return ""

    def wait(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __str__(self) -> str:
        return "the emulated Pico"
