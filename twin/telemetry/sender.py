"""The process that sends telemetry: `python -m twin.telemetry.sender`, started by `Telemetry`.

Orders arrive on standard input, reports go to standard output (frames: twin/files/child.py).
It subscribes to nothing, so nothing can come back from the network.
"""

import gc
import os
import select
import time
from typing import Any

from twin.files import child
from twin.telemetry.outbox import Outbox

GOODBYE_S = 2.0  # for the acknowledgement of the last status
REPORT_S = 0.1
IDLE_S, BUSY_S = 0.5, 0.05  # longest wait while all is well, and while something is due
_STDIN, _STDOUT = 0, 1
_READ_BYTES = 1 << 18


class Sender:
    """The select loop between the run's pipe and the broker's socket."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.outbox = Outbox(settings)
        self._orders = child.Frames()
        self._listening = True
        self._reported: tuple[Any, ...] = ()
        self._report_at = 0.0

    def connect(self, timeout_s: float) -> str:
        """The first connection; the reason in words if it failed, else an empty string."""
        outbox = self.outbox
        give_up_at = time.monotonic() + timeout_s
        if problem := outbox.connect(timeout_s):
            return problem
        connection = outbox.connection
        assert connection is not None
        while not (connection.up or connection.refusal or connection.lost):
            if time.monotonic() > give_up_at:
                return "accepts connections but does not answer as an MQTT broker"
            self._turn(IDLE_S, listen=False)
        if connection.up:
            return ""
        hint = "" if outbox.settings["tls"] else " (does it expect mqtts://?)"
        return connection.refusal or f"closed the connection without a word{hint}"

    def run(self) -> None:
        """Serve until the run ends the telemetry, or dies."""
        outbox = self.outbox
        while not outbox.finished():
            outbox.reconnect_when_due()
            outbox.publish()
            settled = outbox.connection is not None and outbox.connection.up
            self._turn(IDLE_S if settled and outbox.drain_s is None else BUSY_S)
            self._report()
            if not outbox.orphan and child.orphaned():
                outbox.abandon()
        if not outbox.orphan and outbox.connection is not None and outbox.connection.up:
            self._say_goodbye()
        self._report(at_once=True)

    def _turn(self, timeout_s: float, listen: bool = True) -> None:
        """Wait for the pipe or the socket, and serve whichever calls."""
        connection = self.outbox.connection
        fileno = -1 if connection is None else connection.fileno()
        sockets = [fileno] if fileno >= 0 else []
        pipes = [_STDIN] if listen and self._listening else []
        writers = sockets if connection is not None and connection.wants_write() else []
        readable, writable, _ = select.select(pipes + sockets, writers, [], timeout_s)
        if _STDIN in readable:
            self._listen()
        self.outbox.service(fileno in readable, fileno in writable)

    def _listen(self) -> None:
        data = os.read(_STDIN, _READ_BYTES)
        for order in self._orders.feed(data):
            self.outbox.take(order)
        if not data:
            self._listening = False
            if self.outbox.drain_s is None:
                self.outbox.abandon()

    def _say_goodbye(self) -> None:
        connection = self.outbox.connection
        assert connection is not None
        number, give_up_at = self.outbox.say_goodbye(), time.monotonic() + GOODBYE_S
        while self.outbox.last_acknowledged != number and connection.up:
            if time.monotonic() > give_up_at:
                return
            self._turn(IDLE_S, listen=False)
        connection.close()

    def _report(self, at_once: bool = False) -> None:
        """Tell the run the counts. Never waits: a later report replaces one that found no room."""
        now, outbox = time.monotonic(), self.outbox
        counts = ("counts", outbox.sent, outbox.late, outbox.dropped)
        if counts != self._reported and (at_once or now >= self._report_at):
            self._report_at = now + REPORT_S
            try:
                os.write(_STDOUT, child.frame(counts))
                self._reported = counts
            except (BlockingIOError, BrokenPipeError):
                return


def main() -> None:
    """Read the settings, connect, answer `connected` or `failed`, and serve."""
    child.ignore_interrupt()
    settings = child.read_one(_STDIN)
    sender = Sender(settings)
    if problem := sender.connect(settings["timeout_s"]):
        os.write(_STDOUT, child.frame(("failed", problem)))
        return
    os.write(_STDOUT, child.frame(("connected",)))
    os.set_blocking(_STDOUT, False)
    gc.freeze()
    sender.run()


if __name__ == "__main__":
    main()
