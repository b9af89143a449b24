"""Exhaustive exploration of the controller's state machine, and what must hold in all of it.

Breadth first over every abstract input ("letter") from every abstract state, until nothing new is
found. The state is the controller's own; the laws' numbers, which decide no transition, are reduced
to "zero or not", and what is beyond a timer's end counts as its end. Beside it runs a `Witness`, an
independent memory of what has happened, against which every step is judged.

The machine is the real one but for its patience: the times that only count longer are cut
(`quick_settings`, and the fan's delay where a test says so).
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED, Controller
from firmware.interlock_table import ALWAYS, ROWS
from firmware.settings import Settings
from firmware.signal_table import OUTPUTS
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, HOLD_COMPENSATION, HOLD_THERMAL, Command
from tests.kit.chip_bench import LAMP_RAW, healthy

LAMP_MUST_STAY_MS = 500
DISAGREE_MS = 500
LOOK_MS = 100  # how often the slow interlocks look
LONG_MS = 10_000  # a time beyond every timer
MOST_STATES = 100_000
# Of the rows that are always looked at, by place: a time beyond their delay.
ENDS_MS = {
    "chain-disagree": 600,
    "over-temperature": 300,
    "head-sensor": 300,
    "fan": 5100,
    "lamp": 300,
}
TIMERS = [(at, ENDS_MS[name]) for _, name, at, *_ in ROWS[ALWAYS] if name in ENDS_MS]


class BrokenInvariantError(AssertionError):
    """An invariant that does not hold, with the way that leads there."""


class Letter(NamedTuple):
    """One abstract input: a name, the raw inputs it stands for, and the command."""

    name: str
    lamp_dark: Any  # inputs while the lamp is told to be dark
    lamp_lit: Any  # and lit: a healthy one then draws its current
    run: bool


def letter(name: str, run: bool, **raw: int) -> Letter:
    """A letter from the raw inputs that are not healthy."""
    variants = []
    for lamp_raw in (0, LAMP_RAW):
        inputs = healthy()
        inputs.lamp_current_raw = lamp_raw
        inputs.fan_tach_raw = 5000
        for signal, value in raw.items():
            setattr(inputs, signal, value)
        variants.append(inputs)
    return Letter(name, variants[0], variants[1], run)


def quick_settings() -> Settings:
    """Preheated after two turns, at voltage after two more, at current after one. The voltage is so
    low that the monitor, which these inputs leave at 0, is not missed before it has settled."""
    s = Settings()
    s.load({"kv": 8.0, "kv_slew_kv_per_s": 40.0, "preheat_ms": 200, "ma_slew_ma_per_s": 10.0})
    return s


def permitted(inputs: Any, s: Settings) -> bool:
    """All that must be good in the very tick in which high voltage is enabled. Written from the
    table's words and the settings, not from the code."""
    kv = inputs.kv_monitor_raw * 60.0 / 32767
    ma = inputs.ma_monitor_raw * 2.0 / 32767
    return (
        inputs.switches == ALL_CLOSED
        and kv <= s.trip_kv
        and ma <= s.trip_ma
        and kv * ma <= s.trip_power_w
        and inputs.adc_age_ms <= 50
    )


class Witness(NamedTuple):
    """What has happened so far, as far as it matters. Times end where nothing depends on them."""

    ran: bool = True  # the command of the tick before; at power-up a held one counts
    dark_ms: int = LONG_MS  # since high voltage was last enabled; below 0 while it is
    apart_ms: int = 0  # so long the channels have disagreed without a break
    suspect: bool = False  # they have disagreed for too long, and never both been open since

    def after(self, run: bool, switches: int, hv_enable: int, dt_ms: int) -> "Witness":
        """One step later, which was `dt_ms` after the one before."""
        a, b = bool(switches & CHAIN_A), bool(switches & CHAIN_B)
        too_long_ms = DISAGREE_MS + LOOK_MS
        apart_ms = min(self.apart_ms + dt_ms, too_long_ms) if a != b else 0
        since_ms = 0 if self.dark_ms < 0 else self.dark_ms + dt_ms
        dark_ms = -1 if hv_enable else since_ms
        return Witness(
            run,
            dark_ms if dark_ms < LAMP_MUST_STAY_MS else LONG_MS,
            apart_ms,
            apart_ms == too_long_ms or (self.suspect and (a or b)),
        )


