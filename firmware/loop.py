"""The shell around the controller: the only loop, and the only feeder of the watchdog.

An entry point builds the parts and calls `run`. The beam is never started here: that takes a
command whose `run` changes from False to True while the loop runs.
"""

from firmware.signals import Inputs, Outputs
from firmware.ticks import MASK, diff

TICK_MS = 10


class Schedule:
    """The clock of free-running hardware: a tick every `period_ms` on an absolute schedule.

    ticks_ms, sleep_ms : those of the `time` module, or stand-ins
    late   : ticks that began after they were due, because the one before took too long
    missed : ticks that were left out, because they would have been a whole period late or more
    began_us : when the present tick began, by `ticks_us`, which is there where it is asked for
    """

    def __init__(self, ticks_ms, sleep_ms, period_ms: int = TICK_MS, ticks_us=None):
        self.late = 0
        self.missed = 0
        self.began_us = 0
        self._ticks_us = ticks_us
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._period_ms = period_ms
        self._due_ms: int | None = None

    def next_tick(self) -> int:
        """Wait for the next tick; returns the time at which it begins, wrapping ms."""
        now_ms = self._wait()
        if self._ticks_us is not None:
            self.began_us = self._ticks_us()
        return now_ms

    def _wait(self) -> int:
        now_ms = self._ticks_ms() & MASK
        if self._due_ms is None:
            self._due_ms = now_ms
            return now_ms
        self._due_ms = (self._due_ms + self._period_ms) & MASK
        behind_ms = diff(now_ms, self._due_ms)
        if behind_ms > 0:
            self.late += 1
            left_out = behind_ms // self._period_ms
            self.missed += left_out
            self._due_ms = (self._due_ms + left_out * self._period_ms) & MASK
        while behind_ms < 0:
            self._sleep_ms(-behind_ms)
            now_ms = self._ticks_ms() & MASK
            behind_ms = diff(now_ms, self._due_ms)
        return now_ms


def run(
    board, controller, command, clock, watchdog=None, inputs=None, outputs=None, slack=None
) -> None:
    """Tick until the clock says None or the slack says that it is time to leave, or for ever.

    board   : read(inputs) and write(outputs), see firmware/boards/
    clock   : next_tick() waits for a tick and gives its time, wrapping ms; or None at the end
    inputs, outputs : the records, where others look at them too; what the actuators hold before
              the first tick stands in outputs, all 0 if not given
    slack   : turn() does after each tick what is not of the control, and is True to leave

    Only a good tick feeds the watchdog. Whatever ends the loop, the last thing written is the
    safe state, in which nothing is energised; an exception goes on to the caller after that.
    """
    safe = Outputs()
    if inputs is None:
        inputs = Inputs()
    if outputs is None:
        outputs = Outputs()
    try:
        while True:
            now_ms = clock.next_tick()
            if now_ms is None:
                return
            board.read(inputs)
            controller.step(now_ms, inputs, outputs, command)
            board.write(outputs)
            if watchdog is not None:
                watchdog.feed()
            if slack is not None and slack.turn():
                return
    finally:
        uninterrupted(board.write, safe)


def uninterrupted(act, *arguments) -> None:
    """Do it, whatever keys are pressed meanwhile: hosts send Ctrl-C twice."""
    while True:
        try:
            act(*arguments)
            return
        except KeyboardInterrupt:
            pass
        except OSError:
            return  # the way out is gone; the watchdog is no longer fed
