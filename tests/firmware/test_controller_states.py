"""The controller's state machine, explored to its end; and proof that the exploration sees faults.

tests/kit/state_space.py says what is explored and what must hold in every step.
"""

from itertools import product

import pytest

from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED, Controller
from firmware.interlock_table import ALWAYS, ROWS
from firmware.interlocks import NAMES, Interlocks
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK
from tests.kit.state_space import BrokenInvariantError, Found, explore, letter

ALL_CONDITIONS = {OFF, PREHEAT, RAMP, BEAM, TRIPPED}
CODE = {name: code for code, name in NAMES.items()}
TICK_MS = 10
PHASE_MS = 50  # one turn a tick: the quickest way through all turns

CONTACTS = {
    "both closed": ALL_CLOSED,
    "A open": CHAIN_B | GENERATOR_OK,
    "B open": CHAIN_A | GENERATOR_OK,
    "both open": GENERATOR_OK,
}
FAULTS: dict[str, dict[str, int]] = {
    "chain-a": {"switches": CHAIN_B | GENERATOR_OK},
    "chain-b": {"switches": CHAIN_A | GENERATOR_OK},
    "generator": {"switches": CHAIN_A | CHAIN_B},
    "over-voltage": {"kv_monitor_raw": 32000},
    "over-current": {"ma_monitor_raw": 32000},
    "over-power": {"kv_monitor_raw": 27000, "ma_monitor_raw": 20000},
    "stale-monitors": {"adc_age_ms": 60},
    "over-temperature": {"head_temperature_raw": 12000},
    "head-sensor": {"head_temperature_raw": 0},
    "stale-head": {"head_age_ms": 4000},
    "fan": {"fan_tach_raw": 0},
    "lamp": {"lamp_current_raw": 0},
}
WELL: dict[str, dict[str, int]] = {"all well": {}, "voltage read back": {"kv_monitor_raw": 10000}}


def letters(inputs: dict[str, dict[str, int]]) -> list:
    """Each of the inputs, with and without the command to run."""
    return [
        letter(f"{name}, {'run' if run else 'stop'}", run, **raw)
        for (name, raw), run in product(inputs.items(), (False, True))
    ]


