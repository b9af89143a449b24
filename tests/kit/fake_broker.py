"""A small MQTT 3.1.1 broker for tests, on a loopback socket, that misbehaves on request.

It keeps a ledger of all received messages, also over restarts on the same port, and has no
subscriptions.
"""

import json
import socket
import struct
import threading
from contextlib import suppress
from typing import Any, NamedTuple

PATIENCE_S = 30.0  # for what must happen; nothing waits this long unless it failed


class Publication(NamedTuple):
    topic: str
    message: dict[str, Any]
    retained: bool
    connection: int  # 0 for the first, 1 for the second...


class FakeBroker:
    """answer: the CONNACK return code, or None to stay silent; acknowledge: whether to PUBACK."""

    def __init__(self, answer: int | None = 0, acknowledge: bool = True) -> None:
        self.answer = answer
        self.acknowledge = acknowledge
        self.hang_up_after: int | None = None  # publications to acknowledge before hanging up
        self.ledger: list[Publication] = []
        self.connects: list[dict[str, Any]] = []
        self.unacknowledged: list[int] = []
        self.goodbyes = 0
        self.open = 0
        self._changed = threading.Condition()
        self._listener: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def __enter__(self) -> "FakeBroker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._listener = listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        """Die: no more listening, all connections cut."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Cut all connections."""
        with self._changed:
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Acknowledge what was not acknowledged, and from now on everything."""
        with self._changed:
            self.acknowledge = True
            numbers, self.unacknowledged = self.unacknowledged, []
            for number in numbers:
                self._sockets[-1].sendall(struct.pack("!BBH", 0x40, 2, number))

    def wait(self, condition: Any) -> None:
        """Wait until `condition(self)` holds."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), PATIENCE_S), "waited in vain"

    def messages(self, name: str) -> list[dict[str, Any]]:
        """All messages published to tubetwin/<any device>/<name>, as they came."""
        return [entry.message for entry in self.ledger if entry.topic.endswith("/" + name)]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._changed:
                self._sockets.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with self._changed:
            self.open += 1
        with suppress(OSError, EOFError), sock:
            stream = sock.makefile("rb")
            while True:
                self._handle(sock, *_read_packet(stream))
        with self._changed:
            self.open -= 1
            self._changed.notify_all()

    def _handle(self, sock: socket.socket, first: int, body: bytes) -> None:
        with self._changed:
            if first == 0x16:
                raise EOFError  # TLS
            if first == 0x10:
                self.connects.append(_read_connect(body))
                if self.answer is not None:
                    sock.sendall(bytes([0x20, 2, 0, self.answer]))
            elif first >> 4 == 3:
                self._publication(sock, first, body)
            elif first >> 4 == 12:
                sock.sendall(b"\xd0\x00")
            elif first >> 4 == 14:
                self.goodbyes += 1
            self._changed.notify_all()

    def _publication(self, sock: socket.socket, first: int, body: bytes) -> None:
        topic, rest = _read_string(body)
        (number,) = struct.unpack("!H", rest[:2])
        assert first & 0b0110 == 0b0010, "not QoS 1"
        self.ledger.append(
            Publication(
                topic.decode(), _strict_json(rest[2:]), bool(first & 1), len(self.connects) - 1
            )
        )
        if self.hang_up_after == 0:
            self.hang_up_after = None
            sock.shutdown(socket.SHUT_RDWR)
            raise EOFError
        if self.hang_up_after is not None:
            self.hang_up_after -= 1
        if self.acknowledge:
            sock.sendall(struct.pack("!BBH", 0x40, 2, number))
        else:
            self.unacknowledged.append(number)


def _strict_json(data: bytes) -> Any:
    def reject(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(data, parse_constant=reject)


def _read_packet(stream: Any) -> tuple[int, bytes]:
    def read(size: int) -> bytes:
        data: bytes = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    first, length, shift = read(1)[0], 0, 0
    while True:
        byte = read(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, read(length)


def _read_string(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack("!H", data[:2])
    return data[2 : 2 + length], data[2 + length :]


def _read_connect(body: bytes) -> dict[str, Any]:
    protocol, rest = _read_string(body)
    level, flags, keepalive = struct.unpack("!BBH", rest[:4])
    fields: dict[str, Any] = {"protocol": protocol, "level": level, "keepalive": keepalive}
    fields["client_id"], rest = _read_string(rest[4:])
    if flags & 0x04:
        fields["will_topic"], rest = _read_string(rest)
        fields["will"], rest = _read_string(rest)
        fields["will_retained"] = bool(flags & 0x20)
    if flags & 0x80:
        fields["user"], rest = _read_string(rest)
    if flags & 0x40:
        fields["password"], rest = _read_string(rest)
    return fields
