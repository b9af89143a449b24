"""The X-RAY ON lamp's current, as machine.ADC of an RP2040 gives it."""

from collections.abc import Callable


def current_u16(counts: Callable[[], int]) -> Callable[[], int]:
    """A source for bus.ADC from 12-bit counts, extended to 16 bits as MicroPython does."""

    def read_u16() -> int:
        raw = min(max(counts(), 0), 4095)
        return raw << 4 | raw >> 8

    return read_u16