class Machine:
    """A controller whose whole state can be taken, put back, and named."""

    def __init__(self, controller: Controller, dt_ms: int):
        self.controller = controller
        self.dt_ms = dt_ms
        self.inputs: Any = None
        # As the record, but with a dict to take and put back, which is quicker. At power-up the
        # actuators may hold anything; the fan's law is held, and the fan turns.
        self.outputs = SimpleNamespace(**{signal[0]: signal[3] for signal in OUTPUTS})
        self.outputs.fan_program_raw = 40000
        s = controller.settings
        self.command = Command(s.kv, s.ma)
        self.command.hold = HOLD_THERMAL | HOLD_COMPENSATION  # they decide nothing here
        laws = (controller.emission, controller.high_voltage, controller.interlocks)
        self._parts = [vars(part) for part in (controller, *laws, self.outputs)]

    def take(self) -> tuple:
        """Faster than `state()`, and no less: all attributes of what is not held."""
        interlocks = self.controller.interlocks
        lists = [
            [values.copy() for values in looks] for looks in (interlocks.met_ms, interlocks.latched)
        ]
        return (*[part.copy() for part in self._parts], lists)

    def put(self, state: tuple) -> None:
        """Back to what `take()` gave, of this same machine."""
        for part, values in zip(self._parts, state[:-1], strict=True):
            part.update(values)
        interlocks, (met_ms, latched) = self.controller.interlocks, state[-1]
        interlocks.met_ms = [values.copy() for values in met_ms]
        interlocks.latched = [values.copy() for values in latched]

    def key(self) -> tuple:
        """The abstract state."""
        c, i, o = self.controller, self.controller.interlocks, self.outputs
        timing = c.condition == PREHEAT
        return (
            c.condition,
            c.trip != 0,  # which one is only copied
            c.run_seen,
            c.last_ms is None,
            c.phase & 1,
            c.phase_ms,
            c.in_condition_ms if timing else 0,
            max(c.lamp_ms, 0),
            c.high_voltage.kv > 0.0,
            c.high_voltage.kv == c.settings.kv,
            c.emission.target_ma > 0.0,
            *[min(i.met_ms[ALWAYS][at], end_ms) for at, end_ms in TIMERS],
            *i.latched[ALWAYS],
            o.hv_enable,
            o.lamp_on,
        )

    def step(self, now: Letter) -> None:
        self.inputs = now.lamp_lit if self.outputs.lamp_on else now.lamp_dark
        self.command.run = now.run
        last_ms = self.controller.last_ms
        now_ms = 0 if last_ms is None else last_ms + self.dt_ms
        self.controller.step(now_ms, self.inputs, self.outputs, self.command)


def check(
    before: tuple[int, int], machine: Machine, letter: Letter, was: Witness, now: Witness
) -> str | None:
    """The invariant that this step has broken, or None. `before`: condition and trip until now."""
    old_condition, old_trip = before
    c, o = machine.controller, machine.outputs
    condition = c.condition
    edge = letter.run and not was.ran
    if o.hv_enable:
        if condition not in (RAMP, BEAM):
            return "high voltage outside RAMP and BEAM"
        if not permitted(machine.inputs, c.settings):
            return "high voltage without all permits in that very tick"
        if not letter.run:
            return "high voltage without the command to run"
        if now.suspect:
            return "high voltage though the channels have disagreed and not been seen open since"
    elif o.kv_program_raw:
        return "a voltage program without high voltage"
    if o.hv_enable != (1 if o.kv_program_raw else 0):
        return "high voltage enabled without a program"
    if condition != BEAM and o.grid_program_raw:
        return "a grid that is not at cut-off outside BEAM"
    if condition in (OFF, TRIPPED) and o.filament_program_raw:
        return "a heated filament in OFF or TRIPPED"
    if old_condition == TRIPPED and condition != TRIPPED and not edge:
        return "TRIPPED was left without a new start"
    if old_condition == OFF and condition not in (OFF, TRIPPED) and not edge:
        return "OFF was left without a start"
    if old_condition == TRIPPED and not edge and c.trip != old_trip:
        return "the first cause was not kept"
    if (condition == TRIPPED) != (c.trip != 0):
        return "a trip without a cause, or a cause without a trip"
    if (o.state, o.trip) != (condition, c.trip):
        return "outputs do not tell the state or the cause"
    if now.dark_ms < LAMP_MUST_STAY_MS and not o.lamp_on:
        return "lamp dark with high voltage, or less than 500 ms after"
    if not letter.run and condition not in (OFF, TRIPPED):
        return "more than OFF without the command to run"
    return None


@dataclass
class Found:
    """What an exploration came to."""

    machine: Machine
    states: list[tuple]  # one concrete state of each abstract one, for `machine.put`
    steps: int
    conditions: set[int]
    trips: set[int]


def explore(
    controller: Callable[[Settings], Controller], letters: Iterable[Letter], dt_ms: int
) -> Found:
    """Every letter from every state that can be reached. A BrokenInvariantError says the way."""
    letters = list(letters)
    machine = Machine(controller(quick_settings()), dt_ms)
    witness = Witness()
    first = machine.take()
    came_from: dict[tuple, tuple[tuple, Letter] | None] = {(machine.key(), witness): None}
    waiting = deque([(first, (machine.key(), witness))])
    states = [first]
    conditions, trips, steps = {machine.controller.condition}, {0}, 0
    while waiting:
        state, place = waiting.popleft()
        was = place[1]
        before = (state[0]["condition"], state[0]["trip"])
        for letter in letters:
            machine.put(state)
            machine.step(letter)
            steps += 1
            trips.add(machine.controller.trip)
            now = was.after(letter.run, machine.inputs.switches, machine.outputs.hv_enable, dt_ms)
            broken = check(before, machine, letter, was, now)
            if broken:
                raise BrokenInvariantError(f"{broken}: {way_to(came_from, place, letter)}")
            following = (machine.key(), now)
            if following not in came_from:
                came_from[following] = (place, letter)
                taken = machine.take()
                waiting.append((taken, following))
                states.append(taken)
                conditions.add(machine.controller.condition)
                assert len(states) <= MOST_STATES, "no end to the states"
    return Found(machine, states, steps, conditions, trips)


def way_to(came_from: dict, place: tuple, last: Letter) -> str:
    """The letters from power-up to `last`, repeated ones counted."""
    names = [last.name]
    while came_from[place] is not None:
        place, letter = came_from[place]
        names.append(letter.name)
    parts: list[list] = []
    for name in reversed(names):
        if parts and parts[-1][0] == name:
            parts[-1][1] += 1
        else:
            parts.append([name, 1])
    return ", ".join(f"{count} x {name}" for name, count in parts)
