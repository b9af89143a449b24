"""A watchdog that can't be stopped, as on the ESP32 and the STM32."""

import machine

FEED_MS = 100


class Watchdog:
    """feed() in time, or the board starts anew, with nothing energised.

    longest_ms : what the port can do at most
    timer      : number of a machine.Timer that is free
    """

    def __init__(self, timeout_ms: int, longest_ms: int, timer: int):
        self._longest_ms = longest_ms
        self._timer_number = timer
        self.feed = machine.WDT(timeout=timeout_ms).feed

    def release(self) -> None:
        """After the safe state, for whoever pressed Ctrl-C: a timer feeds it from here on.

        A soft reset stops the timer. Then the longest time is left, which both ports take over
        although the documentation of machine.WDT does not promise it.
        """
        feed = machine.WDT(timeout=self._longest_ms).feed
        feed()
        self._timer = machine.Timer(
            self._timer_number, period=FEED_MS, callback=lambda _timer: feed()
        )
