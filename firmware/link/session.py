"""The board at the far end of a byte stream: counts come in frames, programs go back in frames.

In lockstep the frames carry the time: one frame, one tick, one answer. In real time its own ticks
go on by themselves, with the newest counts that have come. docs/bench/link.md has all that lines
can do.
"""

from firmware.link import frame, state_items
from firmware.loop import TICK_MS, Schedule
from firmware.signals import Command, Outputs
from firmware.ticks import MASK, diff

SAFE_MS = 100  # without a good frame, until the safe state is said
LONGEST_SILENCE_MS = 60000  # whatever START allows: a time that the clock can tell
LAST_WORDS = 3  # the last word is said so often: nobody can ask for it again
HALF = 0x8000  # of the sequence numbers
AGES = ("adc_age_ms", "head_age_ms", "mount_age_ms", "generator_age_ms", "room_age_ms")
OLDEST_MS = 0xFFFF
CHUNK_BYTES = 256
NO_SAMPLE = (-1, 0, b"")  # number, time for which it is meant, payload of a STEP


def grow(inputs, late_ms: int) -> None:
    """Make the counts as old as they are at a tick so long after that for which they were meant."""
    if late_ms > 0:
        for name in AGES:
            setattr(inputs, name, min(getattr(inputs, name) + late_ms, OLDEST_MS))


