"""Board and clock in real time: the board's clock starts the ticks, with the newest received
counts."""

from firmware.link import frame
from firmware.loop import TICK_MS, Schedule
from firmware.signals import Command
from firmware.ticks import MASK, diff

OLDEST_MS = 0xFFFF
NO_SAMPLE = (-1, 0, b"")  # number, intended time (ms), payload of a STEP


def _ages() -> tuple:
    """Read only the names of the table: the table then leaves the memory."""
    from firmware.signal_table import INPUTS, ages

    return tuple(ages(INPUTS))


AGES = _ages()


def grow(inputs, late_ms: int) -> None:
    """Add to the ages the time between the intended tick of the counts and the present tick."""
    if late_ms > 0:
        for name in AGES:
            setattr(inputs, name, min(getattr(inputs, name) + late_ms, OLDEST_MS))


class Clock:
    """A clock for next_tick(), by this board's own time.

    schedule : of the ticks
    sample   : the newest, see NO_SAMPLE
    tick_ms  : when the present tick began
    """

    def __init__(self, session):
        self.schedule = Schedule(session.ticks_ms, self._attend, TICK_MS, session.ticks_us)
        self.sample = NO_SAMPLE
        self.tick_ms = 0
        self._session = session
        self._ended = False

    def begin(self, controller) -> None:
        """Move the controller's state from the host's clock to this one."""
        session = self._session
        now_ms = session.ticks_ms() & MASK
        ahead_ms = diff(now_ms, session.now_ms)
        controller.trip_ms = (controller.trip_ms + ahead_ms) & MASK
        if controller.last_ms is not None:
            controller.last_ms = (controller.last_ms + ahead_ms) & MASK
        session.now_ms = now_ms
        session.skips = True

    def next_tick(self):
        """Wait for the next tick; returns its time (ms), or None when the session is over."""
        session = self._session
        while self.sample is NO_SAMPLE:
            kind = session.request()
            if kind == frame.STEP:
                self._keep()
            elif not self._answer(kind):
                return None
        self.tick_ms = self.schedule.next_tick()
        self._attend(0)
        if self._ended or session.is_over():
            return None
        return self.tick_ms

    def _attend(self, wait_ms: int) -> None:
        """Between two ticks: wait at most this time for a frame, and process it."""
        session = self._session
        session.line.listen(wait_ms)
        while True:
            kind = session.pending()
            if not kind:
                return
            if kind == frame.STEP:
                self._keep()
            elif not self._answer(kind):
                self._ended = True

    def _answer(self, kind) -> bool:
        counts = self._session.counts
        counts["late"], counts["missed"] = self.schedule.late, self.schedule.missed
        return self._session.answer(kind)

    def _keep(self) -> None:
        """Make the present STEP the newest sample, unless it is intended for a time far ahead."""
        session = self._session
        if diff(session.now_ms, session.ticks_ms()) > TICK_MS:
            session.counts["out_of_order"] += 1  # its ages would not begin to grow
        else:
            self.sample = session.sequence, session.now_ms, session.payload


class Board:
    """A board with read(inputs) and write(outputs).

    record  : the session's outputs; any other record that is written is the final frame
    command : that of the newest sample
    """

    def __init__(self, session, clock, record):
        self.command = Command(0.0, 0.0)
        self._session = session
        self._clock = clock
        self._record = record
        self._used = -1  # number of the sample of the last tick

    def read(self, inputs) -> None:
        """Read raw counts and command of this tick; ages have grown since the intended tick."""
        _, meant_ms, payload = self._clock.sample
        frame.unpack_step(payload, inputs, self.command)
        grow(inputs, diff(self._clock.tick_ms, meant_ms))

    def write(self, outputs) -> None:
        """Report this tick: TICKED."""
        session, clock = self._session, self._clock
        if outputs is not self._record:
            session.say_last(outputs)
            return
        counts, sequence = session.counts, clock.sample[0]
        counts["ticks"] += 1
        if sequence == self._used:
            counts["unfed"] += 1
        self._used = sequence
        ticked = frame.pack_ticked(counts["ticks"], clock.schedule.missed, outputs)
        session.line.send(frame.pack(frame.TICKED, sequence, clock.tick_ms, ticked))
        if session.ticks_us is not None:
            took_us = diff(session.ticks_us(), clock.schedule.began_us)
            counts["worst_tick_us"] = max(counts["worst_tick_us"], took_us)
