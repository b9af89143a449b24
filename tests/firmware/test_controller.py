"""The controller as a whole: starts, stops, trips, saved and resumed, late, across the wrap."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import pt100_raw
from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.link.frame import CODE_RANGES
from firmware.settings import Settings
from firmware.signal_table import INPUTS
from firmware.signals import (
    ALL_CLOSED,
    GENERATOR_OK,
    HOLD_COMPENSATION,
    HOLD_EMISSION,
    HOLD_THERMAL,
    Command,
    Inputs,
    Outputs,
)
from tests.kit.chip_bench import RANGES, TICK_MS, ChipBench, healthy

CODE = {name: code for code, name in NAMES.items()}
OPEN = {"switches": GENERATOR_OK}
ANY_BITS = [st.integers(*CODE_RANGES[signal[4]]) for signal in INPUTS]


def kv_of(outputs: Any) -> float:
    return outputs.kv_program_raw * 60.0 / 4095


@pytest.fixture(scope="module")
def full_beam() -> dict:
    bench = ChipBench()
    bench.start()
    return bench.snapshot()


@pytest.fixture
def beam(full_beam: dict) -> ChipBench:
    """A bench with full beam."""
    bench = ChipBench()
    bench.resume(full_beam)
    return bench


# Starts and stops.


def test_a_start_goes_through_preheat_and_ramp_to_the_beam_that_was_asked_for():
    bench = ChipBench()
    bench.run(100)
    assert bench.outputs.state == OFF
    bench.command.run = True
    assert bench.until_state(PREHEAT, 0) == 0
    assert bench.outputs.lamp_on == 1
    assert bench.until_state(RAMP, 5000) >= bench.settings.preheat_ms - 100
    assert bench.until_state(BEAM, 6000) >= 50.0 / bench.settings.kv_slew_kv_per_s * 1000.0 - 200
    bench.run(20_000)
    assert bench.kv == pytest.approx(50.0, abs=0.02)
    assert bench.ma == pytest.approx(0.98, abs=0.002)


def test_a_stop_shows_in_its_own_tick_and_the_lamp_stays_for_half_a_second(beam: ChipBench):
    beam.forced = {"kv_monitor_raw": 0}  # the readback would keep it lit for longer
    beam.command.run = False
    beam.tick()
    off = beam.outputs
    assert (off.state, off.trip, off.hv_enable) == (OFF, 0, 0)
    assert (off.kv_program_raw, off.grid_program_raw, off.filament_program_raw) == (0, 0, 0)
    lit_ms = TICK_MS
    while beam.outputs.lamp_on:
        beam.tick()
        lit_ms += TICK_MS
    assert 500 <= lit_ms <= 900


@pytest.mark.parametrize("tick_ms", [7, 10, 13, 30, 40, 49, 70])
def test_the_lamp_stays_for_half_a_second_wherever_between_two_turns_it_ends(
    full_beam: dict, tick_ms: int
):
    for ticks in range(200 // tick_ms):
        bench = ChipBench()
        bench.resume(full_beam)
        bench.forced = {"kv_monitor_raw": 0}
        for _ in range(ticks + 20):
            bench.tick(tick_ms)
        bench.command.run = False
        bench.tick(tick_ms)
        off_ms = bench.now_ms
        while bench.outputs.lamp_on:
            bench.tick(tick_ms)
        assert bench.now_ms - off_ms >= 500


@pytest.mark.parametrize("by", ["stop", "trip"])
def test_after_a_stop_or_a_trip_all_begins_from_nothing(beam: ChipBench, by: str):
    if by == "trip":
        beam.forced = OPEN
        beam.tick()
    beam.command.run = False
    beam.tick()
    beam.forced = {}
    beam.command.run = True
    beam.tick()
    seen = [beam.outputs.values()]
    while beam.outputs.state != BEAM:
        beam.tick()
        seen.append(beam.outputs.values())
    beam.run(1000)
    names = list(RANGES)
    kv, filament = names.index("kv_program_raw"), names.index("filament_program_raw")
    assert seen[0][kv] == seen[0][filament] == 0
    assert max(b[kv] - a[kv] for a, b in pairwise(seen)) <= 70  # 1 kV
    assert max(b[filament] - a[filament] for a, b in pairwise(seen)) <= 103  # 0.1 A
    assert beam.outputs.grid_program_raw <= 1200  # 12 counts a tick from cut-off
    assert beam.controller.emission.target_ma <= 0.11


def test_the_lamp_is_lit_as_long_as_voltage_is_read_back_whatever_was_commanded():
    bench = ChipBench()
    bench.run(1000)
    assert bench.outputs.lamp_on == 0
    bench.forced = {"kv_monitor_raw": 600}
    bench.run(100)
    assert bench.outputs.state == OFF
    assert bench.outputs.lamp_on == 1
    bench.run(5000)
    assert bench.outputs.lamp_on == 1


def test_a_start_with_the_door_open_after_another_trip_tells_its_new_cause_at_once(beam: ChipBench):
    beam.forced = {"switches": ALL_CLOSED & ~GENERATOR_OK}
    beam.run(TICK_MS)
    assert (beam.outputs.state, beam.outputs.trip) == (TRIPPED, CODE["generator"])
    beam.forced = OPEN
    beam.command.run = False
    beam.run(10 * TICK_MS)
    assert beam.outputs.trip == CODE["generator"]
    beam.command.run = True
    beam.run(TICK_MS)
    assert (beam.outputs.state, beam.outputs.trip) == (TRIPPED, CODE["chain-a"])


def test_the_first_tick_makes_safe_whatever_the_actuators_held():
    controller, outputs = Controller(Settings()), Outputs()
    outputs.load([high for _, high in RANGES.values()])
    controller.step(0, healthy(), outputs, Command(50.0, 0.98))
    after = dict(zip(RANGES, outputs.values(), strict=True))
    assert {name for name, raw in after.items() if raw} == {"fan_program_raw"}


@pytest.mark.parametrize("kv", [math.nan, -math.inf, -5.0, 0.0])
@pytest.mark.parametrize("ma", [math.nan, -1.0, 0.98, math.inf])
def test_a_voltage_that_is_none_never_enables_high_voltage(kv: float, ma: float):
    bench = ChipBench()
    bench.command.kv, bench.command.ma = kv, ma
    bench.run(100)
    bench.command.run = True
    for _ in range(1500):
        bench.tick()
        assert bench.outputs.hv_enable == 0
        assert bench.outputs.grid_program_raw == 0
    assert bench.outputs.filament_program_raw <= bench.controller.emission.filament + 0.5


@pytest.mark.parametrize("ma", [math.nan, -math.inf, -1.0])
def test_a_current_that_is_none_closes_the_gun(beam: ChipBench, ma: float):
    beam.command.ma = ma
    beam.run(15_000)
    assert beam.outputs.state == BEAM
    assert beam.ma < 0.001


def test_commands_without_end_are_kept_to_the_ratings(beam: ChipBench):
    beam.command.kv = beam.command.ma = math.inf
    beam.run(20_000)
    assert beam.outputs.state == BEAM
    assert beam.kv == pytest.approx(50.0, abs=0.02)
    assert beam.ma == pytest.approx(1.0, abs=0.005)


def test_a_voltage_that_is_raised_at_full_current_trips_nothing():
    """What the power leaves falls faster than the current's slew would let it follow."""
    bench = ChipBench()
    bench.command.kv, bench.command.ma = 40.0, 1.2
    bench.start()
    assert bench.ma == pytest.approx(1.2, abs=0.01)
    bench.command.kv = 50.0
    most_w = 0.0
    for _ in range(1000):
        bench.tick()
        most_w = max(most_w, bench.kv * bench.ma)
    assert bench.outputs.state == BEAM
    assert most_w < bench.settings.power_limit_w + 1.0


