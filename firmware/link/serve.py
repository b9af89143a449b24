"""Entry point of the link: the firmware at the far end of frames, in lockstep or in real time.

    micropython -m firmware.link.serve [BUILD]

on the standard streams. A read of the standard input must not wait: for a process the parent sets
O_NONBLOCK, on a board `ByFrame` reads without waiting. The first frames carry settings, optionally
a state, and the outputs held at the start; then steps follow. When the other end closes the stream,
ends the session or is silent for too long, the final frame carries the safe state.
"""

import sys
import time

from firmware.controller import Controller
from firmware.link import frame, state_items
from firmware.link.frame import LENGTH_AT, SHORTEST, STEP_BYTES
from firmware.link.line import Line
from firmware.link.session import Session
from firmware.loop import run
from firmware.settings import Settings
from firmware.signals import Outputs
from firmware.streams import standard_streams

SILENCE_MS = 10000  # until the first frame; after that START gives the time
HEAD_BYTES = LENGTH_AT + 1  # of a frame, with its length
STEP_LENGTH = SHORTEST + STEP_BYTES  # from its length field
STEP_WIRE_BYTES = STEP_LENGTH + 2


def serve(session, settle=None) -> None:
    """Run the firmware in this session until it is over.

    settle : called once ready, with the schedule of real time's ticks or None in lockstep; returns
    the work for the slack of the ticks, see firmware.loop.run
    """
    settings = Settings()
    outputs = Outputs()
    try:
        start = prepare(session, settings, outputs)
        if start is None:
            return
        real_time, state = start
        controller = Controller(settings)
        if state:
            controller.load(state)
        start = state = None  # a board has no memory for both
        board, clock = parts(session, real_time, outputs)
        slack = settle(clock.schedule) if settle else None
        begin(session, clock, controller, outputs)
    except Exception as error:
        session.refuse(error)
        raise
    run(board, controller, board.command, clock, outputs=outputs, slack=slack)


def prepare(session, settings, outputs):
    """Receive settings and the outputs held at the start. Returns (real time, state of a controller
    or {}) after START, or None without a host.
    """
    given: dict = {}
    state: dict = {}
    session.say_safe()
    while True:
        kind = session.request()
        if kind == frame.SETTING:
            name, value = frame.unpack_setting(session.payload)
            given[name] = value
            session.reply(frame.DONE)
        elif kind == frame.ITEM:
            state_items.put(state, session.payload)
            session.reply(frame.DONE)
        elif kind == frame.START:
            real_time, silence_ms = frame.unpack_start(session.payload, outputs)
            settings.load(given)
            session.allow(silence_ms)
            return real_time, state
        elif kind is None:
            return None
        elif kind == frame.COUNTS or kind == frame.IDENTIFY:
            session.answer(kind)
        else:
            raise ValueError("frame of kind " + str(kind) + " before the start")


def parts(session, real_time: bool, outputs) -> tuple:
    """Return board and clock of the mode; the other mode's code is not loaded."""
    if real_time:
        from firmware.link import real_time as running

        ticking = running.Clock(session)
        return running.Board(session, ticking, outputs), ticking
    from firmware.link import lockstep

    clock = lockstep.Clock(session)
    return lockstep.Board(session, clock, outputs), clock


def begin(session, clock, controller, outputs) -> None:
    """Answer the start once the controller is ready, in real time with this board's own time."""
    session.state_of = controller.state
    clock.begin(controller)
    session.reply(frame.OUTPUTS_HELD, frame.pack_outputs(outputs))


class ByFrame:
    """A non-blocking reader on top of a blocking one.

    A STEP has its length in its first bytes, and with a guard the rest is read in one call: byte by
    byte takes most of a board's tick. Other frames, the bytes after a damaged frame, and all bytes
    without a guard are read one at a time.

    guard : between its begin() and end() no read waits for long; firmware/boards/guard.py
    """

    def __init__(self, reader, is_ready, guard=None):
        self._is_ready = is_ready
        self._guard = guard
        self._whole = memoryview(bytearray(STEP_WIRE_BYTES))
        self._head = self._whole[:HEAD_BYTES]
        self._rest = self._whole[HEAD_BYTES:]
        self._readinto = reader.readinto
        self._one = bytearray(1)
        self._at_begin = False  # of a frame: the last byte ended one

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes, or to the end of a frame; one byte must be available."""
        if self._guard is None or not self._at_begin or size < STEP_WIRE_BYTES:
            return self._by_byte(size)
        self._guard.begin()
        try:
            self._readinto(self._head)
            is_step = self._head[LENGTH_AT] == STEP_LENGTH and 0 not in bytes(self._head)
            if is_step:
                self._readinto(self._rest)
        finally:
            self._guard.end()
        got = bytes(self._whole if is_step else self._head)
        self._at_begin = got[-1] == 0
        return got

    def _by_byte(self, size: int) -> bytes:
        readinto, is_ready, one = self._readinto, self._is_ready, self._one
        size = min(size, STEP_WIRE_BYTES)  # it takes long, and a tick may be due
        got = bytearray()
        while readinto(one):
            got.extend(one)
            if not one[0] or len(got) == size or not is_ready(0):
                break
        self._at_begin = one[0] == 0
        return bytes(got)


def session_over(
    streams: tuple, silence_ms: int, wait_reads: bool = False, guard=None, build: str = ""
) -> Session:
    """Make a session over firmware.streams; `wait_reads`: a read waits for all requested bytes."""
    reader, writer, readable, writable = streams
    if wait_reads:
        reader = ByFrame(reader, readable, guard)
    ticks_ms, ticks_us = clocks()
    line = Line(reader, writer, readable, writable)
    return Session(line, ticks_ms, silence_ms, ticks_us, build)


def clocks() -> tuple:
    """Return ticks_ms and ticks_us of the time module, or CPython's equivalents."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms, getattr(time, "ticks_us", None)
    now_ns = getattr(time, "monotonic_ns")  # noqa: B009 (no port has it, nor do its stubs)
    return lambda: now_ns() // 1_000_000, lambda: now_ns() // 1000


if __name__ == "__main__":
    build = sys.argv[1] if len(sys.argv) > 1 else ""
    serve(session_over(standard_streams(), SILENCE_MS, build=build))
