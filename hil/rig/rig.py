"""The interface of a bench for tests: start, wait for the beam, measure, make faults, read values.

A `Rig` contains the world of one run (twin/world/world.py) and works in the same way on every
target. Time is simulated time; it passes only in methods whose description states it.
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
from hil.rig.description import description_of
from hil.rig.faults import RigFaults
from hil.rig.job import check_room
from hil.rig.recorder import RigRecorder
from twin.files.errors import InputError
from twin.plant.plant import SLOW_MS, TICK_MS
from twin.runs.pace import Pace
from twin.verdict import Spread
from twin.world.world import World

RELEASE_S = 0.1  # duration of `run` False before a start, so that any target detects it
SAFE_WITHIN_S = 1.0
STRIDE_MS = 1000
MOST_STATES = 1000  # changes kept
INTENSITY_MS = 2 * SLOW_MS  # the twin integrates the intensity in slow steps


class Rig:
    """One test's tube, generator, room and firmware.

    world   : of any target
    target  : name of the target, for descriptions
    mode    : "lockstep" or "real-time", for descriptions
    refusal : reason, in one line, why the beam must not be started here; None if it may be
    rate    : simulated seconds per wall second, None for as fast as possible
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
        self.values: list[tuple[str, Any, str]] = []  # recorded by `record`
        self.states: list[tuple[float, str]] = [(0.0, self._state_now())]
        self.lost = False  # True if the firmware does not answer any more
        self._begin_ms = world.plant.now_ms
        world.plant.take_intensity()
        self.recorder = RigRecorder(world, self._begin_ms)
        world.every(TICK_MS, self._watch)

    def __repr__(self) -> str:
        return f"<Rig on {self.target}: {self._state_now()} at {self.now_s:.2f} s>"

    # Commands to the unit.

    def start(self) -> None:
        """Request the beam; after a trip, start again. Without effect if the beam is on.

        Takes about 0.1 s of simulated time: a start is a change of `run` from False to True, and
        the firmware must detect both. Raises InputError if the beam must not be started here.
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
        """Withdraw the request for the beam, which is off a tick later."""
        self.command.run = False

    @property
    def command(self) -> Command:
        """The operator's request; `kv` and `ma` may be set."""
        return self.world.command

    def disturb(self, what: str, part: float) -> None:
        """Change the plant at once: "emission" multiplies the cathode's emission by `part`.

        Raises InputError for an unknown disturbance or a part that is not above 0.
        """
        if what != "emission":
            raise InputError(f"disturb {what!r}: not known; choose emission")
        if not (math.isfinite(part) and part > 0.0):
            raise InputError(f"disturb {what}: {part:g} is not a factor; give a number above 0")
        self.world.plant.filament.drift *= part

    # Time.

    def run(self, seconds: float) -> None:
        """Advance time by `seconds`, to the nearest tick of 10 ms."""
        self._advance(_whole_ticks(seconds, TICK_MS))

    def run_until(self, goal: str | Callable[[], bool], within_s: float = 10.0) -> float:
        """Advance time until the unit is in a state or a condition is true; returns the time in s.

        goal: off, preheat, ramp, beam or tripped, or a condition that is called before each tick

        Raises AssertionError with the description if the goal is not reached within `within_s`, or
        if the unit trips before.
        """
        __tracebackhide__ = True
        if isinstance(goal, str) and goal not in STATES:
            raise InputError(f"state {goal!r}: not known; choose {', '.join(STATES)}")
        plant = self.world.plant
        begin_ms = plant.now_ms
        end_ms = begin_ms + _whole_ticks(within_s, TICK_MS)
        while not self._reached(goal):
            is_tripped = self._state_now() == "tripped" and self.state == "tripped"
            if plant.now_ms >= end_ms or is_tripped:
                required = f"in {goal!r}" if isinstance(goal, str) else "at the condition"
                problem = f"the unit is {self._state_words()}, not {required} within {within_s:g} s"
                raise AssertionError(f"{problem}\n{self.description()}")
            self._advance(TICK_MS)
        return 0.001 * (plant.now_ms - begin_ms)

    def measure(self, name: str, seconds: float) -> Spread:
        """Advance time by `seconds` and read `name` in each tick; "intensity" each second.

        name: any channel of a recording (docs/user/recording.md), true value or raw count.
        Returns count, mean, deviation, rms_percent (deviation over mean), low and high. Records
        mean and rms as values of the test.
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

    # Values of the bench.

    @property
    def now_s(self) -> float:
        """Simulated time since the start of the test."""
        return 0.001 * (self.world.plant.now_ms - self._begin_ms)

    @property
    def state(self) -> str:
        """State of the firmware: off, preheat, ramp, beam or tripped.

        On a unit with only a console, time passes until its answer, some milliseconds.
        """
        return self._asked()[0]

    @property
    def trip(self) -> str:
        """First cause of the last trip, such as "chain-a"; empty without a trip."""
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
        """True if the high voltage is enabled, at the generator."""
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
        """Present value of any channel of a recording, except the intensity.

        Raises InputError for an unknown channel.
        """
        if name == "intensity":
            raise InputError("intensity: is a mean over time; use measure")
        unit_of(name)
        return values_of(self.world, (name,))[0]

    def record(self, name: str, value: Any, unit: str = "") -> None:
        """Add a value to the results; a repeated name gets a number."""
        used = [other for other, _, _ in self.values]
        chosen, number = name, 2
        while chosen in used:
            chosen, number = f"{name} {number}", number + 1
        self.values.append((chosen, value, unit))

    def description(self) -> str:
        """Four or five lines: past states, trip, present values, faults, target."""
        return description_of(self)

    def story(self) -> str:
        """The old name of `description`, kept for a release."""
        return self.description()

    def make_safe(self) -> None:
        """Switch the beam off and check that it is off, at the end of every test.

        Raises AssertionError if the beam stays on. A firmware that does not answer is not asked:
        without frames it goes to its safe state.
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
                + self.description()
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

    def _state_now(self) -> str:
        return STATES[self.world.condition]

    def _asked(self) -> tuple[str, str]:
        """State and cause of the trip; time passes until the answer."""
        answers: list[tuple[str, str]] = []
        self.world.ask(lambda condition, trip: answers.append((STATES[condition], trip)))
        while not answers:
            self._advance(TICK_MS)
        return answers[0]

    def _state_words(self) -> str:
        state, cause = self._asked()
        if state != "tripped":
            return f"in {state!r}"
        at_ms = self.world.plant.now_ms - self._begin_ms
        at_ms -= diff(self.world.plant.now_ms & MASK, self.world.trip_ms)
        return f"tripped by {cause!r} at {0.001 * at_ms:.2f} s"

    def _watch(self, now_ms: int) -> None:
        """Record a change of the state, which was decided in the tick before."""
        state = self._state_now()
        if state != self.states[-1][1]:
            self.states.append((0.001 * (now_ms - TICK_MS - self._begin_ms), state))
            del self.states[:-MOST_STATES]


def _whole_ticks(seconds: float, period_ms: int) -> int:
    """The nearest number of whole periods, in ms. Raises InputError if `seconds` is negative."""
    if not (math.isfinite(seconds) and seconds >= 0.0):
        raise InputError(f"{seconds:g} s: give a number of seconds, 0 or more")
    return round(1000.0 * seconds / period_ms) * period_ms
