"""emulated://NAME, a serial port for pyserial at whose other end is a board in this very process.

Board and host take turns, so a run repeats to the byte. As on USB, the port is gone when the board
is reset, and a cable that is pulled takes the supply with it.

    cable = plug_in("pico", EmulatedPico(…))
    serial.serial_for_url("emulated://pico")
"""

import serial
from serial import SerialException

from hil.flash.board import Clock
from hil.pico.emulated import EmulatedPico

STEP_MS = 5
LOOK_MS = 20  # how long the board runs while the host looks whether something has come
ENUMERATION_MS = 200
UNDERWAY_MS = 2  # how long the board still lives when the last byte before a cut has been sent


class Cable:
    """sent       : all that the host has sent
    pull_after : the cable is pulled after so many bytes of that; once
    damage     : the number of the byte of that which arrives as another
    """

    def __init__(self, pico: EmulatedPico):
        self.pico = pico
        self.sent = bytearray()
        self.pull_after: int | None = None
        self.damage: int | None = None
        self._pulls = 0

    def clock(self) -> Clock:
        """The host's clock is the board's."""
        return Clock(lambda: self.pico.now_ns / 1e9, self._sleep)

    def plugged(self) -> tuple[int, int]:
        """Changes when the port is gone."""
        return self._pulls, self.pico.resets

    def carry(self, byte: int) -> None:
        if self.pull_after is not None and len(self.sent) >= self.pull_after:
            self.pull_after = None
            self.pico.run(UNDERWAY_MS)
            self.pull()
            return
        damaged = len(self.sent) == self.damage
        self.sent.append(byte)
        self.pico.send(bytes([byte ^ 1 if damaged else byte]))

    def pull(self) -> None:
        self._pulls += 1
        self.pico._pending.clear()  # what the host could not send any more
        self.pico.received.clear()
        self.pico.power_cycle()

    def _sleep(self, duration_s: float) -> None:
        self.pico.run(1000.0 * duration_s)


CABLES: dict[str, Cable] = {}


def plug_in(name: str, pico: EmulatedPico) -> Cable:
    """Make it the board at emulated://NAME."""
    if "tests.kit" not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append("tests.kit")
    CABLES[name] = cable = Cable(pico)
    return cable


class Serial:
    """What mpremote and hil/unit/console.py use of a serial port."""

    def __init__(self, port: str | None = None, *_: object, **options: float | None):
        self.port = port
        self.timeout = options.get("timeout")
        self.write_timeout = options.get("write_timeout")
        self.rts = self.dtr = True
        self._is_open = False

    def open(self) -> None:
        name = str(self.port).partition("://")[2]
        if name not in CABLES:
            raise SerialException(2, "No such file or directory")
        self._cable = CABLES[name]
        self._pico = self._cable.pico
        self._pico.run(ENUMERATION_MS)
        self._plugged = self._cable.plugged()
        self._is_open = True

    def isOpen(self) -> bool:  # noqa: N802
        return self._is_open

    @property
    def in_waiting(self) -> int:
        self._run(LOOK_MS, 1)
        return len(self._pico.received)

    def inWaiting(self) -> int:  # noqa: N802
        return self.in_waiting

    def read(self, size: int = 1) -> bytes:
        assert self.timeout is not None, "a read without a time-out can hang for ever"
        self._run(1000.0 * self.timeout, size)
        data = bytes(self._pico.received[:size])
        del self._pico.received[:size]
        return data

    def write(self, data: bytes) -> int:
        for byte in data:
            self._expect_board()
            self._cable.carry(byte)
        self._expect_board()
        return len(data)

    def close(self) -> None:
        self._is_open = False

    def _run(self, ms: float, wanted: int) -> None:
        """Let the board run until it has said so much, at most so long."""
        self._expect_board()
        end_ns = self._pico.now_ns + ms * 1e6
        while len(self._pico.received) < wanted and self._pico.now_ns < end_ns:
            self._pico.run(STEP_MS)
            self._expect_board()

    def _expect_board(self) -> None:
        if not self._is_open or self._cable.plugged() != self._plugged:
            raise SerialException("device disconnected")
