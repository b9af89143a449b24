"""Faults at the seam: each makes what it says and nothing else, and leaves no trace behind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.controller import BEAM, OFF, TRIPPED
from firmware.interlocks import NAMES
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK, Inputs
from tests.kit.quick_runs import REGULATED_S, START, begun
from twin.files.errors import InputError
from twin.plant.plant import TICK_MS
from twin.world.faults import CONTACTS, FAULTS, ON_A_SIGNAL, RANGES, STALE, Fault, Faults

PLAIN = tuple(kind for kind in FAULTS if kind not in ON_A_SIGNAL)
FAULT_S = REGULATED_S
NEVER: tuple[str, float, float] = ("", 0.0, 0.0)

# Fault in a regulated beam: the interlock that trips, and between which times after it, s.
COMES_OF_IT = {
    Fault("chain-a"): ("chain-a", 0.0, 0.0),
    Fault("chain-b"): ("chain-b", 0.0, 0.0),
    Fault("generator"): ("generator", 0.0, 0.0),
    Fault("lamp"): ("lamp", 0.2, 0.3),
    Fault("fan"): ("fan", 5.0, 5.2),
    Fault("stale-monitors"): ("stale-monitors", 0.05, 0.05),
    Fault("stale-head"): ("stale-head", 3.0, 3.1),
    Fault("stale-mount"): NEVER,
    Fault("stale-generator"): NEVER,
    Fault("stale-room"): NEVER,
    Fault("stuck", "switches", ALL_CLOSED & ~CHAIN_B): ("chain-b", 0.0, 0.0),
    Fault("stuck", "switches", ALL_CLOSED): NEVER,
    Fault("stuck", "kv_monitor_raw", 32767): ("over-voltage", 0.0, 0.0),
    Fault("stuck", "kv_monitor_raw", 0): ("no-voltage", 1.0, 1.2),
    Fault("stuck", "ma_monitor_raw", 32767): ("over-current", 0.0, 0.0),
    Fault("stuck", "ma_monitor_raw", 0): ("no-current", 0.2, 0.5),
    Fault("stuck", "head_temperature_raw", 32767): ("over-temperature", 0.2, 0.3),
    Fault("stuck", "head_temperature_raw", 0): ("head-sensor", 0.2, 0.3),
    Fault("stuck", "adc_age_ms", 60): ("stale-monitors", 0.0, 0.0),
    Fault("stuck", "fan_tach_raw", 0): ("fan", 5.0, 5.2),
    Fault("stuck", "lamp_current_raw", 4095): ("lamp", 0.2, 0.3),
    Fault("offset", "kv_monitor_raw", 5000): ("over-voltage", 0.0, 0.0),
    Fault("offset", "ma_monitor_raw", 20000): ("over-current", 0.0, 0.0),
    Fault("offset", "head_temperature_raw", 5000): ("over-temperature", 0.2, 0.3),
    Fault("offset", "lamp_current_raw", -2000): ("lamp", 0.2, 0.3),
    Fault("offset", "room_pressure_raw", 100): NEVER,
}


def step_of(fault: Fault, at_s: float = FAULT_S, **more: Any) -> dict[str, Any]:
    signal = {"signal": fault.signal, "raw": fault.raw} if fault.signal else {}
    return {"at_s": at_s, "fault": fault.kind, **signal, **more}


@pytest.mark.parametrize("fault", COMES_OF_IT, ids=lambda fault: f"{fault.name} {fault.raw}")
def test_each_fault_trips_the_interlock_that_it_should_in_time_and_no_other(fault):
    run = begun(START, step_of(fault))
    run.go_on(run.job.end_ms)
    cause, least_s, most_s = COMES_OF_IT[fault]
    trips = run.end().trips
    assert [trip["cause"] for trip in trips] == ([cause] if cause else [])
    for trip in trips:
        assert least_s - 1e-9 <= trip["time_s"] - FAULT_S <= most_s + 1e-9


def test_every_kind_is_among_those_tried():
    assert {fault.kind for fault in COMES_OF_IT} == set(FAULTS)


def test_without_a_fault_nothing_trips():
    run = begun(START)
    run.go_on(run.job.end_ms)
    assert run.end().trips == [] and run.world.condition == BEAM and run.outcome.passed


def test_a_channel_that_was_open_alone_for_too_long_keeps_the_beam_off():
    run = begun({"at_s": 0.2, "fault": "chain-a", "for_s": 0.8}, {"at_s": 3, "start": True})
    run.go_on(run.job.end_ms)
    assert [trip["cause"] for trip in run.end().trips] == ["chain-disagree"]


@pytest.mark.parametrize("kind", ["stale-mount", "stale-generator", "stale-room", "stale-head"])
def test_the_compensation_stands_still_without_one_of_its_sensors_and_not_with_all(kind):
    trims = {}
    for faults in ((), (step_of(Fault(kind)),)):
        run = begun(START, *faults)
        run.go_on(1000 * int(FAULT_S) + 4050)
        before = run.world.trim
        run.go_on(run.job.end_ms)
        trims[bool(faults)] = (before, run.world.trim)
    assert trims[False][0] != trims[False][1]
    assert trims[True][0] == trims[True][1]


def test_a_fan_that_does_not_turn_does_not_cool():
    heads = []
    for faults in ((), ({"at_s": 1, "fault": "fan"},)):
        run = begun(*faults)
        run.go_on(run.job.end_ms)
        plant = run.world.plant
        assert (plant.fan_program_raw == 0) == bool(faults)
        heads.append(plant.heat.head_c)
    assert heads[1] > heads[0] + 0.01


@pytest.mark.parametrize(("at_ms", "seen"), [(10_000, True), (10_003, False), (9_996, True)])
def test_a_fault_of_5_ms_is_seen_if_a_tick_falls_into_it(at_ms, seen):
    run = begun(START, {"at_s": 0.001 * at_ms, "fault": "chain-a", "for_s": 0.005})
    run.go_on(run.job.end_ms)
    assert bool(run.end().trips) == seen


class Seam:
    """A world's seam alone: inputs that change from tick to tick, whatever is faulty."""

    def __init__(self) -> None:
        self.inputs: Any = Inputs()
        self.board: Any = self
        self.plant: Any = self
        self.fan_program_raw = 0
        self.ticks = 0
        self.faults = Faults(self.inputs)

    def read(self, inputs: Any) -> None:
        """Slow signals only every 50th time, as twin/world/board.py does."""
        for place, (name, (low, high)) in enumerate(RANGES.items()):
            if name.endswith("_age_ms"):
                setattr(inputs, name, 0)
            elif place < 5 or self.ticks % 50 == 0:
                setattr(inputs, name, low + (37 * self.ticks + 101 * place) % (high - low + 1))
        inputs.switches = ALL_CLOSED
        self.ticks += 1

    def write(self, outputs: Any) -> None:
        self.fan_program_raw = outputs.fan_program_raw

    def tick(self) -> tuple[int, ...]:
        self.faults.in_front_of(self.board).read(self.inputs)
        return tuple(self.inputs.values())


