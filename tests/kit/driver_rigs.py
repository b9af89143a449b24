"""Helpers of the drivers' tests: a clock set by hand, chips and buses that fail during a
transfer."""

from collections.abc import Callable, Iterator
from functools import partial

from hypothesis import strategies as st

from hil.pico.chips.bus import EIO, I2CChip


def sources(values: list[float]) -> list[Callable[[], float]]:
    """What each value of the list is, now."""
    return [partial(values.__getitem__, at) for at in range(len(values))]


class Clock:
    """now_us() of the models; `after_ms` moves on."""

    def __init__(self):
        self.us = 0

    def __call__(self) -> int:
        return self.us

    def after_ms(self, ms: float) -> None:
        self.us += round(1000 * ms)


class Faltering(I2CChip):
    """A chip whose answers stop after so many bytes."""

    def __init__(self, chip: I2CChip, after: int):
        super().__init__(chip.now_us)
        self._chip = chip
        self.left = after

    def start(self, read: bool) -> bool:
        return self._chip.start(read)

    def write(self, byte: int) -> bool:
        self.left -= 1
        return self.left >= 0 and self._chip.write(byte)

    def read(self, ack: bool) -> int:
        self.left -= 1
        if self.left < 0:
            self._chip.stop()
            raise OSError(EIO)
        return self._chip.read(ack)

    def stop(self) -> None:
        self._chip.stop()


class Babbling:
    """Both buses, answering with any bytes at all, or not: None in the answers is an error."""

    def __init__(self, answers: list[bytes | None]):
        self._answers: Iterator[bytes | None] = iter(answers)

    def _next(self) -> bytes:
        answer = next(self._answers, None)
        if answer is None:
            raise OSError(EIO)
        return answer

    def writeto(self, address, buffer):
        self._next()

    def writeto_mem(self, address, register, buffer):
        self._next()

    def readfrom_into(self, address, buffer):
        answer = self._next()
        buffer[:] = (answer * len(buffer))[: len(buffer)] if answer else bytes(len(buffer))

    def readfrom_mem_into(self, address, register, buffer):
        self.readfrom_into(address, buffer)

    def write(self, buffer):
        self._next()

    def write_readinto(self, out, buffer):
        self.readfrom_into(0, buffer)


anything = st.lists(st.none() | st.binary(max_size=32), max_size=60)
