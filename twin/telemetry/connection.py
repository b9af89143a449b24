"""One connection to an MQTT broker, from the first packet to the last. Used by the sender process.

paho-mqtt does the protocol. A connection that was lost is thrown away with its client: the sender
keeps every message until it is acknowledged, so nothing of paho's own queues has to survive.
"""

import errno
import socket
import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

KEEPALIVE_S = 20
_ACKNOWLEDGED = 1  # QoS: at least once

# What brokers refuse a CONNECT with, by paho's name for the return code, in a user's words.
_REFUSALS = {
    "Bad user name or password": "user name or password refused",
    "Not authorized": "not authorised: give a user name and password it accepts",
    "Unsupported protocol version": "does not speak MQTT 3.1.1",
    "Client identifier not valid": "client name refused",
    "Server unavailable": "reports that it is unavailable",
}


class Connection:
    """A paho client without a thread: the owner selects on `fileno()` and calls `service()`.

    settings: host, port, tls, user, password, ca_file (None: the system's), client_id.
    will: (topic, payload), retained by the broker and spoken if we vanish.
    on_acknowledged(message_id) is called as acknowledgements arrive.
    `up` is True between the broker's welcome and the end, `lost` is True after the end,
    `refusal` is the reason why the broker refused the connection.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        will: tuple[str, bytes],
        on_acknowledged: Callable[[int], None],
    ) -> None:
        self.up = False
        self.lost = False
        self.refusal = ""
        self._address = (settings["host"], settings["port"])
        self._on_acknowledged = on_acknowledged
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings["client_id"],
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(0)  # no limit of paho's: the sender keeps its own
        client.will_set(*will, qos=_ACKNOWLEDGED, retain=True)
        if settings["user"] is not None:
            client.username_pw_set(settings["user"], settings["password"])
        if settings["tls"]:
            client.tls_set_context(ssl.create_default_context(cafile=settings["ca_file"]))
        client.on_connect = self._welcomed
        client.on_disconnect = self._ended
        client.on_publish = self._acknowledged

    def open(self, timeout_s: float) -> None:
        """Connect and ask to be let in; the answer sets `up` or `refusal` later.

        Blocks until the socket (and TLS) stands, `timeout_s` at most. Raises OSError.
        """
        self._client.connect_timeout = timeout_s
        self._client.connect(*self._address, keepalive=KEEPALIVE_S)
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """The socket's number, -1 if it is closed."""
        sock = self._client.socket()
        return -1 if sock is None else sock.fileno()

    def wants_write(self) -> bool:
        return self._client.want_write()

    def service(self, readable: bool, writable: bool) -> None:
        """Let paho read, write and keep the connection alive."""
        if readable:
            self._client.loop_read()
            while self._tls_bytes_waiting():
                self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        if self.fileno() < 0:
            self.up, self.lost = False, True

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> int:
        """Send with acknowledgement; the message's number."""
        return self._client.publish(topic, payload, qos=_ACKNOWLEDGED, retain=retain).mid

    def close(self) -> None:
        """Say goodbye, so that the broker does not publish the will."""
        self._client.disconnect()

    def _tls_bytes_waiting(self) -> bool:
        sock = self._client.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def _welcomed(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self.refusal = _REFUSALS.get(str(reason), f"refused: {reason}")
        else:
            self.up = True

    def _ended(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self.up, self.lost = False, True

    def _acknowledged(
        self, client: mqtt.Client, data: Any, mid: int, reason: ReasonCode, properties: Properties
    ) -> None:
        self._on_acknowledged(mid)


def reason_in_words(error: OSError) -> str:
    """Why a connection could not be opened, in a user's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted ({error.verify_message.rstrip('.')})"
    if isinstance(error, ssl.SSLError):
        return "no TLS there (try mqtt:// or its TLS port)"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "host not reachable"
    return (error.strerror or "connection failed").lower()
