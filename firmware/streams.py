"""The standard streams as bytes, with polls: a board's USB line, or the streams of a process."""

import select
import sys


def standard_streams() -> tuple:
    """Return (reader, writer, readable, writable) of the standard streams: the USB line of a
    board."""
    reader = sys.stdin.buffer
    writer = sys.stdout.buffer
    reader = getattr(reader, "raw", reader)  # CPython's buffers would hide bytes from the poll
    writer = getattr(writer, "raw", writer)
    incoming = select.poll()
    incoming.register(sys.stdin, select.POLLIN)
    outgoing = select.poll()
    outgoing.register(sys.stdout, select.POLLOUT)
    ask = getattr(incoming, "ipoll", incoming.poll)  # MicroPython's leaves no garbage

    def readable(wait_ms: int = 0) -> bool:
        for _ in ask(wait_ms):
            return True
        return False

    return reader, writer, readable, lambda: len(outgoing.poll(0)) > 0
