"""A watchdog that cannot be stopped, as on the ESP32 and the STM32."""

import machine

FEED_MS = 100


class Watchdog:
    """A watchdog: without feed() in time the board resets, with nothing energised.

    longest_ms : the longest time that the port accepts
    timer      : number of a machine.Timer that is free
    """

    _feeder: "machine.Timer | None" = (
        None  # the timer of a released watchdog: timers run on after their starter
    )

    def __init__(self, timeout_ms: int, longest_ms: int, timer: int):
        if Watchdog._feeder is not None:
            Watchdog._feeder.deinit()  # otherwise it feeds this one even if the loop hangs
            Watchdog._feeder = None
        self._longest_ms = longest_ms
        self._timer_number = timer
        self.feed = machine.WDT(timeout=timeout_ms).feed

    def release(self) -> None:
        """Let a timer feed the watchdog from now on. Called after the safe state, on Ctrl-C.

        A soft reset stops the timer. Then the longest time remains until the reset; both ports
        accept the new time although the documentation of machine.WDT does not promise it.
        """
        feed = machine.WDT(timeout=self._longest_ms).feed
        feed()
        Watchdog._feeder = machine.Timer(
            self._timer_number, period=FEED_MS, callback=lambda _timer: feed()
        )
