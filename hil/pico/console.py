"""The host's end of an emulated board's console: commands, and the `status` of the board.

A status of 1 kB takes the console most of a second, at 16 bytes after each tick, and makes this
second 1.5 times as long to emulate: so a status is requested only when needed. The state is
reported as soon as its part of the answer has arrived. A line that is sent before an answer is
complete breaks the answer off (firmware/console/console.py): the break is counted, the status
requested again, and a command never waits.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from firmware.controller import STATES
from hil.link.link import LinkError

EVERY_MS = 5000  # between two statuses, without a request
PATIENCE_MS = 2500  # longer than a restart of the board with its window for Ctrl-C
SILENT = 3  # time-outs in sequence after which the board counts as lost
STATUS, COMMAND = "status", "command"  # type of the line that is being answered
STATE = re.compile(rb'"state": "([a-z]+)"')
TRIP = re.compile(rb'"trip": "([a-z-]*)"')

Answer = Callable[[int, str], None]


class PicoConsole:
    """The host's end of the console.

    send        : function that sends bytes to the board
    statuses    : all complete statuses; status: the last
    state, trip : last known state and trip, as words; state_ms: time of the request for them
    answers     : answers to commands, line by line
    cut         : number of answers that were broken off
    """

    def __init__(self, send: Callable[[bytes], None]):
        self.statuses: list[dict[str, Any]] = []
        self.state = STATES[0]
        self.trip = ""
        self.state_ms = 0
        self.answers: list[str] = []
        self.cut = 0
        self._send = send
        self._now_ms = 0
        self._sent_ms = 0
        self._answering: str | None = None
        self._known = False  # True if the status in transfer has already given the state
        self._skip = 0  # answers still to come that were broken off
        self._unanswered = 0
        self._waiting: list[Answer] = []  # callbacks for the status in transfer
        self._next: list[Answer] = []  # callbacks for the next status

    @property
    def status(self) -> dict[str, Any]:
        return self.statuses[-1] if self.statuses else {}

    def command(self, line: str) -> None:
        """Send a command at once."""
        self._next = self._waiting + self._next
        self._waiting = []
        self._skip = 0
        self._begin(COMMAND, line)

    def ask(self, answer: Answer = lambda _condition, _trip: None) -> None:
        """Call answer(condition, name of the trip) with the present state, after its transfer."""
        self._next.append(answer)
        self._turn()

    def turn(self, now_ms: int, lines: list[str], rest: bytes) -> None:
        """Call once a tick with the complete lines received, and the begin of the next line.

        Raises LinkError if the board has not answered for SILENT * PATIENCE_MS.
        """
        self._now_ms = now_ms
        for line in lines:
            self._take(line)
        if self._answering == STATUS and not self._skip:
            state, trip = STATE.search(rest), TRIP.search(rest)
            if state and trip and not self._known:
                self._report_state(state[1].decode(), trip[1].decode())
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
            self.answers.append(line)
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
            self._report_state(state, trip)
        self._next = self._waiting + self._next  # callbacks of a broken-off status
        self._waiting = []
        self._end()

    def _end(self) -> None:
        self._answering = None
        self._unanswered = 0

    def _report_state(self, state: str, trip: str) -> None:
        self._known = True
        self.state, self.trip, self.state_ms = state, trip, self._sent_ms
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(STATES.index(state), trip)
