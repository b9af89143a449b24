"""The byte stream to the host, as whole frames. No function waits longer than requested."""

from firmware.link.frame import Receiver

CHUNK_BYTES = 256


class Line:
    """reader.read(n) : up to n received bytes, None without any, b"" at the end
    readable(ms)   : waits at most this time for bytes; False without any
    writer.write, writable() : a full line is not waited for; the lost frame is counted

    frames : whole frames, received and not yet taken
    closed : the other end has closed the stream
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
        """Wait at most this time for bytes; process the received ones."""
        if not self._readable(wait_ms) or self.closed:
            return
        try:
            chunk = self._reader.read(CHUNK_BYTES)
        except OSError:
            chunk = b""  # a terminal whose other end is closed
        if chunk:
            self.frames.extend(self.receiver.feed(chunk))
        elif chunk is not None:
            self.closed = True

    def send(self, wire) -> None:
        """Send without waiting: a host that does not read stops no tick."""
        if not self._writable():
            self.unsaid += 1
            return
        try:
            self._writer.write(wire)
        except OSError:
            self.closed = True
