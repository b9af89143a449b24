"""A bench in the words of a test: start, wait for the beam, measure, break something, look.

A `Rig` is over the world of one run (twin/world/world.py) and says the same on every target. Time
is simulated time and passes only where a method says so.
"""

import math
from collections.abc import Callable
from typing import Any

from firmware.controller import STATES
from firmware.signals import Command
from firmware.ticks import MASK, diff
from hil.link.link import LinkError
from hil.link.shadow import make_safe
from hil.rig.channels import unit_of, values_of
from hil.rig.faults import RigFaults
from hil.rig.job import check_room
from hil.rig.recorder import RigRecorder
from hil.rig.story import story_of
from twin.files.errors import InputError
from twin.plant.plant import SLOW_MS, TICK_MS
from twin.runs.pace import Pace
from twin.verdict import Spread
from twin.world.world import World

RELEASE_S = 0.1  # how long `run` is False before a start, for that to be seen on any target
SAFE_WITHIN_S = 1.0
STRIDE_MS = 1000
MOST_STATES = 1000  # changes kept
INTENSITY_MS = 2 * SLOW_MS  # the twin integrates the intensity in slow steps


class Rig:
    """One test's tube, generator, room and firmware.

    world   : of any target
    target  : how that is called, for stories
    mode    : "lockstep" or "real-time", for stories
    refusal : why the beam must not be started here, in one line; None if it may be
    rate    : simulated seconds per wall second, None for as fast as the target goes
    """

    def __init__(
        self,
        world: World,
        target: str = "in-process",
        mode: str = "lockstep",
        refusal: str | None = None,
        rate: float | None = None,
    ):
        self.world = world
        self.target = target
        self.mode = mode
        self.refusal = refusal
        self.pace = Pace(rate)
        self.faults = RigFaults(world.faults)
        self.values: list[tuple[str, Any, str]] = []  # what `record` was told
        self.states: list[tuple[float, str]] = [(0.0, self._seen())]
        self.lost = False  # whether the firmware has fallen silent
        self._begin_ms = world.plant.now_ms
        world.plant.take_intensity()
        self.recorder = RigRecorder(world, self._begin_ms)
        world.every(TICK_MS, self._watch)

    def __repr__(self) -> str:
        return f"<Rig on {self.target}: {self._seen()} at {self.now_s:.2f} s>"

    # What is asked of the unit.

    def start(self) -> None:
        """Ask for the beam; after a trip, anew. InputError if it must not be started here.

        Takes some 0.1 s: a start is a change from "no beam" to "beam", and both must be seen.
        Where the beam is on already, nothing happens.
        """
        __tracebackhide__ = True
        if self.refusal:
            raise InputError(self.refusal)
        if self.command.run and self.state != "tripped":
            return
        self.command.run = False
        self.run(RELEASE_S)
        self.command.run = True
        self._advance(TICK_MS)
        left_ms = _whole_ticks(RELEASE_S, TICK_MS)
        while self.state == "tripped" and left_ms > 0:  # a board may notice it a tick later
            self._advance(TICK_MS)
            left_ms -= TICK_MS

    def stop(self) -> None:
        """Ask for no beam. It is off a tick later."""
        self.command.run = False

    @property
    def command(self) -> Command:
        """What the operator asks for; `kv` and `ma` may be set."""
        return self.world.command

    def disturb(self, what: str, part: float) -> None:
        """At once: "emission" leaves `part` of what the cathode gave. InputError if unknown."""
        if what != "emission":
            raise InputError(f"disturb {what!r}: not known; choose emission")
        if not (math.isfinite(part) and part > 0.0):
            raise InputError(f"disturb {what}: {part:g} is no part of it; give a number above 0")
        self.world.plant.filament.drift *= part

    # Time.

    def run(self, seconds: float) -> None:
        """Let `seconds` pass, to the nearest tick of 10 ms."""
        self._advance(_whole_ticks(seconds, TICK_MS))

    def run_until(self, goal: str | Callable[[], bool], within_s: float = 10.0) -> float:
        """Let time pass until the unit is in a state, or something holds; says how long, s.

        goal: off, preheat, ramp, beam or tripped, or what is asked before each tick

        AssertionError with the story if that is not within `within_s`, or it trips on the way.
        """
        __tracebackhide__ = True
        if isinstance(goal, str) and goal not in STATES:
            raise InputError(f"state {goal!r}: not known; choose {', '.join(STATES)}")
        plant = self.world.plant
        begin_ms = plant.now_ms
        end_ms = begin_ms + _whole_ticks(within_s, TICK_MS)
        while not self._reached(goal):
            if plant.now_ms >= end_ms or (self._seen() == "tripped" and self.state == "tripped"):
                wanted = f"in {goal!r}" if isinstance(goal, str) else "where it should be"
                said = f"the unit is {self._said()}, not {wanted} within {within_s:g} s"
                raise AssertionError(f"{said}\n{self.story()}")
            self._advance(TICK_MS)
        return 0.001 * (plant.now_ms - begin_ms)

    def measure(self, name: str, seconds: float) -> Spread:
        """Let `seconds` pass and look at `name` in each tick; at "intensity" each second.

        name: any channel of a recording (docs/user/recording.md), true values and raw counts alike.
        Gives count, mean, deviation, rms_percent (deviation over mean), low and high; mean and
        rms are recorded as well.
        """
        unit = unit_of(name)
        period_ms = INTENSITY_MS if name == "intensity" else TICK_MS
        total_ms = _whole_ticks(seconds, period_ms)
        if not total_ms:
            raise InputError(f"measure {name}: give {0.001 * period_ms:g} s or more")
        spread = Spread()
        self.world.plant.take_intensity()
        for _ in range(total_ms // period_ms):
            self._advance(period_ms)
            if name == "intensity":
                spread.add(self.world.plant.take_intensity() * TICK_MS / period_ms)
            else:
                spread.add(self.value(name))
        self.record(f"{name} mean", spread.mean, unit)
        if spread.mean > 0.0:
            self.record(f"{name} rms", spread.rms_percent, "%")
        return spread

    # What there is to see.

    @property
    def now_s(self) -> float:
        """Since the test began."""
        return 0.001 * (self.world.plant.now_ms - self._begin_ms)

    @property
    def state(self) -> str:
        """Of the firmware: off, preheat, ramp, beam or tripped.

        A unit that can only be asked over its console answers some milliseconds later; these pass.
        """
        return self._asked()[0]

    @property
    def trip(self) -> str:
        """First cause of the last trip, such as "chain-a"; empty if there was none."""
        return self._asked()[1]

    @property
    def kv(self) -> float:
        """True tube voltage."""
        return self.world.plant.kv

    @property
    def ma(self) -> float:
        """True emission current."""
        return self.world.plant.ma

    @property
    def energised(self) -> bool:
        """Whether the high voltage is enabled, as the generator sees it."""
        return bool(self.world.plant.hv_enable)

    @property
    def inputs(self) -> Any:
        """Raw counts that the firmware reads, docs/contributing/signals.md."""
        return self.world.inputs

    @property
    def outputs(self) -> Any:
        """Raw counts that the firmware writes."""
        return self.world.outputs

    def value(self, name: str) -> float:
        """Any channel of a recording but the intensity, now. InputError if there is none such."""
        if name == "intensity":
            raise InputError("intensity: is a mean over time; use measure")
        unit_of(name)
        return values_of(self.world, (name,))[0]

    def record(self, name: str, value: Any, unit: str = "") -> None:
        """Keep a value for the results; one of the same name gets a number behind it."""
        used = [other for other, _, _ in self.values]
        chosen, number = name, 2
        while chosen in used:
            chosen, number = f"{name} {number}", number + 1
        self.values.append((chosen, value, unit))

    def story(self) -> str:
        """Four lines: states passed through, how it is now, what is broken, where this runs."""
        return story_of(self)

    def make_safe(self) -> None:
        """Switch the beam off and see that it is off: the end of every test.

        AssertionError if it stays on. Of a firmware that has fallen silent nothing is asked any
        more: it goes to its safe state by itself.
        """
        self.stop()
        if self.lost:
            return
        left_ms = _whole_ticks(SAFE_WITHIN_S, TICK_MS)
        self._advance(TICK_MS)
        while self.energised and left_ms > 0:
            self._advance(TICK_MS)
            left_ms -= TICK_MS
        if self.energised:
            raise AssertionError(
                f"the high voltage is still enabled {SAFE_WITHIN_S:g} s after the stop\n"
                + self.story()
            )

    def _advance(self, length_ms: int) -> None:
        __tracebackhide__ = True
        if not length_ms:
            return
        plant, pace = self.world.plant, self.pace
        end_ms = plant.now_ms + length_ms
        check_room(plant, end_ms)
        try:
            while plant.now_ms < end_ms:
                self.world.run(min(end_ms, plant.now_ms + pace.stride_ms(STRIDE_MS)))
                pace.keep(plant.now_ms - self._begin_ms)
        except LinkError:
            self.lost = True
            make_safe(self.world)
            raise

    def _reached(self, goal: str | Callable[[], bool]) -> bool:
        return goal == self.state if isinstance(goal, str) else bool(goal())

    def _seen(self) -> str:
        return STATES[self.world.condition]

    def _asked(self) -> tuple[str, str]:
        """State and cause of the trip, when the answer has come."""
        answers: list[tuple[str, str]] = []
        self.world.ask(lambda condition, trip: answers.append((STATES[condition], trip)))
        while not answers:
            self._advance(TICK_MS)
        return answers[0]

    def _said(self) -> str:
        state, cause = self._asked()
        if state != "tripped":
            return f"in {state!r}"
        at_ms = self.world.plant.now_ms - self._begin_ms
        at_ms -= diff(self.world.plant.now_ms & MASK, self.world.trip_ms)
        return f"tripped by {cause!r} at {0.001 * at_ms:.2f} s"

    def _watch(self, now_ms: int) -> None:
        """What is seen before this tick was decided in the one before."""
        state = self._seen()
        if state != self.states[-1][1]:
            self.states.append((0.001 * (now_ms - TICK_MS - self._begin_ms), state))
            del self.states[:-MOST_STATES]


def _whole_ticks(seconds: float, period_ms: int) -> int:
    """The nearest number of whole periods, in ms. InputError if that is no time to pass."""
    if not (math.isfinite(seconds) and seconds >= 0.0):
        raise InputError(f"{seconds:g} s: give a number of seconds, 0 or more")
    return round(1000.0 * seconds / period_ms) * period_ms
