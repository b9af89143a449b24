"""The work in the slack between two ticks: collecting garbage, and the operator's console.

Every float is an object on these processors, so each tick leaves a few hundred bytes behind.
Without control the collector would start in the middle of a tick. This class runs it after a tick
that has left enough time, long before memory is short, and measures the time of both together.
"""

import gc

from firmware.ticks import diff

COLLECT_TICKS = 10  # about 3 KB of garbage
FIRST_COLLECT_US = 4000  # its assumed time before it is measured
BUDGET_US = 9000  # of the 10 ms period, for a tick and the collection after it
PATIENCE_TICKS = 200  # after this number of ticks it runs in any case


class Slack:
    """The slack; call turn() after each tick.

    clock    : firmware.loop.Schedule with its ticks_us
    console  : firmware.console.console.Console, or None

    ticks : number of ticks
    worst_tick_us    : longest time from the beginning of a tick to its end
    worst_collect_us : longest collection
    worst_busy_us    : longest of both together
    forced           : collections that could not wait for a tick short enough
    leave            : the console's request to the entry point, or None
    """

    def __init__(self, clock, ticks_us, console=None, collect=gc.collect):
        self.ticks = 0
        self.worst_tick_us = 0
        self.worst_busy_us = 0
        self.worst_collect_us = 0
        self.forced = 0
        self.leave: str | None = None
        self._clock = clock
        self._ticks_us = ticks_us
        self._console = console
        self._collect = collect
        self._need_us = FIRST_COLLECT_US
        self._since = 0

    def turn(self) -> bool:
        """Use the rest of the period; True when the loop is to be left."""
        ended_us = self._ticks_us()
        tick_us = diff(ended_us, self._clock.began_us)
        if tick_us > self.worst_tick_us:
            self.worst_tick_us = tick_us
        self.ticks += 1
        self._since += 1
        if self._since >= COLLECT_TICKS:
            fits = tick_us + self._need_us < BUDGET_US
            if fits or self._since >= PATIENCE_TICKS:
                if not fits:
                    self.forced += 1
                self._run_collector(tick_us, ended_us)
                return False
        if tick_us > self.worst_busy_us:
            self.worst_busy_us = tick_us
        if self._console is not None:
            self.leave = self._console.turn()
        return self.leave is not None

    def worst(self) -> dict:
        """Return the longest times since the last call."""
        said = {
            "worst_tick_us": self.worst_tick_us,
            "worst_collect_us": self.worst_collect_us,
            "worst_busy_us": self.worst_busy_us,
            "forced": self.forced,
        }
        self.worst_tick_us = self.worst_collect_us = self.worst_busy_us = self.forced = 0
        return said

    def _run_collector(self, tick_us: int, ended_us: int) -> None:
        self._collect()
        self._since = 0
        took_us = diff(self._ticks_us(), ended_us)
        self._need_us = took_us
        if took_us > self.worst_collect_us:
            self.worst_collect_us = took_us
        if tick_us + took_us > self.worst_busy_us:
            self.worst_busy_us = tick_us + took_us
