"""Arithmetic of a millisecond counter that wraps, as time.ticks_ms does on a microcontroller."""

PERIOD_MS = 1 << 30  # 12.4 days
MASK = PERIOD_MS - 1
COUNT_MASK = 0xFFFF  # of hard interrupts' counters: MASK + 1 would be an object on the heap
_HALF = PERIOD_MS >> 1


def diff(later_ms: int, earlier_ms: int) -> int:
    """Return the milliseconds from `earlier_ms` to `later_ms`, correct up to 6 days."""
    return ((later_ms - earlier_ms + _HALF) & MASK) - _HALF
