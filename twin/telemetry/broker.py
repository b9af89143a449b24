"""An embedded MQTT broker on loopback, for a run without another broker: amqtt in a child process.

For demonstration and tests only. It listens on 127.0.0.1 and nowhere else, lets every local user
in without a password, and is no security boundary: amqtt 0.12.1 sends a client, when it connects,
retained messages that match anybody's subscriptions, past its own access lists. Anything beyond one
machine needs a real broker (scripts/mosquitto/).

The child ends when its parent does, however that ended.
"""

import os
import select
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Self

from twin.files import child
from twin.files.errors import InputError

_HOST = "127.0.0.1"
_START_S = 15.0
_STOP_S = 8.0  # for what subscribers have not received yet
_FIX = "run with --no-mqtt, or give a broker with --broker"


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker: ... broker.url`: a broker for as long as the block lasts.

    port: 0 takes a free one. Entering raises InputError if the broker cannot start.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._requested_port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        try:
            self.process, (self.port, problem) = child.start(
                "twin.telemetry.broker_process", self._requested_port, _START_S
            )
        except child.ChildError as error:
            raise InputError(f"embedded broker: {error}; {_FIX}") from None
        if problem:
            child.discard(self.process)
            raise InputError(f"embedded broker: {problem}; {_FIX}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the broker once its subscribers have what it took, or after a few seconds."""
        if self.process is None:
            return
        orders, answers = child.pipes(self.process)
        try:
            with suppress(BrokenPipeError):
                os.write(orders, child.frame("stop"))
            select.select([answers], [], [], _STOP_S)
        finally:
            child.discard(self.process)
            self.process = None
