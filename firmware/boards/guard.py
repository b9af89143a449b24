"""Ends a read of the serial line that waits for bytes which do not come.

MicroPython's standard input has no read with a time-out, and none of what has come: it waits
until it has all bytes that it was asked for. But it looks at a second source, too (os.dupterm),
and lets timers act while it waits. So a timer puts a source of zeros there: a frame that breaks
off ends as a damaged one.
"""

import io
import os

import machine

WAIT_MS = 5  # a frame that has begun is longer under way on no USB line


class Zeros(io.IOBase):
    """Zeros for whoever reads; takes everything, says nothing."""

    def readinto(self, buffer) -> int:
        for at in range(len(buffer)):
            buffer[at] = 0
        return len(buffer)

    def write(self, data) -> int:
        return len(data)

    def ioctl(self, request, argument) -> int:
        return 0


class Guard:
    """A read between begin() and end() gets zeros for what has not come after WAIT_MS."""

    def __init__(self):
        self._zeros = Zeros()
        self._timer = machine.Timer(-1)
        self._expired = self._fill  # a bound method is an object: made once
        self._reading = False
        self._filled = False

    def begin(self) -> None:
        self._reading = True
        # Again and again: a call that the scheduler has no place for is lost.
        self._timer.init(mode=machine.Timer.PERIODIC, period=WAIT_MS, callback=self._expired)

    def end(self) -> None:
        self._reading = False  # first: the timer may be about to act
        self._timer.deinit()
        if self._filled:
            self._filled = False
            os.dupterm(None)  # type: ignore[attr-defined]

    def _fill(self, _timer) -> None:
        if self._reading and not self._filled:
            self._filled = True
            os.dupterm(self._zeros)  # type: ignore[attr-defined]
