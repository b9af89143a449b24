"""The byte stream to the host, as whole frames. Nothing here waits longer than it is asked to."""

from firmware.link.frame import Receiver

CHUNK_BYTES = 256


class Line:
    """reader.read(n) : up to n bytes that have come, None when there are none, b"" at the end
    readable(ms)   : waits so long for bytes; False if there are none
    writer.write, writable() : a line that is full is not waited for, and that is counted

    frames : whole ones that have come and nobody has taken yet
    closed : the other end has gone
    unsaid : frames that the line had no room for
    """

    def __init__(self, reader, writer, readable, writable):
        self.receiver = Receiver()
        self.frames: list = []
        self.closed = False
        self.unsaid = 0
        self._reader = reader
        self._writer = writer
        self._readable = readable
        self._writable = writable

    def listen(self, wait_ms: int) -> None:
        """Wait so long for bytes; take in what has come."""
        if not self._readable(wait_ms) or self.closed:
            return
        try:
            chunk = self._reader.read(CHUNK_BYTES)
        except OSError:
            chunk = b""  # a terminal whose other end has gone
        if chunk:
            self.frames.extend(self.receiver.feed(chunk))
        elif chunk is not None:
            self.closed = True

    def send(self, wire) -> None:
        """Without waiting: a host that does not read stops no tick."""
        if not self._writable():
            self.unsaid += 1
            return
        try:
            self._writer.write(wire)
        except OSError:
            self.closed = True