# Holds and ages.


def test_a_law_that_is_held_leaves_its_outputs_alone(beam: ChipBench):
    beam.settings.ma_ppm_per_k = 500.0
    beam.command.hold = HOLD_THERMAL | HOLD_EMISSION | HOLD_COMPENSATION
    beam.tick()
    before = beam.outputs.values(), beam.controller.compensation.trim
    beam.head_c += 3.0
    beam.forced = {"generator_temperature_raw": 4000}
    beam.run(5000)
    assert (beam.outputs.values(), beam.controller.compensation.trim) == before


def test_a_thermal_law_that_is_let_go_begins_without_a_bump(beam: ChipBench):
    beam.head_c = 55.0
    beam.run(60_000)
    beam.command.hold = HOLD_THERMAL
    beam.run(60_000)
    held, beam.head_c = beam.outputs.fan_program_raw, 55.2  # while nobody looked
    beam.run(1000)
    beam.command.hold = 0
    beam.run(1000)
    assert abs(beam.outputs.fan_program_raw - held) < 0.01 * 65535


def test_the_current_is_the_commanded_one_times_the_trim(beam: ChipBench):
    beam.settings.ma_ppm_per_k = 500.0
    beam.forced = {"generator_temperature_raw": 4000}
    beam.run(40_000)
    assert beam.controller.compensation.trim == pytest.approx(0.995, abs=1e-4)
    assert beam.ma == pytest.approx(0.98 * 0.995, abs=1e-3)


