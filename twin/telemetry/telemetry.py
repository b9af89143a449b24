"""MQTT telemetry of a run: what the tube did, once a simulated second, and what happened to it.

Telemetry never holds the run up and never talks back to it. The run appends to a queue in memory;
a thread hands the queue to a sender process, which owns the MQTT client (`telemetry_sender`).
Measured, the busy loop of a run pays far less for this than for an MQTT client of its own, and
what the network does (slow, silent, gone) cannot reach the run at all. docs/user/telemetry.md
describes topics, payloads and delivery.
"""

import os
import secrets
import select
import ssl
import subprocess
import threading
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple

from twin.files import child
from twin.files.errors import InputError
from twin.telemetry.url import broker_address, checked_device

Value = float | int | str | bool | None

_PLAIN = frozenset([float, int, str, bool, type(None)])
_FIX = "start a broker there, give another with --broker, or run with --no-mqtt"
_BATCH = 500  # messages per frame
_POLL_S = 0.02  # how often the feeding thread looks into the queue
_START_S = 10.0  # for the sender process to come up
_WAKE_S = 0.2
_END_S = 5.0  # for a killed sender to be gone
_GRACE_S = 6.0  # a sender that is silent this much longer than the drain time is stuck


class TelemetryCounts(NamedTuple):
    """What became of the samples and events of a run.

    sent: acknowledged by the broker; late: of these, not sent when they were new;
    dropped: the oldest, when the queue was full; unsent: still waiting when the run ended.
    """

    sent: int
    late: int
    dropped: int
    unsent: int


