"""Entry point of the link: the firmware at the far end of frames, in lockstep or in real time.

    micropython -m firmware.lockstep

on the standard streams. A read of the standard input must not wait: on a process whoever starts
it makes it so (O_NONBLOCK), on a board `ByByte` does. The first frames bring settings, perhaps a
state, and the outputs held at the start; then come steps. When the other end closes the stream,
ends the session or is silent for too long, the safe state is the last word.
"""

import time

from firmware.boards.link import Link
from firmware.controller import Controller
from firmware.main import run
from firmware.settings import Settings
from firmware.signals import Outputs
from firmware.streams import standard_streams

SILENCE_MS = 10000  # until the first frame; after that START says how long


def serve(link) -> None:
    """Run the firmware on this link until the session is over."""
    settings = Settings()
    outputs = Outputs()
    try:
        if not link.prepare(settings, outputs):
            return
        controller = Controller(settings)
        if link.state:
            controller.load(link.state)
    except Exception as error:
        link.refuse(error)
        raise
    link.begin(controller)
    run(link, controller, link.command, link, outputs=outputs)


class ByByte:
    """A reader that gives what has come, made of one that waits until it has what it was asked
    for: it asks for single bytes."""

    def __init__(self, reader, is_ready):
        self._reader = reader
        self._is_ready = is_ready

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, or to the end of a frame; one must be there."""
        read, is_ready = self._reader.read, self._is_ready
        got = bytearray(read(1))
        while got and got[-1] and len(got) < size and is_ready(0):
            got.extend(read(1))
        return bytes(got)


def link_over(streams: tuple, silence_ms: int, wait_reads: bool = False) -> Link:
    """The link over firmware.streams; `wait_reads` if a read waits for all that it asks for."""
    reader, writer, readable, writable = streams
    if wait_reads:
        reader = ByByte(reader, readable)
    ticks_ms, ticks_us = clocks()
    return Link(reader, writer, readable, writable, ticks_ms, silence_ms, ticks_us)


def clocks() -> tuple:
    """ticks_ms and ticks_us of the time module, or what CPython has in their place."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms, getattr(time, "ticks_us", None)
    return lambda: time.monotonic_ns() // 1_000_000, lambda: time.monotonic_ns() // 1000


if __name__ == "__main__":
    serve(link_over(standard_streams(), SILENCE_MS))
