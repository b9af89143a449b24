"""The host's end of the link in real time: the board's clock controls the twin."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from firmware.link import frame
from firmware.link.real_time import grow
from firmware.loop import TICK_MS
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK, diff
from hil.link.link import HALF, Link, Patience, WireFrame
from hil.link.shadow import Shadow
from hil.link.transports import Transport
from twin.world.seam import Firmware

TIMEOUT_S = 1.0  # a running board reports a tick every 10 ms
SILENCE_MS = 2000  # the beam is off long before; the board may return to its console


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of the board. Its outputs are in the link's `outputs`.

    index   : number of periods since the first tick, with those that the board left out
    now_ms  : time by the board's clock
    sample  : payload of the STEP that the board used
    late_ms : age of the sample: time since the tick for which it was posted
    gap     : number of ticks before this one whose report was lost
    """

    index: int
    now_ms: int
    sample: bytes
    late_ms: int
    gap: int


class RealTimeLink(Link):
    """As Link, but samples are posted without waiting, and the board reports each of its ticks.

    now_ms : the world's time at the start
    """

    REAL_TIME = True

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        outputs: Outputs | None = None,
        *,
        now_ms: int,
        timeout_s: float = TIMEOUT_S,
        silence_ms: int = SILENCE_MS,
        **options: Any,
    ):
        self._ticks: deque[tuple[float, WireFrame]] = deque()  # with the time at which they came
        self._samples: dict[int, tuple[int, bytes]] = {}  # by number: (meant_ms, payload)
        self._reported = Outputs()
        self._number = self._missed = 0  # of the last tick, and the count of ticks left out
        self._index = -1
        self._before: tuple[float, int, int] | None = None  # last tick: arrival, time, sample
        options.update(now_ms=now_ms, timeout_s=timeout_s, silence_ms=silence_ms)
        super().__init__(transport, settings, outputs, **options)

    def board_ms(self, now_ms: int) -> int:
        """The world's time by the board's clock."""
        return (now_ms + self._clock_ms) & MASK

    def world_ms(self, board_ms: int) -> int:
        """The board's time by the world's clock, wrapping ms."""
        return (board_ms - self._clock_ms) & MASK

    def post(self, meant_ms: int, inputs: Inputs, command: Command) -> None:
        """A sample for the tick at this time of the board's clock."""
        payload = frame.pack_step(inputs, command)
        self._send(frame.STEP, payload, meant_ms)
        self._samples[self._sequence] = meant_ms, payload

    def next_tick(self) -> Tick:
        """Wait for the report of the board's next tick."""
        patience = Patience(self.timeout_s, self.resend_s)
        while True:
            while self._ticks:
                tick = self._judge(*self._ticks.popleft())
                if tick:
                    return tick
            self._listen(patience)

    def _sort(self, one: WireFrame) -> None:
        if one[0] == frame.TICKED:
            self._ticks.append((perf_counter(), one))
        else:
            super()._sort(one)

    def _judge(self, came_s: float, one: WireFrame) -> Tick | None:
        """The Tick of a report; None if the report is a repeated one or its sample is unknown."""
        _, sequence, now_ms, payload = one
        counts = self.counts
        number, missed = frame.unpack_ticked(payload, self._reported)
        ahead = (number - self._number) & 0xFFFF
        if not 0 < ahead < HALF:
            counts.late += 1
            return None
        if sequence not in self._samples:
            counts.out_of_order += 1
            return None
        self._index += ahead + ((missed - self._missed) & 0xFFFF)
        self._number, self._missed = number, missed
        self.outputs.load(self._reported.values())
        for old in [old for old in self._samples if HALF > (sequence - old) & 0xFFFF > 0]:
            del self._samples[old]
        meant_ms, sample = self._samples[sequence]
        late_ms = diff(now_ms, meant_ms)
        if self._before:
            before_s, before_ms, before = self._before
            apart_us = 1e6 * (came_s - before_s) - 1e3 * diff(now_ms, before_ms)
            counts.jitter.add(abs(apart_us))
            if before == sequence:
                counts.overruns.add(now_ms, late_ms)
        self._before = came_s, now_ms, sequence
        counts.frames += 1
        counts.gaps += ahead - 1
        return Tick(self._index, now_ms, sample, late_ms, ahead - 1)


class RealTimeShadow(Shadow):
    """Two firmwares on the same inputs, of which the peer has its own clock.

    The world follows the board: each tick of the world waits for a tick of the board. During ticks
    that the board left out, the outputs stay. The firmware here is stepped with the same sample, at
    the same age and time as on the board, and so must give the same outputs.

    guessed : ticks of the board whose report was lost. Their sample is guessed, and after such a
              tick the two may differ.
    on_tick : called after each tick of the board with now_ms by the world's clock, inputs, command
              and outputs; None: no call
    """

    def __init__(self, controller: Firmware, peer: RealTimeLink, peer_drives: bool = False):
        super().__init__(controller, peer, peer_drives)
        self.guessed = 0
        self.on_tick: Callable[[int, Inputs, Command, Outputs], None] | None = None
        self._link = peer
        self._index = 0  # of the world's next tick
        self._first_ms: int | None = None  # when the board's first tick was due
        self._tick: Tick | None = None  # reported, but later than the world's tick
        self._used: tuple[bytes, int] = (b"", 0)  # sample of the last tick, and its age (ms)
        self._inputs = Inputs()
        self._command = Command(0.0, 0.0)

    def _step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        tick = self._tick
        if tick is None:
            self._link.post(self._due_ms(now_ms), inputs, command)
            tick = self._tick = self._link.next_tick()
            self._note_when(tick)
        if tick.index <= self._index:
            self._tick = None
            self._follow(tick, now_ms)
            self._drive(outputs)
        self._index += 1

    def _due_ms(self, now_ms: int) -> int:
        if self._first_ms is None:
            return self._link.board_ms(now_ms)
        return (self._first_ms + self._index * TICK_MS) & MASK

    def _note_when(self, tick: Tick) -> None:
        """Calculate the due time of the first tick from the earliest tick.

        A tick can begin late, never early. A due time that is too late would shift all samples
        into the future, and the board refuses samples for a time too far ahead.
        """
        first_ms = (tick.now_ms - tick.index * TICK_MS) & MASK
        if self._first_ms is None or diff(first_ms, self._first_ms) < 0:
            self._first_ms = first_ms

    def _follow(self, tick: Tick, now_ms: int) -> None:
        for before in range(tick.gap, 0, -1):
            sample, late_ms = self._used
            self._used = sample, late_ms + TICK_MS
            self._step_here(tick.now_ms - before * TICK_MS, *self._used, self._here)
            self.guessed += 1
        self._used = tick.sample, tick.late_ms
        self._step_here(tick.now_ms, *self._used, self.peer.outputs)
        self._compare(now_ms)

    def _step_here(self, board_ms: int, sample: bytes, late_ms: int, reported: Outputs) -> None:
        frame.unpack_step(sample, self._inputs, self._command)
        grow(self._inputs, late_ms)
        now_ms = self._link.world_ms(board_ms)
        self.controller.step(now_ms, self._inputs, self._here, self._command)
        if self.on_tick:
            self.on_tick(now_ms, self._inputs, self._command, reported)
