"""An MQTT client that records messages, for tests."""

import json
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 30.0  # for what must happen; nothing waits this long unless it failed


class Watcher:
    """A subscriber to everything, connected as a separate client."""

    def __init__(self, port: int, ca_file: str | None = None) -> None:
        self.seen: list[mqtt.MQTTMessage] = []
        self._changed = threading.Condition()
        subscribed = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        if ca_file:
            client.tls_set(ca_file)
            client.username_pw_set("watcher", "look")
        client.on_message = self._message
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("localhost" if ca_file else "127.0.0.1", port)
        client.loop_start()
        client.subscribe("tubetwin/#", qos=1)
        assert subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _message(self, client: object, data: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.seen.append(message)
            self._changed.notify_all()

    def wait_for(self, *words: bytes) -> mqtt.MQTTMessage:
        """The first message that contains all these words."""

        def found() -> list[mqtt.MQTTMessage]:
            return [message for message in self.seen if all(w in message.payload for w in words)]

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE_S), "waited in vain"
            return found()[0]

    def seqs(self) -> set[int]:
        return {json.loads(entry.payload)["seq"] for entry in self.samples()}

    def samples(self) -> list[mqtt.MQTTMessage]:
        return [entry for entry in self.seen if entry.topic.endswith("/telemetry")]
