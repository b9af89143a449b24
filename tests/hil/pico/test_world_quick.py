"""How the emulated Pico's world carries commands, questions, trips and faults.

Without the emulator: tests/kit/quick_pico.py stands in for the unit.
"""

import json
from typing import Any

import pytest

import hil.pico.world
from firmware.controller import BEAM, OFF, TRIPPED
from firmware.signals import HOLD_EMISSION
from hil.link.link import LinkError
from hil.pico.world import PicoWorld
from tests.kit.hosts import (
    AGAIN_MS,
    END_MS,
    FAULT_MS,
    OPEN_MS,
    RECOVERED,
    REGULATED,
    REST_MS,
    Trace,
    bench_job,
    run_here,
)
from tests.kit.quick_pico import QuickUnit
from twin.files.errors import InputError
from twin.recording.columns import COLUMNS, row
from twin.runs.run import build_world, simulate
from twin.world.faults import Fault

PERCENT = 0.1
START_MS = 1000


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(hil.pico.world, "PicoUnit", QuickUnit)
    monkeypatch.setattr(hil.pico.world, "unit_files", lambda settings: settings)
    monkeypatch.setattr(hil.pico.world, "find_pico_image", lambda: None)
    return PicoWorld(bench_job())


def started(world: Any) -> Any:
    world.at(world.plant.now_ms + START_MS, lambda: setattr(world.command, "run", True))
    return world


def told(world: Any) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    world.ask(lambda state, trip: found.append((world.plant.now_ms, state, trip)))
    return found


def test_the_run_begins_with_the_plant_as_in_process_and_a_board_that_has_booted(world: Any):
    same = build_world(bench_job()).plant
    assert json.dumps(world.plant.state()) == json.dumps(same.state())
    assert world.console.status["state"] == "off"
    assert world.unit.pico.now_ns > 0
    assert world.env.now == 0


def test_bench_short_passes_and_is_regulated_as_in_process(world: Any):
    trace = Trace()
    trace.follow(world)
    outcome = simulate(bench_job(), world=world)
    assert [one.met for one in outcome.expectations] == [True] * len(outcome.expectations)
    assert outcome.passed
    reference = run_here("in-process")[0]
    for column, window in (("kv", REGULATED), ("ma", REGULATED), ("ma", RECOVERED)):
        ours, theirs = trace.mean(column, window), reference.mean(column, window)
        assert 100.0 * abs(ours / theirs - 1.0) <= PERCENT
    ups_and_downs = [(round(world.ms_of(ns)) - REST_MS, high) for ns, high in world.unit.enabled]
    assert [high for _, high in ups_and_downs] == [True, False, True, False]
    assert ups_and_downs[1][0] == OPEN_MS
    assert FAULT_MS <= ups_and_downs[3][0] <= FAULT_MS + 20
    assert [trip["cause"] for trip in outcome.trips] == ["chain-a", "generator"]
    assert [round(trip["time_s"], 1) for trip in outcome.trips] == [15.0, 25.0]
    assert len(trace.kv) == END_MS // 10
    assert ups_and_downs[2][0] > AGAIN_MS


def test_a_run_whose_start_is_never_carried_over_does_not_pass(world: Any, monkeypatch):
    """A negative control of the test above."""
    monkeypatch.setattr(world.console, "command", lambda line: None)
    outcome = simulate(bench_job(), world=world)
    assert not outcome.passed
    assert not world.unit.enabled


def test_an_opening_between_two_ticks_is_seen_by_the_interrupt(world: Any):
    started(world).run(11_000)
    assert world.unit.enabled[-1][1]
    world.at(11_012, lambda: world.faults.make(Fault("chain-b")))
    world.at(11_014, lambda: world.faults.clear())
    world.run(11_016)
    assert world.plant.now_ms == 11_010
    at_ns, high = world.unit.enabled[-1]
    assert not high
    assert world.ms_of(at_ns) == pytest.approx(11_012, abs=0.001)
    found = told(world)
    world.run(11_300)
    assert [one[1:] for one in found] == [(TRIPPED, "chain-b")]
    assert (world.condition, world.trip, world.trip_ms) == (TRIPPED, 2, 11_012)