@pytest.mark.parametrize("age", ["head", "mount", "generator", "room"])
def test_a_stale_sensor_holds_the_trim(age: str):
    s = Settings()
    s.load({"ma_ppm_per_k": 500.0, "mount_per_k": 0.001})
    bench = ChipBench(s)
    bench.run(2000)
    trim = bench.controller.compensation.trim
    warmer = {"generator_temperature_raw": 3500, "mount_temperature_raw": pt100_raw(35.0)}
    bench.forced = {**warmer, f"{age}_age_ms": 3001}
    bench.run(20_000)
    assert bench.controller.compensation.trim == trim
    bench.forced = {**warmer, f"{age}_age_ms": 3000}
    bench.run(20_000)
    assert bench.controller.compensation.trim != trim


def test_a_head_that_is_not_read_yet_leaves_the_fan_as_it_is_and_then_gives_no_kick():
    """As at power-up, before the first conversion: the count is 0, some -250 degC."""
    bench = ChipBench()
    bench.outputs.fan_program_raw = 30000
    bench.forced = {"head_age_ms": 65535, "head_temperature_raw": 0}
    bench.run(5000)
    assert bench.outputs.fan_program_raw == 30000
    bench.forced = {"head_temperature_raw": pt100_raw(bench.settings.head_set_c)}
    bench.run(2000)
    assert bench.controller.thermal.rate_k_per_s == 0.0


def test_a_stale_room_is_taken_as_it_was_last():
    bench = ChipBench()
    bench.forced = {"room_temperature_raw": 2500}
    bench.run(2000)
    bench.forced = {"room_temperature_raw": -4000, "room_age_ms": 3001}
    bench.run(2000)
    assert bench.controller.room_c == 25.0


def test_the_head_is_cooled_without_beam_and_after_a_trip_too(beam: ChipBench):
    beam.forced = OPEN
    beam.head_c = 70.0
    beam.run(5000)
    assert beam.outputs.state == TRIPPED
    assert beam.outputs.fan_program_raw == 65535


# Raw inputs of every kind.


@given(bits=st.lists(st.tuples(*ANY_BITS), min_size=1, max_size=30), state=st.integers(0, 4))
def test_no_bits_that_a_frame_can_carry_raise_or_leave_the_range_of_an_output(
    full_beam: dict, bits: list[tuple[int, ...]], state: int
):
    controller, inputs, outputs = Controller(Settings()), Inputs(), Outputs()
    controller.load(full_beam["controller"])
    outputs.load(full_beam["outputs"])
    controller.condition = state
    now_ms = controller.last_ms or 0
    command = Command(50.0, 0.98)
    command.run = True
    for values in bits:
        inputs.load(values)
        for _ in range(5):
            now_ms += TICK_MS
            controller.step(now_ms, inputs, outputs, command)
        for (name, (low, high)), raw in zip(RANGES.items(), outputs.values(), strict=True):
            assert low <= raw <= high, name
    assert all(value == value for value in flat(controller.state()))


def flat(state: dict) -> list:
    return [
        value
        for item in state.values()
        for value in (flat(item) if isinstance(item, dict) else [item])
    ]
