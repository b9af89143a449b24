"""Second opinions: no loop and its interlock hang on one sensor alone.

Each is an input that the firmware once believed, at the controller's seam, with what must happen.
"""

from math import nan

import pytest

from firmware.controller import BEAM, OFF, TRIPPED
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, GENERATOR_OK, HOLD_EMISSION
from tests.kit.chip_bench import TICK_MS, ChipBench
from tests.kit.full_scales import KV_PER_COUNT, MA_PER_COUNT


@pytest.fixture(scope="module")
def full_beam() -> dict:
    bench = ChipBench()
    bench.start()
    return bench.snapshot()


@pytest.fixture
def beam(full_beam: dict) -> ChipBench:
    bench = ChipBench()
    bench.resume(full_beam)
    return bench


def trip_of(bench: ChipBench) -> str:
    return NAMES.get(bench.outputs.trip, "")


def watched(bench: ChipBench, limit_ms: int) -> tuple[str, int, float]:
    """Until the trip: its name, the time (ms), and the largest true power (W) before."""
    power_w = 0.0
    for passed_ms in range(0, limit_ms, TICK_MS):
        bench.tick()
        power_w = max(power_w, bench.kv * bench.ma)
        if bench.outputs.state == TRIPPED:
            return trip_of(bench), passed_ms, power_w
    return "", limit_ms, power_w


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_monitor_that_reads_too_little_but_still_moves_never_opens_the_grid_for_long(
    beam: ChipBench, part: float
):
    """The true current rises: the bias at its end, or far from its set-point, ends it."""
    low = round(part * beam.command.ma / MA_PER_COUNT)
    causes = []
    for passed_ms in range(0, 40_000, TICK_MS):
        beam.forced = {"ma_monitor_raw": low + passed_ms // TICK_MS % 3}
        beam.tick()
        if beam.controller.condition == TRIPPED:
            causes.append(trip_of(beam))
            break
    assert causes in (["bias-end"], ["bias-astray"])
    assert passed_ms <= 12_000


def test_a_current_that_comes_only_with_the_bias_near_its_open_end_trips_after_its_delay(
    beam: ChipBench,
):
    emission = beam.controller.emission
    beam.forced = {"ma_monitor_raw": round(emission.target_raw)}
    for passed_ms in range(0, 20_000, TICK_MS):
        emission.grid = 0.2 * emission.grid_set + 0.8 * 4095.0
        beam.forced = {"ma_monitor_raw": round(emission.target_raw) + passed_ms // TICK_MS % 3}
        beam.tick()
        if beam.controller.condition == TRIPPED:
            break
    assert trip_of(beam) == "bias-astray"
    assert 10_000 <= passed_ms <= 10_300


@pytest.mark.parametrize("state", ["off", "beam"])
def test_a_filament_current_that_is_doubled_trips(beam: ChipBench, state: str):
    """The converter's gain bit: 3.88 A where 2.70 are the limit, and a cathode of 3497 K."""
    if state == "off":
        beam.command.run = False
        beam.run(3000)
        beam.command.run = True
    began_ms = beam.now_ms
    while beam.controller.condition != TRIPPED and beam.now_ms - began_ms < 10_000:
        beam.sense()
        doubled = min(32767, 2 * beam.inputs.filament_monitor_raw)
        beam.forced = {"filament_monitor_raw": doubled}
        beam.tick()
        beam.forced = {}
    assert trip_of(beam) in ("filament-over-current", "filament-astray")
    assert beam.now_ms - began_ms < (2300 if state == "beam" else 8000)
    assert beam.outputs.filament_program_raw == 0


def test_a_filament_that_stays_hot_in_off_is_an_alarm_and_forbids_the_start():
    bench = ChipBench()
    bench.forced = {"filament_monitor_raw": 12_000}
    bench.run(2500)
    assert bench.controller.condition == OFF
    assert NAMES[bench.controller.alarm] == "filament-astray"
    bench.command.run = True
    bench.run(300)
    assert trip_of(bench) == "filament-astray"


@pytest.mark.parametrize("read_kv", [52.0, 30.0, 23.0])
def test_a_voltage_above_its_program_trips(read_kv: float):
    """52 kV where 20 are programmed: twenty minutes of beam."""
    settings = Settings()
    settings.load({"kv": 20.0})
    bench = ChipBench(settings)
    bench.command.hold = HOLD_EMISSION
    bench.run(100)
    bench.command.run = True
    bench.until_state(BEAM, 10_000)
    bench.run(3000)
    bench.forced = {"kv_monitor_raw": round(read_kv / KV_PER_COUNT)}
    cause, passed_ms, _ = watched(bench, 3000)
    assert cause == "over-program"
    assert 1000 <= passed_ms <= 1200


def test_heat_that_the_meters_do_not_explain_trips(beam: ChipBench):
    thermal = beam.controller.thermal
    began_ms = beam.now_ms
    while beam.controller.condition == BEAM and beam.now_ms - began_ms < 300_000:
        thermal.running, thermal.integral_w, thermal.fan = True, 19.5, 0.5
        beam.tick()
    assert trip_of(beam) == "heat-balance"
    assert 240_000 <= beam.now_ms - began_ms <= 240_300


def test_a_head_that_reads_the_same_while_the_fan_moves_trips(beam: ChipBench):
    beam.run(300_000)
    hotter = beam.inputs.head_temperature_raw + 200  # the fan is off its ends
    beam.forced = {"head_temperature_raw": hotter}
    cause, passed_ms, _ = watched(beam, 300_000)
    assert cause == "head-frozen"
    assert passed_ms >= 60_000


# Settings that would disarm an interlock --------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"trip_kv": 60.0}, "trip_kv"),
        ({"trip_ma": 2.0}, "trip_ma"),
        ({"trip_power_w": 30000.0}, "trip_power_w"),
        ({"trip_head_c": 150.0}, "trip_head_c"),
        ({"fan_max_rpm": 100.0}, "fan_max_rpm"),
        ({"fan_min": 0.0}, "fan_min"),
        ({"kv_full": 400.0}, "kv_full"),
        (
            {"kv_max": 60.0, "ma_max": 2.0, "kv_full": 66.0, "ma_full": 2.7}
            | {"trip_kv": 63.0, "trip_ma": 2.5},
            "power_limit_w",
        ),
    ],
)
def test_settings_that_leave_an_interlock_without_effect_are_refused(given: dict, named: str):
    settings = Settings()
    settings.load(given)
    found = settings.problem()
    assert found is not None
    assert found[0] == named


