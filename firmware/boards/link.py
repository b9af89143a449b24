"""The board at the far end of a byte stream: counts come in frames, programs go back in frames.

It is also the clock of a lockstep, for the frames carry the time: one frame, one tick, one
answer. The stream is anything with read and write, the pipes of a process or a serial port.
"""

from firmware.frame import (
    OUTPUTS_HELD,
    SETTING,
    START,
    STEP,
    Receiver,
    pack,
    pack_outputs,
    unpack_outputs,
    unpack_setting,
    unpack_step,
)
from firmware.signals import Command


class Link:
    """read(inputs) and write(outputs) as on every board, next_tick() as every clock.

    reader.read(n) may block until it has n bytes: it is never asked for one that is not sure to
    come. It gives b"" at the end of the stream. `is_ready()`, where given, waits for bytes and is
    False when the other end has been silent for too long. `command` is what the last frame said.
    """

    def __init__(self, reader, writer, is_ready=None):
        self.command = Command(0.0, 0.0)
        self.receiver = Receiver()
        self._reader = reader
        self._writer = writer
        self._is_ready = is_ready
        self._frames = []
        self._payload = b""
        self._sequence = 0
        self._now_ms = 0

    def prepare(self, settings, outputs) -> bool:
        """Take over settings, and the outputs held at the start; False if nobody is there."""
        given = {}
        while True:
            kind = self._next()
            if kind == SETTING:
                name, value = unpack_setting(self._payload)
                given[name] = value
            elif kind == START:
                settings.load(given)
                unpack_outputs(self._payload, outputs)
                self.write(outputs)
                return True
            elif kind is None:
                return False
            else:
                raise ValueError("frame of kind " + str(kind) + " before the start")

    def next_tick(self):
        """Wait for the next tick; its time (ms), or None when the other end is gone or silent."""
        kind = self._next()
        if kind is None:
            return None
        if kind != STEP:
            raise ValueError("frame of kind " + str(kind) + " where a step was due")
        return self._now_ms

    def read(self, inputs) -> None:
        """Raw counts and command of this tick's frame."""
        unpack_step(self._payload, inputs, self.command)

    def write(self, outputs) -> None:
        """Answer this tick's frame."""
        self._writer.write(pack(OUTPUTS_HELD, self._sequence, self._now_ms, pack_outputs(outputs)))

    def _next(self):
        """Make the next whole frame the present one; its kind, or None when there is none."""
        while not self._frames:
            if self._is_ready is not None and not self._is_ready():
                return None
            chunk = self._reader.read(self.receiver.wanted())
            if not chunk:
                return None
            self._frames.extend(self.receiver.feed(chunk))
        kind, self._sequence, self._now_ms, self._payload = self._frames.pop(0)
        return kind