class Link:
    """read(inputs) and write(outputs) as on every board, next_tick() as every clock.

    reader.read(n) : up to n bytes that have come, None when there are none, b"" at the end
    readable(ms)   : waits so long for bytes; False if there are none
    writer.write, writable() : of a line that is full nothing more is asked, and that is counted
    ticks_ms, ticks_us : of the `time` module, or stand-ins
    silence_ms     : without a good frame, until the session is over; START gives a new one

    command, schedule : what the last STEP said; of the ticks in real time
    state   : of the controller, handed over before the start; empty if there is none
    """

    def __init__(self, reader, writer, readable, writable, ticks_ms, silence_ms, ticks_us=None):
        self.command = Command(0.0, 0.0)
        self.state: dict = {}
        self.receiver = frame.Receiver()
        self.counts = dict.fromkeys(frame.COUNTED, 0)
        self.real_time = False
        self._silence_ms = silence_ms
        self._reader = reader
        self._writer = writer
        self._readable = readable
        self._writable = writable
        self._ticks_ms = ticks_ms
        self._ticks_us = ticks_us
        self.schedule = Schedule(ticks_ms, self._attend, TICK_MS, ticks_us)
        self._met = self._begun = False  # a good frame has come; the start has been answered
        self._state_of = dict
        self._items: list = []
        self._record = None  # what the actuators hold; another one that is written is the end
        self._frames: list = []
        self._closed = False
        self._ended = False
        self._heard_ms = ticks_ms()
        self._safe_ms: int | None = None  # when SAFE was said in the present silence
        self._sequence = 0  # of the last request
        self._now_ms = 0  # the time it gave
        self._payload = b""
        self._answer = bytearray()  # to it, for the case that it comes again
        self._sample = NO_SAMPLE  # in real time the newest
        self._tick_ms = 0
        self._used = -1  # sequence of the sample of the last tick

    def prepare(self, settings, outputs) -> bool:
        """Take over settings, state and the outputs held at the start; False if nobody is there."""
        self._record = outputs
        given: dict = {}
        self._say(frame.SAFE, frame.pack_outputs(Outputs()))
        while True:
            kind = self._request()
            if kind == frame.SETTING:
                name, value = frame.unpack_setting(self._payload)
                given[name] = value
                self._reply(frame.DONE)
            elif kind == frame.ITEM:
                state_items.put(self.state, self._payload)
                self._reply(frame.DONE)
            elif kind == frame.START:
                settings.load(given)
                self.real_time, silence_ms = frame.unpack_start(self._payload, outputs)
                self._silence_ms = min(silence_ms, LONGEST_SILENCE_MS)
                return True
            elif kind is None:
                return False
            elif kind == frame.COUNTS:
                self._tell_counts()
            else:
                raise ValueError("frame of kind " + str(kind) + " before the start")

    def refuse(self, error) -> None:
        """Say why there is no start."""
        self._reply(frame.REFUSED, str(error).encode()[: frame.LONGEST_PAYLOAD])

    def begin(self, controller) -> None:
        """The controller is there: answer the start, in real time with this board's own time."""
        self._state_of = controller.state
        self._begun = True
        if self.real_time:
            now_ms = self._ticks_ms() & MASK
            ahead_ms = diff(now_ms, self._now_ms)  # what it remembers is by the host's clock
            controller.trip_ms = (controller.trip_ms + ahead_ms) & MASK
            if controller.last_ms is not None:
                controller.last_ms = (controller.last_ms + ahead_ms) & MASK
            self._now_ms = now_ms
        self._reply(frame.OUTPUTS_HELD, frame.pack_outputs(self._record))

    def next_tick(self):
        """Wait for the next tick; its time (ms), or None when the session is over."""
        if self.real_time:
            return self._next_in_real_time()
        while True:
            kind = self._request()
            if kind == frame.STEP:
                self.counts["ticks"] += 1
                return self._now_ms
            if not self._serve(kind):
                return None

    def read(self, inputs) -> None:
        """Raw counts and command of this tick; in real time the counts have aged meanwhile."""
        if not self.real_time:
            frame.unpack_step(self._payload, inputs, self.command)
            return
        _, meant_ms, payload = self._sample
        frame.unpack_step(payload, inputs, self.command)
        grow(inputs, diff(self._tick_ms, meant_ms))

    def write(self, outputs) -> None:
        """Answer this tick. Outputs other than the session's record are the last word."""
        if outputs is not self._record:
            for _ in range(LAST_WORDS):
                self._say(frame.LAST_WORD, frame.pack_outputs(outputs))
        elif self.real_time:
            self._say_tick(outputs)
        else:
            self._reply(frame.OUTPUTS_HELD, frame.pack_outputs(outputs))

    def _next_in_real_time(self):
        while self._sample is NO_SAMPLE:
            kind = self._request()
            if kind == frame.STEP:
                self._keep()
            elif not self._serve(kind):
                return None
        self._tick_ms = self.schedule.next_tick()
        self._attend(0)
        if self._ended or self._is_over():
            return None
        return self._tick_ms

    def _attend(self, wait_ms: int) -> None:
        """Between two ticks: wait so long, or until something has come, and see to it."""
        self._listen(wait_ms)
        while self._frames:
            kind = self._take(self._frames.pop(0))
            if kind == frame.STEP:
                self._keep()
            elif kind and not self._serve(kind):
                self._ended = True

    def _keep(self) -> None:
        """Make the present STEP the newest sample, if it is not meant for a time far ahead."""
        if diff(self._now_ms, self._ticks_ms()) > TICK_MS:
            self.counts["out_of_order"] += 1  # its ages would not begin to grow
        else:
            self._sample = self._sequence, self._now_ms, self._payload

    def _say_tick(self, outputs) -> None:
        counts, sequence = self.counts, self._sample[0]
        counts["ticks"] += 1
        if sequence == self._used:
            counts["unfed"] += 1
        self._used = sequence
        ticked = frame.pack_ticked(counts["ticks"], self.schedule.missed, outputs)
        self._send(frame.pack(frame.TICKED, sequence, self._tick_ms, ticked))
        if self._ticks_us is not None:
            took_us = diff(self._ticks_us(), self.schedule.began_us)
            counts["worst_tick_us"] = max(counts["worst_tick_us"], took_us)

    def _serve(self, kind) -> bool:
        """Answer what is not a tick; False when the session is over."""
        if kind is None or kind == frame.END:
            return False
        if kind == frame.COUNTS:
            self._tell_counts()
        elif kind == frame.STATE:
            self._tell_item(frame.unpack_number(self._payload))
        else:
            raise ValueError("frame of kind " + str(kind) + " where a step was due")
        return True

    def _tell_counts(self) -> None:
        counts = self.counts
        counts["corrupt"] = self.receiver.corrupt
        counts["late"], counts["missed"] = self.schedule.late, self.schedule.missed
        self._reply(frame.TOLD, frame.pack_counts([counts[name] for name in frame.COUNTED]))

    def _tell_item(self, number: int) -> None:
        """All items are of the moment at which the first was asked for."""
        if number == 0:
            self._items = list(state_items.items(self._state_of()))
        if number < len(self._items):
            self._reply(frame.ITEM, self._items[number])
        else:
            self._items = []
            self._reply(frame.DONE)

    def _request(self):
        """Wait for a request that is new; its kind, or None when the session is over."""
        while True:
            while self._frames:
                kind = self._take(self._frames.pop(0))
                if kind:
                    return kind
            if self._is_over():
                return None
            self._listen(SAFE_MS)

    def _is_over(self) -> bool:
        """The line is closed, or silent for longer than is allowed. Says SAFE when it is due."""
        now_ms = self._ticks_ms()
        quiet_ms = diff(now_ms, self._heard_ms)
        if self._closed or quiet_ms >= self._silence_ms:
            return True
        if quiet_ms >= SAFE_MS and self._safe_is_due(now_ms):
            self._safe_ms = now_ms
            self.counts["safe_said"] += 1
            self._say(frame.SAFE, frame.pack_outputs(Outputs()))
        return False

    def _safe_is_due(self, now_ms: int) -> bool:
        """Once in a silence, but until the first frame again and again: a host waits for that."""
        if self._safe_ms is None:
            return True
        return not self._met and diff(now_ms, self._safe_ms) >= SAFE_MS

    def _listen(self, wait_ms: int) -> None:
        """Wait so long for bytes; take in what has come."""
        if not self._readable(wait_ms) or self._closed:
            return
        try:
            chunk = self._reader.read(CHUNK_BYTES)
        except OSError:
            chunk = b""  # a terminal whose other end has gone
        if chunk:
            self._frames.extend(self.receiver.feed(chunk))
        elif chunk is not None:
            self._closed = True

    def _take(self, whole: tuple) -> int:
        """The kind of a request that is new; 0 if it is not, or is none."""
        kind, sequence, now_ms, payload = whole
        counts, ahead = self.counts, (sequence - self._sequence) & 0xFFFF
        if kind not in frame.REQUESTS:  # our own, from a line that echoes
            counts["out_of_order"] += 1
            return 0
        self._heard_ms = self._ticks_ms()
        self._safe_ms = None
        if ahead == 0:
            counts["repeated"] += 1
            if self._answer:
                self._send(self._answer)
            return 0
        if ahead != 1 and (ahead >= HALF or not (self.real_time and self._begun)):
            counts["out_of_order"] += 1
            return 0
        if not self._met:
            self._met = True
            self.receiver.corrupt = 0  # what stood on the line before was nobody's frame
        counts["lost"] += ahead - 1
        self._sequence, self._now_ms, self._payload = sequence, now_ms, payload
        self._answer = bytearray()
        return kind

    def _reply(self, kind: int, payload: bytes = b"") -> None:
        """The one answer to the present request."""
        self._answer = frame.pack(kind, self._sequence, self._now_ms, payload)
        self._send(self._answer)

    def _say(self, kind: int, payload: bytes) -> None:
        self._send(frame.pack(kind, self._sequence, self._now_ms, payload))

    def _send(self, wire) -> None:
        """Without waiting: a host that does not read stops no tick."""
        if not self._writable():
            self.counts["unsaid"] += 1
            return
        try:
            self._writer.write(wire)
        except OSError:
            self._closed = True
