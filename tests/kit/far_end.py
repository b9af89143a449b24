"""A serial line with a clock of its own for firmware/link/session.py, and frames to put on it."""

from collections.abc import Callable
from typing import Any

from firmware.link import frame
from firmware.link.line import Line as FirmwareLine
from firmware.link.serve import begin, parts, prepare
from firmware.link.session import Session
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs

SILENCE_MS = 5000
HELD = (0, 0, 0, 0, 0, 20_000, 0, 0)


class Line:
    """What comes, comes at its time; time passes while the firmware waits, and only then.

    due    : (time in ms, bytes), in any order; more may be added
    closed : when the other end closes the stream, ms
    said   : (time, kind, sequence, now_ms, payload) of everything that was answered
    full   : nothing can be written
    """

    def __init__(self, *due: tuple[int, bytes], closed: int | None = None):
        self.now_ms = 0
        self.due = list(due)
        self.closed = closed
        self.said: list[tuple[int, int, int, int, bytes]] = []
        self.full = False
        self.on_answer: Callable[[], None] = lambda: None
        self._receiver = frame.Receiver()

    def session(self, silence_ms: int = SILENCE_MS) -> Session:
        line = FirmwareLine(self, self, self.readable, lambda: not self.full)
        return Session(
            line, lambda: self.now_ms, silence_ms, lambda: 1000 * self.now_ms, "1a2b3c4d"
        )

    def readable(self, wait_ms: int) -> bool:
        if self.closed is not None and self.closed <= self.now_ms and not self.due:
            self.now_ms += 1  # a poll of what is closed returns at once, and takes its time
            return True
        times = [at_ms for at_ms, _ in self.due]
        if self.closed is not None:
            times.append(self.closed)
        first_ms = min(times, default=self.now_ms + wait_ms + 1)
        if first_ms > self.now_ms + wait_ms:
            self.now_ms += wait_ms
            return False
        self.now_ms = max(self.now_ms, first_ms)
        return True

    def read(self, size: int) -> bytes | None:
        for one in sorted(self.due, key=lambda one: one[0]):
            if one[0] <= self.now_ms:
                self.due.remove(one)
                if len(one[1]) > size:
                    self.due.append((one[0], one[1][size:]))
                return one[1][:size]
        return b"" if self.closed is not None and self.closed <= self.now_ms else None

    def write(self, data: bytes) -> None:
        for one in self._receiver.feed(bytes(data)):
            self.said.append((self.now_ms, *one))
        self.on_answer()

    def told(self, *kinds: int) -> list[tuple[int, int, tuple[int, ...]]]:
        """(sequence, now_ms, values of the outputs) of the answers of these kinds."""
        found = []
        for _, kind, sequence, now_ms, payload in self.said:
            if kind in kinds:
                outputs = Outputs()
                if kind == frame.TICKED:
                    frame.unpack_ticked(payload, outputs)
                else:
                    frame.unpack_outputs(payload, outputs)
                found.append((sequence, now_ms, outputs.values()))
        return found

    def counts(self) -> dict[str, int]:
        """The last that the firmware told."""
        payloads = [payload for _, kind, _, _, payload in self.said if kind == frame.TOLD]
        return frame.unpack_counts(payloads[-1])


def begun(session: Session, controller: Any, settings: Settings | None = None) -> tuple[Any, Any]:
    """Board and clock of a session whose START is on the line, with that started."""
    outputs = Outputs()
    start = prepare(session, settings or Settings(), outputs)
    assert start
    board, clock = parts(session, start[0], outputs)
    begin(session, clock, controller, outputs)
    return board, clock


def ask(kind: int, sequence: int, payload: bytes = b"", now_ms: int = 0) -> bytes:
    return bytes(frame.pack(kind, sequence, now_ms, payload))


def setting(sequence: int, name: str, value: float) -> bytes:
    return ask(frame.SETTING, sequence, frame.pack_setting(name, value))


def start(sequence: int = 1, real_time: bool = False, silence_ms: int = SILENCE_MS) -> bytes:
    outputs = Outputs()
    outputs.load(HELD)
    return ask(frame.START, sequence, frame.pack_start(real_time, silence_ms, outputs))


def step(sequence: int, now_ms: int, command: Command | None = None, inputs: Any = None) -> bytes:
    payload = frame.pack_step(inputs or Inputs(), command or Command(50.0, 0.98))
    return ask(frame.STEP, sequence, payload, now_ms)
