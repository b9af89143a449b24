"""A watchdog that can't be stopped, as on the ESP32 and the STM32."""

import machine

FEED_MS = 100


class Watchdog:
    """feed() in time, or the board starts anew, with nothing energised.

    longest_ms : what the port can do at most
    timer      : number of a machine.Timer that is free
    """

    _feeder: "machine.Timer | None" = (
        None  # the timer of one that was released: timers outlive what started them
    )

    def __init__(self, timeout_ms: int, longest_ms: int, timer: int):
        if Watchdog._feeder is not None:
            Watchdog._feeder.deinit()  # or it would feed this one, too, whatever the loop does
            Watchdog._feeder = None
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
        Watchdog._feeder = machine.Timer(
            self._timer_number, period=FEED_MS, callback=lambda _timer: feed()
        )
