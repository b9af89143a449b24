"""The firmware's end of the link: each request is executed once, and answered each time that it
arrives. The ticks are in lockstep.py and real_time.py. docs/bench/link.md lists the errors of
lines.
"""

import firmware
from firmware.link import frame, state_items
from firmware.signals import Outputs
from firmware.ticks import diff

SAFE_MS = 100  # without a good frame, until the safe state is sent
LONGEST_SILENCE_MS = 60000  # the highest START value: the clock can measure it
LAST_WORDS = 3  # repetitions of the final frame: no request can repeat it
HALF = 0x8000  # of the sequence numbers


class Session:
    """The session with a host: receives requests, sends answers, and detects a silent host.

    line       : see line.py
    ticks_ms, ticks_us : of the `time` module, or their equivalents
    silence_ms : time without a good frame until the session is over
    build      : of this firmware, for IDENTIFY

    counts     : by the names of frame.COUNTED
    sequence, now_ms, payload : of the present request
    skips      : True if requests may be missing: in real time, once started
    state_of : () -> the state that STATE requests
    """

    def __init__(self, line, ticks_ms, silence_ms, ticks_us=None, build=""):
        self.line = line
        self.ticks_ms = ticks_ms
        self.ticks_us = ticks_us
        self.counts = dict.fromkeys(frame.COUNTED, 0)
        self.sequence = 0
        self.now_ms = 0
        self.payload = b""
        self.skips = False
        self.state_of = dict
        self._build = build
        self._answer = bytearray()  # to the present request, in case of a repetition
        self._items: list = []
        self._met = False  # a good frame has arrived
        self._silence_ms = silence_ms
        self._heard_ms = ticks_ms()
        self._safe_ms: int | None = None  # when SAFE was sent in the present silence

    def allow(self, silence_ms: int) -> None:
        """Set the time without a good frame after which the session is over."""
        self._silence_ms = min(silence_ms, LONGEST_SILENCE_MS)

    def request(self):
        """Wait for a new request; returns its kind, or None when the session is over."""
        while True:
            kind = self.pending()
            if kind:
                return kind
            if self.is_over():
                return None
            self.line.listen(SAFE_MS)

    def pending(self) -> int:
        """Return the kind of the next new request already received; 0 without one."""
        frames = self.line.frames
        while frames:
            kind = self._take(frames.pop(0))
            if kind:
                return kind
        return 0

    def answer(self, kind) -> bool:
        """Answer a request that is not a tick; False when the session is over."""
        if kind is None or kind == frame.END:
            return False
        if kind == frame.COUNTS:
            counts, line = self.counts, self.line
            counts["corrupt"], counts["unsaid"] = line.receiver.corrupt, line.unsaid
            self.reply(frame.TOLD, frame.pack_counts([counts[name] for name in frame.COUNTED]))
        elif kind == frame.IDENTIFY:
            self.reply(frame.IDENTITY, (firmware.__version__ + " " + self._build).encode())
        elif kind == frame.STATE:
            self._answer_item(frame.unpack_number(self.payload))
        else:
            raise ValueError("frame of kind " + str(kind) + " where a step was due")
        return True

    def reply(self, kind: int, payload: bytes = b"") -> None:
        """Send the answer to the present request."""
        self._answer = frame.pack(kind, self.sequence, self.now_ms, payload)
        self.line.send(self._answer)

    def say(self, kind: int, payload: bytes) -> None:
        """Send a frame that is not an answer."""
        self.line.send(frame.pack(kind, self.sequence, self.now_ms, payload))

    def say_safe(self) -> None:
        self.say(frame.SAFE, frame.pack_outputs(Outputs()))

    def say_last(self, outputs) -> None:
        """Send the final frame of the session."""
        for _ in range(LAST_WORDS):
            self.say(frame.LAST_WORD, frame.pack_outputs(outputs))

    def refuse(self, error) -> None:
        """Refuse the start, with the reason."""
        self.reply(frame.REFUSED, str(error).encode()[: frame.LONGEST_PAYLOAD])

    def is_over(self) -> bool:
        """True if the line is closed or silent for longer than allowed. Sends SAFE after
        SAFE_MS."""
        now_ms = self.ticks_ms()
        quiet_ms = diff(now_ms, self._heard_ms)
        if self.line.closed or quiet_ms >= self._silence_ms:
            return True
        if quiet_ms >= SAFE_MS and self._safe_is_due(now_ms):
            self._safe_ms = now_ms
            self.counts["safe_said"] += 1
            self.say_safe()
        return False

    def _safe_is_due(self, now_ms: int) -> bool:
        """Return True once in a silence, but repeatedly until the first frame: a host waits for
        SAFE."""
        if self._safe_ms is None:
            return True
        return not self._met and diff(now_ms, self._safe_ms) >= SAFE_MS

    def _answer_item(self, number: int) -> None:
        """Answer one item. All items are of the moment of the first request."""
        if number == 0:
            self._items = list(state_items.items(self.state_of()))
        if number < len(self._items):
            self.reply(frame.ITEM, self._items[number])
        else:
            self._items = []
            self.reply(frame.DONE)

    def _take(self, whole: tuple) -> int:
        """Return the kind of a new request; 0 for a repetition or another frame."""
        kind, sequence, now_ms, payload = whole
        counts, ahead = self.counts, (sequence - self.sequence) & 0xFFFF
        if kind not in frame.REQUESTS:  # our own, from a line that echoes
            counts["out_of_order"] += 1
            return 0
        self._heard_ms = self.ticks_ms()
        self._safe_ms = None
        if ahead == 0:
            counts["repeated"] += 1
            if self._answer:
                self.line.send(self._answer)
            return 0
        if ahead != 1 and (ahead >= HALF or not self.skips):
            counts["out_of_order"] += 1
            return 0
        if not self._met:
            self._met = True
            self.line.receiver.corrupt = 0  # bytes before the first frame were not a frame
        counts["lost"] += ahead - 1
        self.sequence, self.now_ms, self.payload = sequence, now_ms, payload
        self._answer = bytearray()
        return kind