@st.composite
def any_fault(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(tuple(FAULTS)))
    if kind not in ON_A_SIGNAL:
        return Fault(kind)
    signal = draw(st.sampled_from(tuple(RANGES)))
    low, high = RANGES[signal]
    if kind == "offset":
        return Fault(kind, signal, draw(st.integers(-200_000, 200_000)))
    return Fault(kind, signal, draw(st.integers(low, high)))


def touched(fault: Fault) -> set[str]:
    """The signals that a fault may change."""
    if fault.kind in CONTACTS:
        return {"switches"}
    if fault.kind in STALE:
        names, age = STALE[fault.kind]
        return {*names, age}
    own = {"lamp": "lamp_current_raw", "fan": "fan_tach_raw"}
    return {own.get(fault.kind, fault.signal)}


@given(fault=any_fault(), before=st.integers(0, 120), during=st.integers(1, 60))
def test_a_fault_changes_its_own_signals_alone_and_stays_within_their_range(fault, before, during):
    seam, sound = Seam(), Seam()
    for _ in range(before):
        assert seam.tick() == sound.tick()
    seam.faults.make(fault)
    for _ in range(during):
        faulty, healthy = seam.tick(), sound.tick()
        for name, bad, good in zip(Inputs.NAMES, faulty, healthy, strict=True):
            assert bad == good or name in touched(fault)
            assert RANGES[name][0] <= bad <= RANGES[name][1]


@given(
    acts=st.lists(st.tuples(any_fault(), st.booleans(), st.integers(0, 70)), max_size=8),
    one_by_one=st.booleans(),
)
def test_what_is_cleared_reads_at_once_as_if_it_had_never_been(acts, one_by_one):
    seam, sound = Seam(), Seam()
    for fault, make, ticks in acts:
        if make:
            seam.faults.make(fault)
        else:
            seam.faults.clear(fault.name)
        for _ in range(ticks):
            seam.tick()
            sound.tick()
    if one_by_one:
        for name in seam.faults.active:
            seam.faults.clear(name)
    else:
        seam.faults.clear()
    assert seam.faults.active == ()
    assert seam.faults.in_front_of(seam) is seam
    assert seam.inputs.values() == sound.inputs.values()
    for _ in range(60):
        assert seam.tick() == sound.tick()


@given(
    made=st.lists(st.tuples(any_fault(), st.integers(0, 70)), min_size=1, max_size=5),
    after=st.integers(1, 120),
)
def test_faults_go_on_from_their_state_in_another_process(made, after):
    seam = Seam()
    for fault, ticks in made:
        seam.faults.make(fault)
        for _ in range(ticks):
            seam.tick()
    other = Seam()
    other.ticks = seam.ticks
    other.inputs.load(seam.inputs.values())
    other.faults.load(json.loads(json.dumps(seam.faults.state())))
    assert other.faults.active == seam.faults.active
    for _ in range(after):
        assert other.tick() == seam.tick()
    seam.faults.clear()
    other.faults.clear()
    assert seam.inputs.values() == other.inputs.values()


