"""What an emulated board says of itself: its console's `status`, asked for as time goes on.

A status of 1 kB takes the console most of a second, 16 bytes after each tick, and makes that second
half as long again to emulate: nobody asks without a reason. Whoever wants to know the state alone
gets it as soon as that part of the answer is there. A line that is sent before an answer is out
breaks that answer off, see firmware/console/console.py: it is counted and asked for again, and no
command ever waits.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from firmware.controller import STATES
from hil.link.link import LinkError

EVERY_MS = 5000  # from one status to the next, when nobody asks
PATIENCE_MS = 2500  # a restart of the board, its window for Ctrl-C and all, is shorter
SILENT = 3  # so often without an answer is a board that is gone
STATUS, COMMAND = "status", "command"  # what is being answered
STATE = re.compile(rb'"state": "([a-z]+)"')
TRIP = re.compile(rb'"trip": "([a-z-]*)"')

Answer = Callable[[int, str], None]


class PicoConsole:
    """The bench's end of the console.

    send   : takes bytes for the board
    statuses : all whole ones that the board has given; status: the last
    state, trip : the last that is known of these two, as words; state_ms: when that was asked for
    said   : lines that answered commands
    cut    : answers that were broken off
    """

    def __init__(self, send: Callable[[bytes], None]):
        self.statuses: list[dict[str, Any]] = []
        self.state = STATES[0]
        self.trip = ""
        self.state_ms = 0
        self.said: list[str] = []
        self.cut = 0
        self._send = send
        self._now_ms = 0
        self._sent_ms = 0
        self._answering: str | None = None
        self._known = False  # the state, of the status that is being answered
        self._skip = 0  # answers to come that were broken off
        self._unanswered = 0
        self._waiting: list[Answer] = []  # for the status that is being answered
        self._next: list[Answer] = []  # for one that is yet to be asked

    @property
    def status(self) -> dict[str, Any]:
        return self.statuses[-1] if self.statuses else {}

    def tell(self, line: str) -> None:
        """A command, now."""
        self._next = self._waiting + self._next
        self._waiting = []
        self._skip = 0
        self._begin(COMMAND, line)

    def ask(self, answer: Answer = lambda _condition, _trip: None) -> None:
        """Call answer(condition, name of the trip) with what is so now or shortly after."""
        self._next.append(answer)
        self._turn()

    def turn(self, now_ms: int, lines: list[str], rest: bytes) -> None:
        """Once a tick: the whole lines that have come, and what of the next one.

        LinkError when the board has been silent for too long.
        """
        self._now_ms = now_ms
        for line in lines:
            self._take(line)
        if self._answering == STATUS and not self._skip:
            state, trip = STATE.search(rest), TRIP.search(rest)
            if state and trip and not self._known:
                self._tell_state(state[1].decode(), trip[1].decode())
        self._turn()

    def _turn(self) -> None:
        waited_ms = self._now_ms - self._sent_ms
        if self._answering and waited_ms >= PATIENCE_MS:
            self._unanswered += 1
            if self._unanswered >= SILENT:
                raise LinkError(
                    f"the emulated board has not answered for {SILENT * PATIENCE_MS / 1000:g} s"
                )
            self._next = self._waiting + self._next
            self._waiting = []
            self._skip = 0
            self._answering = None
        if self._answering == STATUS and self._known and self._next:
            self._skip += 1
            self._answering = None
        if self._answering is None and (self._next or waited_ms >= EVERY_MS):
            self._waiting, self._next = self._next, []
            self._begin(STATUS, "status")

    def _begin(self, what: str, line: str) -> None:
        self._send(line.encode() + b"\n")
        self._answering = what
        self._known = False
        self._sent_ms = self._now_ms

    def _take(self, line: str) -> None:
        if line.startswith("ok {"):
            self._take_status(line)
        elif line:
            self.said.append(line)
            if self._answering == COMMAND:
                self._end()

    def _take_status(self, line: str) -> None:
        try:
            found = json.loads(line[3:])
            state, trip = found["state"], found["trip"]
        except (ValueError, KeyError):
            self.cut += 1
            found = None
        current = self._answering == STATUS and not self._skip
        self._skip = max(0, self._skip - 1)
        if found:
            self.statuses.append(found)
        if not current:
            return
        if found and not self._known:
            self._tell_state(state, trip)
        self._next = self._waiting + self._next  # of one that was broken off
        self._waiting = []
        self._end()

    def _end(self) -> None:
        self._answering = None
        self._unanswered = 0

    def _tell_state(self, state: str, trip: str) -> None:
        self._known = True
        self.state, self.trip, self.state_ms = state, trip, self._sent_ms
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(STATES.index(state), trip)