def with_contacts(more: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Every position of the two channels together with each of `more`."""
    return {
        f"{contacts} and {name}": {"switches": switches, **raw}
        for (contacts, switches), (name, raw) in product(CONTACTS.items(), more.items())
    }


CHAIN = letters(with_contacts({"all well": {}}))
CHAIN_AND_LAMP = letters(with_contacts({"all well": {}, "lamp": FAULTS["lamp"]}))
ONE_AT_A_TIME = letters({**WELL, **{name: FAULTS[name] for name in FAULTS if "chain" not in name}})
EACH_TICK = letters({**WELL, "generator": FAULTS["generator"]})


@pytest.fixture(scope="module", autouse=True)
def impatient_fan():
    """Five seconds differ from a third of one only in the number of states."""
    rows = ROWS[ALWAYS]
    at = [row[1] for row in rows].index("fan")
    patient = rows[at]
    assert patient[3] == 5000
    rows[at] = (*patient[:3], 300, *patient[4:])
    yield
    rows[at] = patient


@pytest.fixture(scope="module")
def chain() -> Found:
    """All that the two channels of the chain can do with the controller."""
    return explore(Controller, CHAIN, PHASE_MS)


def test_with_whatever_the_chain_does_every_invariant_holds(chain: Found):
    assert chain.conditions == ALL_CONDITIONS
    assert chain.trips == {0, CODE["chain-a"], CODE["chain-b"], CODE["chain-disagree"]}


def test_with_whatever_the_chain_and_the_lamp_do_every_invariant_holds():
    found = explore(Controller, CHAIN_AND_LAMP, PHASE_MS)
    assert found.conditions == ALL_CONDITIONS
    assert CODE["lamp"] in found.trips


def test_with_any_sequence_of_all_other_faults_every_invariant_holds():
    found = explore(Controller, ONE_AT_A_TIME, PHASE_MS)
    assert found.conditions == ALL_CONDITIONS
    assert found.trips == {0, *(CODE[name] for name in FAULTS if "chain" not in name)}


def test_with_starts_stops_and_trips_in_any_of_the_ticks_every_invariant_holds():
    found = explore(Controller, EACH_TICK, TICK_MS)
    assert found.conditions == ALL_CONDITIONS


def test_from_every_state_an_operator_who_does_it_right_gets_the_beam_back(chain: Found):
    """Nothing locks out for ever: open the door, close it, take the command back, give it."""
    opened, closed, run = (
        letter("opened", False, switches=GENERATOR_OK),
        letter("closed", False),
        letter("run", True),
    )
    machine = chain.machine
    for state in chain.states:
        machine.put(state)
        for step in [opened] * 2 + [closed] * 2 + [run] * 12:
            machine.step(step)
        assert machine.controller.condition == BEAM
        assert machine.outputs.hv_enable == 1


def test_from_every_state_a_command_that_is_held_starts_nothing(chain: Found):
    """What is off and sees the command held since before stays off, for ever."""
    held = letter("run", True)
    machine, begun = chain.machine, 0
    for state in chain.states:
        machine.put(state)
        if machine.controller.run_seen and machine.controller.condition in (OFF, TRIPPED):
            begun += 1
            condition = machine.controller.condition
            for _ in range(20):
                machine.step(held)
                assert machine.controller.condition == condition
                assert machine.outputs.hv_enable == 0
    assert begun > 100


# Negative controls: controllers with one thing wrong each. The exploration must find it.


class WithoutChain(Controller):
    """Its interlocks do not look at the contacts."""

    def __init__(self, settings: Settings):
        super().__init__(settings)
        fast = self.interlocks.fast

        def blind(inputs, outputs, controller) -> int:
            code = fast(inputs, outputs, controller)
            return 0 if code in (1, 2, 4) else code

        self.interlocks.fast = blind  # type: ignore[method-assign]


class StartsAtPowerUp(Controller):
    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.run_seen = False


class RestartsByItself(Controller):
    """Takes a command that is held for a new one."""

    def step(self, now_ms: int, inputs, outputs, command) -> None:
        if self.condition == TRIPPED and command.run:
            self.run_seen = False
        super().step(now_ms, inputs, outputs, command)


class TellsATripLate(Controller):
    """Leaves the outputs of the tick in which it trips as they were."""

    def step(self, now_ms: int, inputs, outputs, command) -> None:
        before = outputs.hv_enable, outputs.kv_program_raw
        was = self.condition
        super().step(now_ms, inputs, outputs, command)
        if was != TRIPPED and self.condition == TRIPPED:
            outputs.hv_enable, outputs.kv_program_raw = before


class TrustsTheActuators(Controller):
    """Writes nothing in its first tick."""

    def step(self, now_ms: int, inputs, outputs, command) -> None:
        if self.last_ms is None:
            self.last_ms = now_ms
        super().step(now_ms, inputs, outputs, command)


class ForgetsTheDisagreement(Controller):
    def step(self, now_ms: int, inputs, outputs, command) -> None:
        super().step(now_ms, inputs, outputs, command)
        self.interlocks.latched[ALWAYS] = [False] * len(ROWS[ALWAYS])


class ForgetsTheCause(Controller):
    """Clears the trip as soon as the command is taken back."""

    def _run_changed(self, run: bool) -> None:
        if not run:
            self.trip = 0
        super()._run_changed(run)


class KeepsTheLastCause(Controller):
    """A later cause takes the place of the first."""

    def step(self, now_ms: int, inputs, outputs, command) -> None:
        super().step(now_ms, inputs, outputs, command)
        later = self.interlocks.fast(inputs, outputs, self)
        if self.condition == TRIPPED and later:
            self.trip = outputs.trip = later


class LeavesItsPrograms(Controller):
    """Only the enable goes when the beam does."""

    def _write(self, inputs, outputs) -> None:
        before = outputs.kv_program_raw, outputs.grid_program_raw
        super()._write(inputs, outputs)
        if self.condition in (OFF, TRIPPED):
            outputs.kv_program_raw, outputs.grid_program_raw = before


class KeepsTheFilamentWarm(Controller):
    def _write(self, inputs, outputs) -> None:
        before = outputs.filament_program_raw
        super()._write(inputs, outputs)
        if self.condition == TRIPPED:
            outputs.filament_program_raw = before


class DarkensTheLampAtOnce(Controller):
    def _write(self, inputs, outputs) -> None:
        super()._write(inputs, outputs)
        if self.condition in (OFF, TRIPPED):
            outputs.lamp_on = 0


class HurriesTheLamp(Controller):
    """500 ms counted from the turn before the end, which may be 100 ms before it."""

    def _write(self, inputs, outputs) -> None:
        super()._write(inputs, outputs)
        self.lamp_ms = min(self.lamp_ms, 500)


class IgnoresTheStop(Controller):
    """A stop in the middle of the ramp comes too late for it."""

    def _run_changed(self, run: bool) -> None:
        if not run and self.condition == RAMP:
            self.run_seen = run
        else:
            super()._run_changed(run)


WRONG = [
    (WithoutChain, CHAIN, PHASE_MS, "without all permits"),
    (StartsAtPowerUp, CHAIN, PHASE_MS, "OFF was left without a start"),
    (RestartsByItself, CHAIN, PHASE_MS, "TRIPPED was left without a new start"),
    (TellsATripLate, CHAIN, PHASE_MS, "high voltage outside RAMP and BEAM"),
    (TrustsTheActuators, CHAIN, TICK_MS, "high voltage outside RAMP and BEAM"),
    (ForgetsTheDisagreement, CHAIN, PHASE_MS, "channels have disagreed"),
    (ForgetsTheCause, CHAIN, PHASE_MS, "first cause was not kept"),
    (KeepsTheLastCause, CHAIN, PHASE_MS, "first cause was not kept"),
    (LeavesItsPrograms, CHAIN, PHASE_MS, "program without high voltage|not at cut-off"),
    (KeepsTheFilamentWarm, CHAIN, PHASE_MS, "heated filament"),
    (DarkensTheLampAtOnce, CHAIN, PHASE_MS, "lamp dark"),
    (HurriesTheLamp, EACH_TICK, TICK_MS, "lamp dark"),
    (IgnoresTheStop, CHAIN, PHASE_MS, "without the command to run"),
]


@pytest.mark.parametrize(
    ("wrong", "alphabet", "dt_ms", "what"), WRONG, ids=[row[0].__name__ for row in WRONG]
)
def test_a_controller_with_one_thing_wrong_is_found_out(wrong, alphabet, dt_ms: int, what: str):
    with pytest.raises(BrokenInvariantError, match=what):
        explore(wrong, alphabet, dt_ms)


def test_interlocks_that_never_trip_are_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Interlocks, "all_well", lambda self, inputs: True)
    with pytest.raises(BrokenInvariantError, match="without all permits"):
        explore(Controller, ONE_AT_A_TIME, PHASE_MS)


def test_the_way_to_a_fault_is_reported():
    """As short as can be, with what comes several times counted."""
    way = "new start: 1 x both closed and all well, stop, 1 x A open and all well, run, 1 x both"
    with pytest.raises(BrokenInvariantError, match=way):
        explore(RestartsByItself, CHAIN, PHASE_MS)
