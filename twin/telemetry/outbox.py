"""What waits for the broker and what is under way to it. Used by the sender process."""

import json
import time
from collections import deque
from typing import Any, NamedTuple

from twin.telemetry.connection import Connection, reason_in_words

SCHEMA_VERSION = 1
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 5.0
CONNECT_S = 5.0  # for one attempt to reconnect
GONE_S = 2.0  # at the end, a broker that is away this long is gone
ORPHAN_S = 5.0  # after the run's process died, for what it still left

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class Message(NamedTuple):
    topic: str
    payload: bytes  # JSON with "late":false in it
    recorded_s: float  # on the machine's monotonic clock


def encode(envelope: dict[str, Any], fields: dict[str, Any]) -> bytes:
    """One flat JSON object. The envelope's names win over the fields'; NaN and inf become null."""
    message = {**envelope, **fields, **envelope}
    try:
        return _ENCODER.encode(message).encode()
    except ValueError:
        for name, value in message.items():
            if isinstance(value, float) and not abs(value) < float("inf"):
                message[name] = None
        return _ENCODER.encode(message).encode()


class Outbox:
    """The queue, the window of messages in flight, and the connection they go through.

    `waiting` holds what was not sent yet, oldest first; `in_flight` what was sent and not yet
    acknowledged, by paho's message number. When a connection is lost, `in_flight` goes back to the
    head of `waiting`. Beyond `capacity` the oldest waiting message is dropped and counted.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.waiting: deque[Message] = deque()
        self.in_flight: dict[int, tuple[Message, bool]] = {}
        self.sent = self.late = self.dropped = 0
        self.last_acknowledged = 0
        self.connection: Connection | None = None
        self.connected_s = 0.0  # what was recorded before this connection stood is late
        self.retry_s = FIRST_RETRY_S
        self.retry_at = self.answer_by = self.down_at = self.progress_at = 0.0
        self.status = self._status("online", None, {})
        self.drain_s: float | None = None  # set when the run is over
        self.hard_stop_at = float("inf")
        self.orphan = False

    # -- what comes from the run

    def take(self, order: tuple[Any, ...]) -> None:
        """Carry out one order of the run: messages, a new status, or the end."""
        what, *rest = order
        if what == "messages":
            for topic, seq, now_ms, recorded_s, fields in rest[0]:
                self.waiting.append(self._message(topic, seq, now_ms, recorded_s, fields))
            self._trim()
        elif what == "status":
            self.status = self._status(*rest)
            if self.connection is not None and self.connection.up:
                self._publish_status(self.connection)
        elif what == "close":
            self.end(*rest)

    def end(self, drain_s: float) -> None:
        """Nothing more will come. Send what waits, then stop."""
        self.drain_s = drain_s
        self.progress_at = self.down_at = time.monotonic()
        self.retry_at, self.retry_s = self.progress_at, FIRST_RETRY_S

    def abandon(self) -> None:
        """The run's process is gone: save what it left, then vanish, so that the will speaks."""
        self.orphan = True
        self.hard_stop_at = time.monotonic() + ORPHAN_S
        if self.drain_s is None:
            self.end(ORPHAN_S)

    def _message(
        self, topic: str, seq: int, now_ms: int, recorded_s: float, fields: dict[str, Any]
    ) -> Message:
        envelope = {
            "v": SCHEMA_VERSION,
            "now_ms": now_ms,
            "seq": seq,
            "boot_id": self.settings["boot_id"],
            "late": False,
        }
        return Message(self._topic(topic), encode(envelope, fields), recorded_s)

    def _status(self, state: str, now_ms: int | None, fields: dict[str, Any]) -> bytes:
        boot_id = self.settings["boot_id"]
        envelope = {"v": SCHEMA_VERSION, "now_ms": now_ms, "boot_id": boot_id, "state": state}
        return encode(envelope, fields)

    def _topic(self, name: str) -> str:
        return f"tubetwin/{self.settings['device']}/{name}"

    def _trim(self) -> None:
        while len(self.waiting) > self.settings["capacity"]:
            self.waiting.popleft()
            self.dropped += 1

    # -- to the broker

    def connect(self, timeout_s: float) -> str:
        """Open a connection; the reason in words if that failed, else an empty string."""
        will = self._status("offline", None, {"reason": "connection lost"})
        try:
            self.connection = Connection(
                self.settings, (self._topic("status"), will), self._acknowledged
            )
            self.connection.open(timeout_s)
        except OSError as error:
            self.connection = None
            return reason_in_words(error)
        except ValueError:  # a host name that no resolver takes
            self.connection = None
            return "unusable host name"
        self.answer_by = time.monotonic() + timeout_s
        return ""

    def reconnect_when_due(self) -> None:
        now = time.monotonic()
        if self.connection is None and now >= self.retry_at:
            timeout_s = CONNECT_S if self.drain_s is None else GONE_S
            if self.connect(timeout_s):
                self._back_off()

    def service(self, readable: bool, writable: bool) -> None:
        """Serve the connection, and notice that it came up or went down."""
        connection = self.connection
        if connection is None:
            return
        was_up = connection.up
        connection.service(readable, writable)
        if connection.up and not was_up:
            self.welcomed()
        overdue = not connection.up and time.monotonic() > self.answer_by
        if connection.lost or connection.refusal or overdue:
            self._lost()

    def welcomed(self) -> None:
        self.progress_at = self.connected_s = time.monotonic()
        assert self.connection is not None
        self._publish_status(self.connection)

    def publish(self) -> None:
        """Fill the window of messages in flight."""
        connection, window = self.connection, self.settings["window"]
        if connection is None:
            return
        while self.waiting and len(self.in_flight) < window and connection.up:
            message = self.waiting.popleft()
            waited_s = time.monotonic() - message.recorded_s
            late = message.recorded_s < self.connected_s or waited_s > self.settings["late_after_s"]
            payload = message.payload
            if late:
                payload = payload.replace(b'"late":false', b'"late":true', 1)
            self.in_flight[connection.publish(message.topic, payload)] = (message, late)

    def _publish_status(self, connection: Connection) -> int:
        return connection.publish(self._topic("status"), self.status, retain=True)

    def _acknowledged(self, number: int) -> None:
        self.last_acknowledged = number
        if message := self.in_flight.pop(number, None):
            self.sent += 1
            self.late += message[1]
            self.progress_at = time.monotonic()
            self.retry_s = FIRST_RETRY_S

    def _lost(self) -> None:
        self.connection = None
        self.down_at = time.monotonic()
        self.waiting.extendleft(message for message, _ in reversed(self.in_flight.values()))
        self.in_flight.clear()
        self._trim()
        self._back_off()

    def _back_off(self) -> None:
        self.retry_at = time.monotonic() + self.retry_s
        self.retry_s = min(2 * self.retry_s, LONGEST_RETRY_S)

    # -- the end

    def finished(self) -> bool:
        """The run is over, and either all is sent or waiting longer is pointless."""
        now = time.monotonic()
        if self.drain_s is None:
            return False
        if self.connection is not None and self.connection.up:
            done = not self.waiting and not self.in_flight
            return done or now > min(self.progress_at + self.drain_s, self.hard_stop_at)
        return now > min(self.down_at + GONE_S, self.hard_stop_at)

    def say_goodbye(self) -> int:
        """Publish the last status; its message number."""
        unsent = len(self.waiting) + len(self.in_flight)
        counts = {"sent": self.sent, "late": self.late, "dropped": self.dropped, "unsent": unsent}
        self.status = self._status("offline", None, {"reason": "closed", **counts})
        assert self.connection is not None
        return self._publish_status(self.connection)
