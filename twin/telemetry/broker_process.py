"""The process behind EmbeddedBroker: `python -m twin.telemetry.broker_process`, started by it.

amqtt, with a listener of our own and an eye on the parent.
"""

import asyncio
import errno
import logging
import os
from contextlib import suppress
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from twin.files import child

_HOST = "127.0.0.1"
_DISCONNECT = b"\xe0"  # first byte of the packet
_DELIVER_S, _SHUTDOWN_S = 5.0, 2.0
_GATHER, _GATHER_S = 50, 0.002
_POLL_S = 0.02
_ORPHAN_CHECK_S = 1.0


class PatientReader(StreamReaderAdapter):
    """Holds a client's farewell back until amqtt has dealt with all the client sent before.

    amqtt acknowledges first and delivers later, and when a client leaves, it forgets what it has
    not delivered by then; on Python 3.12 and later that may be thousands of messages.
    """

    def __init__(self, reader: asyncio.StreamReader, broker: Broker) -> None:
        super().__init__(reader)
        self._broker = broker

    async def read(self, n: int = -1) -> bytes:
        try:
            data: bytes = await super().read(n)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._all_delivered()
            raise
        if data == _DISCONNECT:  # or another byte of this value, which then is late by a little
            await self._all_delivered()
        return data

    async def _all_delivered(self) -> None:
        await asyncio.sleep(0)  # what was read so far reaches the queue
        while any(
            session.delivered_message_queue.qsize()
            for session, handler in self._broker.sessions.values()
            if handler.reader is self
        ):
            await asyncio.sleep(_POLL_S)


class GatheringWriter(StreamWriterAdapter):
    """Gathers packets for up to 2 ms and sends them together.

    A run at full speed brings thousands of messages a second; with a system call for each
    acknowledgement the broker manages half of them.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self._packets: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._packets:
            asyncio.get_running_loop().call_later(_GATHER_S, self._flush)
        self._packets.append(data)

    async def drain(self) -> None:
        if len(self._packets) >= _GATHER:
            self._flush()
            await super().drain()

    async def close(self) -> None:
        self._flush()
        await super().close()

    def _flush(self) -> None:
        if self._packets:
            super().write(b"".join(self._packets))
            self._packets.clear()


def main() -> None:
    """Read the port, answer (port, problem), serve until the parent sends stop or has ended."""
    child.ignore_interrupt()
    logging.disable(logging.CRITICAL)  # amqtt formats a dozen messages per packet otherwise
    port = child.read_one(0)
    try:
        asyncio.run(_serve(port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        _answer(0, f"port {port} is taken" if taken else f"port {port}: {error.strerror}")


def _answer(port: int, problem: str) -> None:
    os.write(1, child.frame((port, problem)))


async def _serve(port: int) -> None:
    # The listener is external, that is ours, so amqtt binds no socket (its default is 0.0.0.0).
    listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=f"{_HOST}:{port}")
    everybody = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=everybody))
    await broker.start()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await broker.external_connected(
            PatientReader(reader, broker), GatheringWriter(writer), "default"
        )

    server = await asyncio.start_server(welcome, _HOST, port)
    _answer(server.sockets[0].getsockname()[1], "")
    await _until_stop()
    server.close()
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_delivered(broker), _DELIVER_S)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(broker.shutdown(), _SHUTDOWN_S)


async def _until_stop() -> None:
    """Return when the parent sends stop. If the parent has ended, end the process at once."""
    stop = asyncio.Event()

    def listen() -> None:
        if not os.read(0, 1024):
            os._exit(0)
        stop.set()

    asyncio.get_running_loop().add_reader(0, listen)
    while not stop.is_set():
        if child.orphaned():
            os._exit(0)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), _ORPHAN_CHECK_S)


async def _delivered(broker: Any) -> None:
    """Return when subscribers were sent all the broker has acknowledged.

    amqtt acknowledges first and delivers later, through three queues it does not show.
    """

    def busy() -> bool:
        return (
            any(session.delivered_message_queue.qsize() for session, _ in broker.sessions.values())
            or broker._broadcast_queue.qsize() > 0
            or any(not task.done() for task in broker._tasks_queue)
        )

    while busy():
        await asyncio.sleep(_POLL_S)


if __name__ == "__main__":
    main()