def test_the_state_is_told_when_asked_and_soon(world: Any):
    world.run(2000)
    found = told(world)
    assert not found
    world.run(2400)
    assert [one[1:] for one in found] == [(OFF, "")]
    assert found[0][0] <= 2250


def test_a_trip_is_noticed_without_anybody_asking(world: Any):
    started(world).run(9000)
    world.faults.make(Fault("generator"))
    world.run(9300)
    assert world.condition == TRIPPED
    assert 9000 <= world.trip_ms <= 9020


def test_the_same_trip_after_a_new_start_is_another_one(world: Any):
    times = []
    for begin_ms in (0, 10_000):
        started(world).run(begin_ms + 9000)
        assert world.condition == BEAM
        world.faults.make(Fault("chain-a"))
        world.run(begin_ms + 9200)
        world.faults.clear()
        world.run(begin_ms + 9500)
        assert world.condition == TRIPPED
        times.append(world.trip_ms)
        world.command.run = False
        world.run(begin_ms + 10_000)
    assert times == [9000, 19_000]


def test_a_trip_before_there_is_high_voltage_is_no_later_than_it_was_asked_for(world: Any):
    started(world).run(1800)
    world.faults.make(Fault("chain-a"))
    world.run(1900)
    found = told(world)
    world.run(2300)
    assert found[0][1:] == (TRIPPED, "chain-a")
    assert not world.unit.enabled
    assert 1000 <= world.trip_ms <= 1900


def test_a_chip_off_its_bus_shows_in_the_records_as_on_every_target(world: Any):
    world.run(1000)
    world.faults.make(Fault("stale-monitors"))
    world.run(1500)
    assert world.inputs.adc_age_ms == 500
    world.faults.clear()
    world.run(1510)
    assert world.inputs.adc_age_ms == 0


def test_rows_and_readings_are_there_from_the_beginning_on(world: Any):
    for until_ms in (0, 1000, 9000):
        if until_ms == 1000:
            started(world)
        if until_ms:
            world.run(until_ms)
        values = row(until_ms, world, 1.0)
        assert len(values) == len(COLUMNS)
        assert all(value == value for value in values)
        json.dumps(world.readings(), allow_nan=False)
    assert world.outputs.hv_enable == 1
    assert world.outputs.kv_program_raw > 0
    assert world.outputs.grid_program_raw > 0
    world.run(11_000)
    assert world.outputs.state == BEAM


def test_set_points_are_carried_over_with_the_start(world: Any):
    world.command.kv, world.command.ma = 40.0, 0.5
    started(world).run(2000)
    assert world.console.answers == ["ok starting, 40 kV 0.5 mA"]


def test_a_law_that_is_held_later_is_refused(world: Any):
    world.run(1000)
    world.command.hold = HOLD_EMISSION
    with pytest.raises(InputError, match="can hold no law"):
        world.run(2000)


def test_a_board_that_falls_silent_ends_the_run_with_a_word(world: Any):
    world.run(1000)
    world.unit.pico.dumb = True
    with pytest.raises(LinkError, match="has not answered for"):
        world.run(20_000)


def test_a_board_that_never_boots_is_told_of(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hil.pico.world, "PicoUnit", QuickUnit)
    monkeypatch.setattr(hil.pico.world, "unit_files", lambda settings: settings)
    monkeypatch.setattr(hil.pico.world, "find_pico_image", lambda: None)
    monkeypatch.setattr("tests.kit.quick_pico.POWER_UP_MS", 10**9)
    with pytest.raises(LinkError, match=r"no status within 6 s after power-up"):
        PicoWorld(bench_job())


def test_its_state_is_neither_saved_nor_taken_over(world: Any):
    with pytest.raises(InputError, match="can't be saved"):
        world.state()
    with pytest.raises(InputError, match="can't continue a snapshot"):
        world.load({})
