"""Board and clock in lockstep: the frames carry the time; one frame, one tick, one answer."""

from firmware.link import frame
from firmware.signals import Command


class Clock:
    """A clock for next_tick(): the time of the next STEP."""

    schedule = None

    def __init__(self, session):
        self._session = session

    def begin(self, controller) -> None:
        """Do nothing: this clock is the host's."""

    def next_tick(self):
        """Wait for the next tick; returns its time (ms), or None when the session is over."""
        session = self._session
        while True:
            kind = session.request()
            if kind == frame.STEP:
                session.counts["ticks"] += 1
                return session.now_ms
            if not session.answer(kind):
                return None


class Board:
    """A board with read(inputs) and write(outputs).

    record  : the session's outputs; any other record that is written is the final frame
    command : that of the last STEP
    """

    def __init__(self, session, clock, record):
        self.command = Command(0.0, 0.0)
        self._session = session
        self._record = record

    def read(self, inputs) -> None:
        """Read raw counts and command of this tick."""
        frame.unpack_step(self._session.payload, inputs, self.command)

    def write(self, outputs) -> None:
        """Answer this tick."""
        if outputs is self._record:
            self._session.reply(frame.OUTPUTS_HELD, frame.pack_outputs(outputs))
        else:
            self._session.say_last(outputs)