class Telemetry:
    """Publishes samples, events and a retained status to tubetwin/<device>/….

    url: mqtt://[user[:password]@]host[:port] or mqtts://…; device: the topic's middle level;
    capacity: messages kept while the broker is away, the oldest are dropped beyond it;
    ca_file: PEM certificates to trust with mqtts:// instead of the system's;
    window: messages sent and not yet acknowledged; late_after_s: wall seconds after which
    a message that waited counts as late even though the connection held.
    Raises InputError if one of these is unusable.
    """

    def __init__(
        self,
        url: str,
        device: str,
        capacity: int = 50_000,
        *,
        ca_file: str | None = None,
        window: int = 200,
        late_after_s: float = 10.0,
    ) -> None:
        self.address = address = broker_address(url)
        self.boot_id = secrets.token_hex(6)
        self._capacity = capacity
        self._settings = {
            "host": address.host,
            "port": address.port,
            "tls": address.tls,
            "user": address.user,
            "password": address.password,
            "ca_file": _checked_certificates(ca_file),
            "client_id": f"tubetwin-{self.boot_id}",
            "device": checked_device(device),
            "boot_id": self.boot_id,
            "capacity": capacity,
            "window": window,
            "late_after_s": late_after_s,
        }
        self._queue: deque[tuple[str, int, int, float, dict[str, Any]]] = deque()
        self._statuses: deque[tuple[Any, ...]] = deque(maxlen=1)
        self._seq = {"telemetry": 0, "event": 0}
        self._dropped = 0
        self._counts = (0, 0, 0)  # sent, late, dropped by the sender
        self._child: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._drain_s = 0.0
        self._over = threading.Event()  # the sender is gone: nothing more can be sent

    def connect(self, timeout_s: float = 5.0) -> None:
        """Start the sender and wait until the broker let it in.

        Raises InputError if the broker cannot be reached, refuses us or keeps silent.
        """
        settings = {**self._settings, "timeout_s": timeout_s}
        try:
            sender, (what, *reason) = child.start(
                "twin.telemetry.sender", settings, timeout_s + _START_S
            )
        except child.ChildError as error:
            raise InputError(f"broker {self.address}: {error}; {_FIX}") from None
        if what != "connected":
            child.discard(sender)
            raise InputError(f"broker {self.address}: {reason[0]}; {_FIX}")
        self._child = sender
        threading.Thread(target=self._feed, args=(sender,), name="telemetry", daemon=True).start()

    def sample(self, now_ms: int, fields: dict[str, Value]) -> None:
        """Record one sample at simulated time `now_ms`. Appends to the queue and returns."""
        self._record("telemetry", now_ms, dict(fields))

    def event(self, now_ms: int, kind: str, fields: dict[str, Value] | None = None) -> None:
        """Record that something happened, such as a `start` or a `trip`."""
        self._record("event", now_ms, {"kind": kind} | (fields or {}) | {"kind": kind})

    def status(
        self, state: str, now_ms: int | None = None, fields: dict[str, Value] | None = None
    ) -> None:
        """Set the retained status. Only the last one counts; it does not queue behind samples."""
        when = None if now_ms is None else int(now_ms)
        self._statuses.append((state, when, _plain(fields or {})))

    @property
    def counts(self) -> TelemetryCounts:
        """What is known so far; final after `close`."""
        sent, late, dropped = self._counts
        dropped += self._dropped
        return TelemetryCounts(sent, late, dropped, sum(self._seq.values()) - sent - dropped)

    def close(self, drain_s: float = 10.0) -> TelemetryCounts:
        """Send what still waits, set the status to `offline`, and stop the sender.

        Goes on as long as the broker acknowledges something every `drain_s`, and gives up sooner
        if the broker is gone. An interrupt (Ctrl-C) stops it at once.
        """
        if self._child is not None:
            try:
                self._drain_s = drain_s
                self._closing.set()
                while not self._over.wait(_WAKE_S):  # a wait without end can miss an interrupt
                    pass
            except BaseException:  # an interrupt
                self._child.kill()
                self._over.wait(_END_S)
                raise
        return self.counts

    def _record(self, topic: str, now_ms: int, fields: dict[str, Any]) -> None:
        seq = self._seq[topic]
        self._seq[topic] = seq + 1
        if self._over.is_set():
            return
        queue = self._queue
        if len(queue) >= self._capacity:
            with suppress(IndexError):  # the feeder was faster
                queue.popleft()
                self._dropped += 1
        queue.append((topic, seq, now_ms, monotonic(), fields))

    # -- the feeding thread; it alone uses the pipes, so it alone closes them

    def _feed(self, sender: subprocess.Popen[bytes]) -> None:
        try:
            self._exchange(sender)
        finally:
            child.discard(sender)
            self._over.set()
            self._queue.clear()

    def _exchange(self, sender: subprocess.Popen[bytes]) -> None:
        """Bring the queue to the sender and its reports back, until it ends."""
        orders, reports = child.pipes(sender)
        os.set_blocking(orders, False)
        frames, pending, stuck_at, stopping = child.Frames(), memoryview(b""), float("inf"), False
        while True:
            if not pending:
                pending = memoryview(self._next_orders())
                if not pending and self._closing.is_set() and not stopping:
                    pending, stopping = memoryview(child.frame(("close", self._drain_s))), True
            readable, writable, _ = select.select(
                [reports], [orders] if pending else [], [], _POLL_S
            )
            if writable:
                try:
                    pending = pending[os.write(orders, pending) :]
                except BrokenPipeError:
                    return
            if readable:
                if not (data := os.read(reports, 1 << 16)):
                    return
                for _, sent, late, dropped in frames.feed(data):
                    self._counts = (sent, late, dropped)
            if self._closing.is_set():
                if readable or writable or stuck_at == float("inf"):
                    stuck_at = monotonic() + self._drain_s + _GRACE_S
                if monotonic() > stuck_at:
                    return

    def _next_orders(self) -> bytes:
        """The next frames for the sender, or nothing."""
        orders = b""
        with suppress(IndexError):
            orders = child.frame(("status", *self._statuses.popleft()))
        batch: list[tuple[Any, ...]] = []
        with suppress(IndexError):
            while len(batch) < _BATCH:
                batch.append(self._queue.popleft())
        if batch:
            batch = [
                (topic, seq, int(now_ms), recorded_s, _plain(fields))
                for topic, seq, now_ms, recorded_s, fields in batch
            ]
            orders += child.frame(("messages", batch))
        return orders


def _plain(fields: dict[str, Any]) -> dict[str, Value]:
    """The same fields in JSON's own types. Almost always they are, so this looks first."""
    if _PLAIN.issuperset(map(type, fields.values())) and {str}.issuperset(map(type, fields)):
        return fields
    return {str(name): _plain_value(value) for name, value in fields.items()}


def _plain_value(value: Any) -> Value:
    if type(value) in _PLAIN:
        return value
    for kind, plain in ((int, int), (float, float), (str, str.__str__)):
        if isinstance(value, kind):
            return plain(value)
    try:
        return float(value)  # NumPy's numbers
    except (TypeError, ValueError, OverflowError):
        return repr(value)


def _checked_certificates(ca_file: str | None) -> str | None:
    if ca_file is not None:
        try:
            ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            reason = "no PEM certificates" if isinstance(error, ssl.SSLError) else error.strerror
            raise InputError(f"{ca_file}: {reason}; give a file of PEM certificates") from None
    return ca_file
