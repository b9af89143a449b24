"""Real-time pacing: the one thin layer that looks at the wall clock and waits for it."""

from collections.abc import Callable
from time import perf_counter, sleep

LATE_S = 0.05  # later than this is an overrun
STRIDE_S = 0.02  # wall time between two waits


class Pace:
    """Keeps simulated time from running ahead of `rate` simulated seconds per wall second.

    rate None: as fast as it goes. `overruns` counts the waits that came too late, `worst_s` is
    the longest delay.
    """

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = perf_counter,
        wait: Callable[[float], None] = sleep,
    ):
        self.rate = rate
        self.overruns = 0
        self.worst_s = 0.0
        self._clock = clock
        self._wait = wait
        self._start = clock()

    def stride_ms(self, longest_ms: int) -> int:
        """How far to run before the next wait, ms: whole ticks, at most `longest_ms`."""
        if self.rate is None:
            return 60 * longest_ms
        return max(10, min(longest_ms, int(1000.0 * STRIDE_S * self.rate) // 10 * 10))

    def keep(self, now_ms: int) -> None:
        """Wait until the wall clock has come to simulated time `now_ms`."""
        if self.rate is None:
            return
        ahead_s = 0.001 * now_ms / self.rate - (self._clock() - self._start)
        if ahead_s > 0.0:
            self._wait(ahead_s)
        elif ahead_s < -LATE_S:
            self.overruns += 1
            self.worst_s = max(self.worst_s, -ahead_s)
