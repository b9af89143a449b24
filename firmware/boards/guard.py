"""End a read of the serial line that waits for bytes which do not come.

MicroPython's standard input has no read with a time-out and no non-blocking read: a read waits for
all requested bytes. But a read also polls a second source (os.dupterm), and timers run while it
waits. A timer therefore sets a source of zeros as the second source: an incomplete frame ends as a
damaged one.
"""

import io
import os

import machine

WAIT_MS = 5  # the longest duration of a frame on a USB line


class Zeros(io.IOBase):
    """A stream whose reads give zeros and whose writes are discarded."""

    def readinto(self, buffer) -> int:
        for at in range(len(buffer)):
            buffer[at] = 0
        return len(buffer)

    def write(self, data) -> int:
        return len(data)

    def ioctl(self, request, argument) -> int:
        return 0


class Guard:
    """A time limit for reads: between begin() and end() missing bytes read 0 after WAIT_MS."""

    def __init__(self):
        self._zeros = Zeros()
        self._timer = machine.Timer(-1)
        self._expired = self._fill  # a bound method is an object: made once
        self._reading = False
        self._filled = False

    def begin(self) -> None:
        self._reading = True
        # Repeated, because the scheduler drops a call when its queue is full.
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
