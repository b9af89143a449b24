"""The host's end of the link: one wire frame out, one answer in, also on a disturbed line.

Requests are numbered and sent again until an answer comes; the firmware executes each once. So a
line that loses, damages, repeats, delays or reorders frames changes no result, and every such
frame is counted. docs/bench/link.md describes the protocol.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from firmware.link import frame, state_items
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK, diff
from hil.link.counts import LinkCounts
from hil.link.transports import SOURCE, GoneError, Process, Transport

TIMEOUT_S = 10.0
RESEND_S = 0.05  # doubled after each time without an answer,
LONGEST_RESEND_S = 0.2  # up to this value, so that a repaired line is noticed soon
SILENCE_MS = 10_000  # time that the firmware waits for a host that stalls
HALF = 0x8000  # of the sequence numbers
CLOCK_STATE = ("last_ms", "trip_ms")  # times in a controller's state, by its own clock
ANSWERS = {
    frame.SETTING: (frame.DONE,),
    frame.ITEM: (frame.DONE,),
    frame.START: (frame.OUTPUTS_HELD, frame.REFUSED),
    frame.STEP: (frame.OUTPUTS_HELD,),
    frame.COUNTS: (frame.TOLD,),
    frame.STATE: (frame.ITEM, frame.DONE),
    frame.END: (frame.LAST_WORD,),
    frame.IDENTIFY: (frame.IDENTITY,),
}
WireFrame = tuple[int, int, int, bytes]


class LinkError(Exception):
    """The firmware at the other end ended, refused or gave no answer."""


class Patience:
    """The time limits of one request: `again_s` for sending again, `end_s` for giving up."""

    def __init__(self, timeout_s: float, resend_s: float):
        now_s = perf_counter()
        self.end_s = now_s + timeout_s
        self.again_s = now_s + resend_s
        self._resend_s = resend_s

    def double(self, now_s: float) -> None:
        self._resend_s = min(2.0 * self._resend_s, max(self._resend_s, LONGEST_RESEND_S))
        self.again_s = now_s + self._resend_s


class Link:
    """The firmware at the other end of a transport, started. Use it in a `with` statement.

    settings  : sent before the first step
    outputs   : values of the actuators before the first step; all 0 if not given
    state     : of a controller, loaded before the first step
    now_ms    : time of `state`
    timeout_s : longest wait for any answer; after it LinkError
    resend_s  : wait until a frame is sent again, doubled each time
    silence_ms: time without a frame after which the firmware ends the session

    Attributes: `outputs`, the last ones received; `counts`, see LinkCounts.
    """

    REAL_TIME = False  # in lockstep the frames carry the time; for real time see real_time.py

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        outputs: Outputs | None = None,
        *,
        state: dict[str, Any] | None = None,
        now_ms: int = 0,
        timeout_s: float = TIMEOUT_S,
        resend_s: float = RESEND_S,
        silence_ms: int = SILENCE_MS,
    ):
        self.transport = transport
        self.timeout_s = timeout_s
        self.resend_s = resend_s
        self.outputs = Outputs()
        self.counts = LinkCounts()
        self._clock_ms = 0  # the firmware's clock is ahead of ours by this
        self._receiver = frame.Receiver()
        self._frames: deque[WireFrame] = deque()
        self._sequence = 0
        self._kind = 0
        self._now_ms = 0
        self._wire = bytearray()  # what was sent last
        self._sent_s = 0.0
        self._ended = False
        try:
            self._begin(settings, outputs or Outputs(), state or {}, now_ms, silence_ms)
        except BaseException:
            self.close()
            raise

    def exchange(self, now_ms: int, inputs: Inputs, command: Command) -> Outputs:
        """One tick in lockstep. The record returned is the same object each time."""
        self.send(now_ms, inputs, command)
        return self.receive()

    def send(self, now_ms: int, inputs: Inputs, command: Command) -> None:
        """The first half of `exchange`: the firmware begins to calculate."""
        self._send(frame.STEP, frame.pack_step(inputs, command), now_ms)

    def receive(self) -> Outputs:
        """The second half of `exchange`: wait for the answer."""
        return self._take_outputs(self._answer()[3])

    def state(self) -> dict[str, Any]:
        """The controller's whole state at one moment, its times by the host's clock."""
        state: dict[str, Any] = {}
        number = 0
        while True:
            kind, _, _, payload = self._ask(frame.STATE, frame.pack_number(number))
            if kind == frame.DONE:
                break
            state_items.put(state, payload)
            number += 1
        for name in CLOCK_STATE:
            if state.get(name) is not None:
                state[name] = (state[name] - self._clock_ms) & MASK
        return state

    def ask_counts(self) -> LinkCounts:
        """The counts, with those of the firmware's end."""
        self.counts.firmware = frame.unpack_counts(self._ask(frame.COUNTS)[3])
        return self.counts

    def ask_identity(self) -> tuple[str, str]:
        """(version, build) of the firmware; the build is "" if it has no name."""
        version, _, build = self._ask(frame.IDENTIFY)[3].decode().partition(" ")
        return version, build

    def hang_up(self) -> Outputs:
        """End the session; returns the firmware's final outputs."""
        frame.unpack_outputs(self._ask(frame.END)[3], self.outputs)
        self._ended = True
        return self.outputs

    def close(self) -> None:
        """Close the link. Sends END first if the session has not ended."""
        if not self._ended:
            with suppress(GoneError):
                self._send(frame.END)
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(
        self,
        settings: Settings,
        outputs: Outputs,
        state: dict[str, Any],
        now_ms: int,
        silence_ms: int,
    ) -> None:
        """Wait for a SAFE frame of the firmware; then send settings, state and START."""
        patience = Patience(self.timeout_s, self.timeout_s)
        while not self.counts.safe_said:
            self._listen(patience)
        self.counts.safe_said = 0
        with suppress(GoneError):
            self.transport.write(b"\0")  # ends an incomplete frame of another program
        for name, value in settings.values().items():
            self._ask(frame.SETTING, frame.pack_setting(name, value))
        for item in state_items.items(state):
            self._ask(frame.ITEM, item)
        start = frame.pack_start(self.REAL_TIME, silence_ms, outputs)
        kind, _, answered_ms, payload = self._ask(frame.START, start, now_ms)
        if kind == frame.REFUSED:
            self.transport.wait()
            raise self._error(f"refuses: {payload.decode(errors='replace')}")
        self._take_outputs(payload)
        self._clock_ms = diff(answered_ms, now_ms)

    def _take_outputs(self, payload: bytes) -> Outputs:
        """Load outputs. Raises LinkError if they do not match this signal table."""
        try:
            frame.unpack_outputs(payload, self.outputs)
        except ValueError as error:
            raise self._error(f"has another table of signals ({error}): flash it again") from None
        return self.outputs

    def _ask(self, kind: int, payload: bytes = b"", now_ms: int = 0) -> WireFrame:
        self._send(kind, payload, now_ms)
        return self._answer()

    def _send(self, kind: int, payload: bytes = b"", now_ms: int = 0) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._kind = kind
        self._now_ms = now_ms & 0xFFFFFFFF
        self._wire = frame.pack(kind, self._sequence, now_ms, payload)
        self._write()

    def _write(self) -> None:
        self._sent_s = perf_counter()
        with suppress(GoneError):  # a frame that it sent before its end can still be read
            self.transport.write(self._wire)

    def _answer(self) -> WireFrame:
        """The answer to the last request."""
        patience = Patience(self.timeout_s, self.resend_s)
        while True:
            while self._frames:
                one = self._frames.popleft()
                if self._is_answer(one):
                    self.counts.frames += 1
                    self.counts.round_trip.add(1e6 * (perf_counter() - self._sent_s))
                    return one
            self._listen(patience)

    def _is_answer(self, one: WireFrame) -> bool:
        kind, sequence, now_ms, _ = one
        if kind in ANSWERS[self._kind] and sequence == self._sequence:
            if now_ms == self._now_ms or self._kind == frame.START:
                return True
        elif 0 < (self._sequence - sequence) & 0xFFFF < HALF:
            self.counts.late += 1
            return False
        self.counts.out_of_order += 1
        return False

    def _listen(self, patience: Patience) -> None:
        """Read frames until it is time to send again or to give up."""
        now_s = perf_counter()
        if now_s >= patience.end_s:
            raise self._error(f"gave no answer within {self.timeout_s:g} s")
        if now_s >= patience.again_s:
            self.counts.resent += 1
            self._write()
            patience.double(now_s)
        try:
            chunk = self.transport.read(min(patience.end_s, patience.again_s) - now_s)
        except GoneError:
            self.transport.wait()
            raise self._error("is gone") from None
        if chunk:
            for one in self._receiver.feed(chunk):
                self._sort(one)
            self.counts.corrupt = self._receiver.corrupt

    def _sort(self, one: WireFrame) -> None:
        """Handle SAFE and an unexpected end; queue every other frame as a possible answer."""
        kind = one[0]
        if kind == frame.SAFE:
            self.counts.safe_said += 1
        elif kind == frame.LAST_WORD and self._kind != frame.END:
            frame.unpack_outputs(one[3], self.outputs)
            self._ended = True
            self.transport.wait()
            raise self._error("has ended, in the safe state")
        else:
            self._frames.append(one)

    def _error(self, what: str) -> LinkError:
        """LinkError with the cause, the number of damaged frames and the process's last output."""
        if self._receiver.corrupt:
            what += f", {self._receiver.corrupt} damaged frames"
        return LinkError(f"{self.transport} {what}{self.transport.description()}")


class Peer(Link):
    """A process that runs the firmware in lockstep, on a pty.

    command : its command line, see hil/micropython/processes.py
    source  : folder that holds the firmware package; that of this process if not given
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: Settings,
        outputs: Outputs | None = None,
        *,
        source: Path = SOURCE,
        **options: Any,
    ):
        super().__init__(Process(command, source=source), settings, outputs, **options)