# Starts and stops -------------------------------------------------------------------------------


@pytest.mark.parametrize("preheat_ms", [500, 900])
def test_a_start_with_voltage_still_there_never_enables_it_again(preheat_ms: int):
    settings = Settings()
    settings.load({"preheat_ms": preheat_ms})
    bench = ChipBench(settings)
    bench.run(100)
    bench.forced = {"kv_monitor_raw": round(50.0 / KV_PER_COUNT)}
    bench.run(300)
    bench.command.run = True
    for _ in range(300):
        bench.tick()
        assert bench.outputs.hv_enable == 0
    assert trip_of(bench) == "voltage-present"


@pytest.mark.parametrize("kv", [0.0, 3.99, nan])
def test_a_set_point_that_is_no_voltage_starts_nothing_and_raising_it_is_a_start(kv: float):
    """It was a beam without voltage, and then 50 kV without a start."""
    bench = ChipBench()
    bench.command.kv = kv
    bench.run(100)
    bench.command.run = True
    bench.run(10_000)
    assert bench.controller.condition == OFF
    assert bench.outputs.hv_enable == 0


@pytest.mark.parametrize("kv", [0.0, 3.99, nan])
def test_a_set_point_that_is_taken_away_ends_the_beam(beam: ChipBench, kv: float):
    beam.command.kv = kv
    beam.tick()
    assert beam.controller.condition == OFF
    assert beam.outputs.hv_enable == 0


def test_a_chain_that_opens_in_the_tick_of_a_stop_is_kept_as_the_cause(beam: ChipBench):
    """It was off, without a cause, and the next run gave beam."""
    beam.forced = {"switches": GENERATOR_OK}
    beam.command.run = False
    beam.tick()
    assert beam.controller.condition == TRIPPED
    assert trip_of(beam) == "chain-a"
    beam.forced = {"switches": ALL_CLOSED}
    beam.run(1000)
    assert trip_of(beam) == "chain-a"
    assert beam.controller.condition != BEAM