def test_a_state_without_faults_clears_those_that_were():
    seam = Seam()
    seam.faults.make(Fault("chain-a"))
    seam.tick()
    seam.faults.load([])
    assert seam.faults.active == () and seam.inputs.switches == ALL_CLOSED


def test_contacts_open_one_bit_each_and_several_faults_add_up():
    seam = Seam()
    for kind, bit in (("chain-a", CHAIN_A), ("chain-b", CHAIN_B), ("generator", GENERATOR_OK)):
        seam.faults.make(Fault(kind))
        assert not seam.tick()[0] & bit
    assert seam.inputs.switches == 0
    seam.faults.clear("chain-b")
    assert seam.tick()[0] == CHAIN_B
    assert seam.faults.active == ("chain-a", "generator")


def test_what_is_stale_stands_still_and_its_age_grows_to_the_end_of_its_range():
    seam = Seam()
    for _ in range(30):
        seam.tick()
    held = seam.inputs.room_pressure_raw
    seam.faults.make(Fault("stale-room"))
    for tick in range(1, 7000):
        seam.tick()
        assert seam.inputs.room_pressure_raw == held
        assert seam.inputs.room_age_ms == min(tick * TICK_MS, 65535)


def test_what_was_never_converted_is_as_old_as_can_be():
    seam = Seam()
    seam.faults.make(Fault("stale-room"))
    seam.tick()
    assert seam.inputs.room_age_ms == 65535
    assert seam.inputs.room_pressure_raw == 30000


def test_an_offset_of_nothing_changes_no_bit_of_a_run():
    states = []
    for faults in ((), (step_of(Fault("offset", "ma_monitor_raw", 0), for_s=3.0),)):
        run = begun(START, *faults)
        run.go_on(run.job.end_ms)
        states.append((run.world.plant.state(), run.world.controller.state()))
    assert states[0] == states[1]


def test_a_contact_that_opens_while_the_beam_is_off_changes_no_bit_of_the_run_after_it():
    states = []
    for faults in ((), ({"at_s": 0.2, "fault": "chain-b", "for_s": 0.3},)):
        run = begun(*faults, START)
        run.go_on(run.job.end_ms)
        states.append((run.world.plant.state(), run.world.controller.state()))
    assert states[0] == states[1]


def test_a_fault_that_is_only_cleared_later_than_a_trip_prevents_the_next_start():
    stop, again = {"at_s": 11, "stop": True}, {"at_s": 12, "start": True}
    for cleared, condition in ((False, TRIPPED), (True, BEAM)):
        clear = [{"at_s": 11.5, "clear": "generator"}] if cleared else []
        run = begun(START, step_of(Fault("generator")), stop, *clear, again)
        run.go_on(run.job.end_ms)
        assert run.world.condition == condition
        assert len(run.end().trips) == (1 if cleared else 2)


class FewFaults(Faults):
    """Of a target that can open the chain and nothing else."""

    KINDS = ("chain-a", "chain-b")


def test_a_target_refuses_what_it_cannot_make_before_and_not_during_the_run():
    run = begun(START)
    world: Any = run.world
    world.faults = FewFaults(world.inputs)
    world.faults.make(Fault("chain-a"))
    with pytest.raises(InputError, match="fault lamp: this target can't make it; it can make cha"):
        world.faults.make(Fault("lamp"))
    assert world.faults.active == ("chain-a",)
    with pytest.raises(InputError, match="fault lamp: this target can't"):
        type(run)(begun(START, step_of(Fault("lamp"))).job, world)
    assert world.condition == OFF


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("chain-c",), "fault 'chain-c': not known; choose chain-a, chain-b"),
        (("",), "fault '': not known"),
        (("fan", "fan_tach_raw", 3), "fault fan: takes neither signal nor raw"),
        (("fan", "", 3), "fault fan: takes neither"),
        (("stuck",), "fault stuck: '' is no input signal; choose switches"),
        (("stuck", "hv_enable", 1), "fault stuck: 'hv_enable' is no input signal"),
        (("stuck", "switches", 8), "fault stuck: switches reads from 0 to 7 counts"),
        (("stuck", "room_temperature_raw", -4001), "reads from -4000 to 8500"),
    ],
)
def test_what_is_no_fault_is_one_line(arguments, says):
    with pytest.raises(InputError) as caught:
        Fault(*arguments)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_the_names_in_the_table_are_those_of_the_firmwares_interlocks():
    assert {cause for cause, *_ in COMES_OF_IT.values() if cause} <= set(NAMES.values())
