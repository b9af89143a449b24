"""Every row of the interlocks' table trips: from its condition alone, after its delay, not before.

Each condition is put at the seam of a controller with full beam, the rest stays healthy.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import pt100_raw
from firmware.controller import BEAM, OFF, RAMP, TRIPPED
from firmware.interlocks import NAMES, Interlocks
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK, HOLD_EMISSION, Outputs
from tests.kit.chip_bench import TICK_MS, ChipBench, healthy
from tests.kit.full_scales import KV_PER_COUNT, MA_PER_COUNT
from twin.trip_words import PAGE, interlock, interlocks, trip_words

CODE = {name: code for code, name in NAMES.items()}
DELAY_MS = {row.name: row.delay_ms for row in interlocks()}
SAMPLE_MS = 100  # a condition with a delay is looked at so often


def kv(value: float) -> int:
    return round(value / KV_PER_COUNT)


def ma(value: float) -> int:
    return round(value / MA_PER_COUNT)


# The condition of each row, and what lies just on the good side of it. Current and voltage are
# such that the power is below its limit where it is not meant.
CONDITIONS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "chain-a": ({"switches": CHAIN_B | GENERATOR_OK}, {"switches": ALL_CLOSED}),
    "chain-b": ({"switches": CHAIN_A | GENERATOR_OK}, {"switches": ALL_CLOSED}),
    "generator": ({"switches": CHAIN_A | CHAIN_B}, {"switches": ALL_CLOSED}),
    "over-voltage": (
        {"kv_monitor_raw": kv(53.01), "ma_monitor_raw": ma(0.5)},
        {"kv_monitor_raw": kv(52.99), "ma_monitor_raw": ma(0.5)},
    ),
    "over-current": (
        {"kv_monitor_raw": kv(30.0), "ma_monitor_raw": ma(1.301)},
        {"kv_monitor_raw": kv(30.0), "ma_monitor_raw": ma(1.299)},
    ),
    "over-power": (
        {"kv_monitor_raw": kv(50.0), "ma_monitor_raw": ma(1.081)},
        {"kv_monitor_raw": kv(50.0), "ma_monitor_raw": ma(1.079)},
    ),
    "stale-monitors": ({"adc_age_ms": 51}, {"adc_age_ms": 50}),
    "over-temperature": (
        {"head_temperature_raw": pt100_raw(80.1)},
        {"head_temperature_raw": pt100_raw(79.9)},
    ),
    "head-sensor": ({"head_temperature_raw": 7391}, {"head_temperature_raw": 7392}),
    "stale-head": ({"head_age_ms": 3001}, {"head_age_ms": 3000}),
    "fan": ({"fan_tach_raw": 0}, {}),
    "lamp": ({"lamp_current_raw": 399}, {"lamp_current_raw": 400}),
}
# Other ways to meet a condition: (row, raw inputs, worst raw inputs that are still good).
MORE = [
    ("over-temperature", {"head_temperature_raw": 32767}, {}),  # the sensor's wire is broken
    ("head-sensor", {"head_temperature_raw": 0}, {}),  # the sensor is shorted
    ("lamp", {"lamp_current_raw": 3601}, {"lamp_current_raw": 3600}),
    ("lamp", {"lamp_current_raw": 0}, {}),  # burnt out
    ("stale-monitors", {"adc_age_ms": 65535}, {}),
    ("stale-head", {"head_age_ms": 65535}, {}),
]
CASES = [(name, bad, good) for name, (bad, good) in CONDITIONS.items()] + MORE
by_case = pytest.mark.parametrize(
    ("name", "bad", "good"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES]
)

# An age is a delay in itself; what is left of it is at most the time to the next look.
AGED = {row.name for row in interlocks() if row.is_age}


@pytest.fixture(scope="module")
def full_beam() -> dict:
    bench = ChipBench()
    bench.start()
    return bench.snapshot()


@pytest.fixture
def bench(full_beam: dict) -> ChipBench:
    """A bench with full beam."""
    bench = ChipBench()
    bench.resume(full_beam)
    return bench


def latest_ms(name: str) -> int:
    """The time (ms) after which a condition must have tripped at the latest."""
    delay_ms = 0 if name in AGED else DELAY_MS[name]
    looked_at_every_tick = DELAY_MS[name] == 0 or name == "stale-monitors"
    return 0 if looked_at_every_tick else delay_ms + SAMPLE_MS


def test_every_row_of_the_table_has_a_test():
    # These need a story of their own.
    apart = {
        "chain-disagree",
        "voltage-present",
        "no-current",
        "current-astray",
        "arcing",
        "no-voltage",
    }
    assert {*CONDITIONS, *apart} == set(CODE)


def test_rows_are_unique_and_each_has_its_words():
    rows = interlocks()
    for column in ("code", "name", "trips", "check"):
        assert len({getattr(row, column) for row in rows}) == len(rows)
    for row in rows:
        assert row.code > 0 and row.delay_ms >= 0
        assert all((row.name, row.trips, row.cites, row.check))
        assert NAMES[row.code] == row.name


def test_a_trip_is_described_by_its_words_and_its_page():
    words = "The fan turns at less than half of the speed of its program"
    assert trip_words("fan") == f"{words}: see {PAGE}#fan"
    assert interlock("fan").page == f"{PAGE}#fan"
    assert trip_words("no such trip") == ""


@by_case
def test_a_condition_trips_after_its_delay_and_not_before(
    full_beam: dict, name: str, bad: dict[str, int], good: dict[str, int]
):
    earliest_ms = 0 if name in AGED else DELAY_MS[name]
    for offset_ms in range(0, SAMPLE_MS, 10):  # wherever between two looks it begins
        bench = ChipBench()
        bench.resume(full_beam)
        bench.run(offset_ms)
        bench.forced = bad
        passed_ms = bench.until_state(TRIPPED, latest_ms(name))
        assert passed_ms >= earliest_ms
        assert bench.outputs.trip == CODE[name]
        assert bench.outputs.hv_enable == 0


@by_case
def test_what_lies_just_on_the_good_side_trips_nothing(
    bench: ChipBench, name: str, bad: dict[str, int], good: dict[str, int]
):
    bench.forced = good
    bench.run(latest_ms(name) + 500)
    assert bench.controller.condition == BEAM
    assert bench.outputs.trip == 0


@pytest.mark.parametrize(
    "name", [name for name in CONDITIONS if DELAY_MS[name] and name not in AGED]
)
def test_a_condition_that_goes_before_its_delay_trips_nothing_and_is_forgotten(
    bench: ChipBench, name: str
):
    bad, _ = CONDITIONS[name]
    for _ in range(4):
        bench.forced = bad
        bench.run(DELAY_MS[name] - 10)
        bench.forced = {}
        bench.run(SAMPLE_MS)
    assert bench.controller.condition == BEAM


@pytest.mark.parametrize("first", CONDITIONS)
@pytest.mark.parametrize("second", ["chain-a", "over-voltage", "lamp", "fan"])
def test_the_first_cause_is_the_one_that_is_kept(bench: ChipBench, first: str, second: str):
    bench.forced = CONDITIONS[first][0]
    bench.until_state(TRIPPED, latest_ms(first))
    at_ms = bench.controller.trip_ms
    bench.forced = CONDITIONS[second][0]
    bench.run(6000)
    assert bench.outputs.trip == CODE[first]
    assert bench.controller.trip_ms == at_ms


@pytest.mark.parametrize("name", CONDITIONS)
def test_with_the_condition_there_a_new_start_never_gets_as_far_as_high_voltage(
    bench: ChipBench, name: str
):
    bench.command.run = False
    bench.run(1000)
    bench.forced = CONDITIONS[name][0]
    bench.run(6000)
    bench.command.run = True
    for _ in range(800):
        bench.tick()
        assert bench.outputs.hv_enable == 0
    assert bench.outputs.trip == CODE[name]


@pytest.mark.parametrize("name", CONDITIONS)
def test_without_beam_a_condition_trips_nothing(bench: ChipBench, name: str):
    bench.command.run = False
    bench.run(1000)
    bench.forced = CONDITIONS[name][0]
    bench.run(6000)
    assert bench.controller.condition == OFF
    assert bench.outputs.trip == 0


@pytest.mark.parametrize("alone", [CHAIN_A, CHAIN_B])
def test_channels_that_disagree_for_too_long_lock_out_until_both_were_seen_open(alone: int):
    bench = ChipBench()
    bench.forced = {"switches": alone | GENERATOR_OK}
    bench.run(DELAY_MS["chain-disagree"] + 2 * SAMPLE_MS)
    for switches, wanted in (
        (ALL_CLOSED, TRIPPED),
        (alone | GENERATOR_OK, TRIPPED),
        (ALL_CLOSED, TRIPPED),
        (GENERATOR_OK, TRIPPED),
        (ALL_CLOSED, BEAM),
    ):
        bench.forced = {"switches": switches}
        bench.command.run = False
        bench.run(SAMPLE_MS)
        bench.command.run = True
        bench.run(15_000)
        assert bench.controller.condition == wanted
        if wanted == TRIPPED and switches == ALL_CLOSED:
            assert bench.outputs.trip == CODE["chain-disagree"]


@given(
    apart_ms=st.lists(st.integers(1, 49).map(lambda n: 10 * n), max_size=6),
    alone=st.sampled_from([CHAIN_A, CHAIN_B]),
)
def test_channels_that_disagree_for_less_than_the_delay_lock_nothing_out(
    apart_ms: list[int], alone: int
):
    """A door's two contacts never close in the same millisecond."""
    bench = ChipBench()
    for duration_ms in apart_ms:
        bench.forced = {"switches": alone | GENERATOR_OK}
        bench.run(duration_ms)
        bench.forced = {}
        bench.run(SAMPLE_MS)
    assert bench.controller.interlocks.state()["latched"] == {"chain-disagree": False}


@given(
    trip_kv=st.floats(1.0, 59.0),
    trip_ma=st.floats(0.1, 1.99),
    trip_power_w=st.floats(1.0, 119.0),
    kv_raw=st.integers(0, 32767),
    ma_raw=st.integers(0, 32767),
)
def test_electrical_limits_are_those_of_the_settings_to_a_count(
    trip_kv: float, trip_ma: float, trip_power_w: float, kv_raw: int, ma_raw: int
):
    s = Settings()
    s.trip_kv, s.trip_ma, s.trip_power_w = trip_kv, trip_ma, trip_power_w
    inputs = healthy()
    inputs.kv_monitor_raw, inputs.ma_monitor_raw = kv_raw, ma_raw
    code = Interlocks(s).fast(inputs, Outputs(), None)
    is_kv, is_ma = kv_raw * KV_PER_COUNT, ma_raw * MA_PER_COUNT
    assert (code == CODE["over-voltage"]) == (kv_raw > int(trip_kv / KV_PER_COUNT))
    if is_kv > trip_kv or is_ma > trip_ma or is_kv * is_ma > trip_power_w + 1e-6:
        assert code in (CODE["over-voltage"], CODE["over-current"], CODE["over-power"])
    inside = is_kv < trip_kv - KV_PER_COUNT and is_ma < trip_ma - MA_PER_COUNT
    if inside and is_kv * is_ma < trip_power_w - 1e-6:
        assert code == 0


@pytest.mark.parametrize(
    ("setting", "signal", "name"),
    [
        ("trip_kv", "kv_monitor_raw", "over-voltage"),
        ("trip_ma", "ma_monitor_raw", "over-current"),
    ],
)
def test_a_monitor_at_the_end_of_its_converter_trips_whatever_is_set(
    setting: str, signal: str, name: str
):
    s, inputs = Settings(), healthy()
    s.load({setting: 1e6})
    setattr(inputs, signal, 32767)
    assert Interlocks(s).fast(inputs, Outputs(), None) == CODE[name]


def test_a_broken_sensor_of_the_head_trips_whatever_is_set():
    s, inputs = Settings(), healthy()
    s.trip_head_c = 2000.0
    inputs.head_temperature_raw = 32767
    these = Interlocks(s)
    codes = [these.slow(inputs, Outputs(), None, SAMPLE_MS) for _ in range(3)]
    assert codes[-1] == CODE["over-temperature"]


@given(switches=st.integers(0, 255))
def test_nothing_but_all_contacts_closed_passes(switches: int):
    inputs = healthy()
    inputs.switches = switches
    code = Interlocks(Settings()).fast(inputs, Outputs(), None)
    assert (code == 0) == (switches == ALL_CLOSED)


COUNTS = st.integers(0, 32767)


@given(
    switches=st.just(ALL_CLOSED) | st.integers(0, 255),
    kv_raw=COUNTS | st.just(kv(40.0)),
    ma_raw=COUNTS | st.just(ma(0.5)),
    age_ms=st.integers(0, 65535) | st.sampled_from([0, 50, 51]),
)
def test_all_is_well_when_no_row_of_every_tick_is_met_and_only_then(
    switches: int, kv_raw: int, ma_raw: int, age_ms: int
):
    """The one expression of the ticks, against the rows one by one."""
    inputs = healthy()
    inputs.switches, inputs.adc_age_ms = switches, age_ms
    inputs.kv_monitor_raw, inputs.ma_monitor_raw = kv_raw, ma_raw
    limits = Interlocks(Settings())
    assert limits.all_well(inputs) == (limits.fast(inputs, Outputs(), None) == 0)


@given(fan_program_raw=st.integers(0, 65535), rpm=st.integers(0, 65535))
def test_the_fan_is_at_fault_below_half_of_its_program(fan_program_raw: int, rpm: int):
    outputs = Outputs()
    outputs.load((0, 0, 0, 0, 0, fan_program_raw, 0, 0))
    inputs = healthy()
    inputs.fan_tach_raw = rpm
    these = Interlocks(Settings())
    these.slow(inputs, outputs, None, 100)
    told_rpm = 5000.0 * fan_program_raw / 65535
    if abs(rpm - 0.5 * told_rpm) > 1e-6:
        assert (these.state()["met_ms"]["fan"] > 0) == (rpm < 0.5 * told_rpm)


@pytest.mark.parametrize("read_kv", [1.1, 29.0, 52.0])
def test_a_voltage_that_nothing_enabled_keeps_the_beam_from_starting(read_kv: float):
    bench = ChipBench()
    bench.forced = {"kv_monitor_raw": kv(read_kv)}
    bench.run(100)
    bench.command.run = True
    passed_ms = bench.until_state(TRIPPED, DELAY_MS["voltage-present"] + 2 * SAMPLE_MS)
    assert bench.outputs.trip == CODE["voltage-present"]
    assert bench.outputs.hv_enable == 0
    assert passed_ms < bench.settings.preheat_ms  # high voltage was never enabled


def test_a_voltage_that_dies_away_after_a_stop_hinders_no_new_start(bench: ChipBench):
    bench.command.run = False
    bench.run(200)
    bench.command.run = True
    bench.run(5000)
    assert bench.outputs.trip == 0
    assert bench.outputs.hv_enable == 1


def test_a_current_monitor_that_dies_trips_before_the_grid_has_opened_far(bench: ChipBench):
    before_ma = bench.ma
    bench.forced = {"ma_monitor_raw": 0}
    bench.until_state(TRIPPED, DELAY_MS["no-current"] + 2 * SAMPLE_MS)
    assert bench.outputs.trip == CODE["no-current"]
    assert bench.outputs.hv_enable == 0
    assert bench.ma < 2.0 * before_ma


def test_a_current_monitor_that_is_dead_from_the_start_trips_in_the_soft_start():
    bench = ChipBench()
    bench.run(100)
    bench.forced = {"ma_monitor_raw": 0}
    bench.command.run = True
    bench.until_state(TRIPPED, 30_000)
    assert bench.outputs.trip == CODE["no-current"]
    assert bench.ma < 1.5 * bench.settings.ma


def test_a_current_that_stays_away_from_its_target_trips_after_its_delay(bench: ChipBench):
    low = round(0.85 * bench.command.ma / MA_PER_COUNT)
    bench.forced = {"ma_monitor_raw": low}
    passed_ms = bench.until_state(TRIPPED, DELAY_MS["current-astray"] + 2 * SAMPLE_MS)
    assert bench.outputs.trip == CODE["current-astray"]
    assert passed_ms >= DELAY_MS["current-astray"]


ARC = {"kv_monitor_raw": 0, "ma_monitor_raw": 0}


def strike(bench: ChipBench, quench_ms: int = 100) -> None:
    """The tube voltage breaks down and comes back by itself."""
    bench.forced = ARC
    bench.kv = bench.ma = 0.0
    bench.run(quench_ms)
    bench.forced = {}


def highest_of(bench: ChipBench, duration_ms: int) -> float:
    """The highest current in the time that follows, mA."""
    highest_ma = 0.0
    for _ in range(duration_ms // TICK_MS):
        bench.tick()
        highest_ma = max(highest_ma, bench.ma)
    return highest_ma


@pytest.mark.parametrize("quench_ms", [10, 50, 100, 300, 500])
def test_a_single_arc_is_ridden_through_and_the_current_comes_back_without_overshoot(
    bench: ChipBench, quench_ms: int
):
    strike(bench, quench_ms)
    highest_ma = highest_of(bench, 3000)
    assert bench.controller.condition == BEAM
    assert highest_ma < 1.05 * bench.command.ma
    assert bench.ma == pytest.approx(bench.command.ma, rel=0.01)


def test_the_fourth_arc_within_10_s_trips(bench: ChipBench):
    for _ in range(3):
        strike(bench)
        bench.run(2900)
        assert bench.controller.condition == BEAM
    strike(bench)
    assert bench.controller.condition == TRIPPED
    assert bench.outputs.trip == CODE["arcing"]
    assert bench.outputs.hv_enable == 0


def test_arcs_that_come_slowly_never_trip(bench: ChipBench):
    for _ in range(10):
        strike(bench)
        bench.run(3500)
    assert bench.controller.condition == BEAM


def test_the_arcs_of_the_last_beam_are_forgotten_at_a_new_start(bench: ChipBench):
    for _ in range(3):
        strike(bench)
        bench.run(1000)
    bench.start()
    strike(bench)
    assert bench.controller.condition == BEAM


@pytest.mark.parametrize("hold", [0, HOLD_EMISSION])
@pytest.mark.parametrize("part", [0.0, 0.5, 0.94])
def test_a_voltage_that_does_not_come_back_trips_after_its_delay(
    bench: ChipBench, hold: int, part: float
):
    bench.command.hold = hold
    bench.forced = {"kv_monitor_raw": round(part * kv(bench.command.kv))}
    passed_ms = bench.until_state(TRIPPED, DELAY_MS["no-voltage"] + 2 * SAMPLE_MS)
    assert bench.outputs.trip == CODE["no-voltage"]
    assert passed_ms >= DELAY_MS["no-voltage"]


def test_a_voltage_that_is_low_by_its_tolerance_trips_nothing(bench: ChipBench):
    bench.forced = {"kv_monitor_raw": round(0.96 * kv(bench.command.kv))}
    bench.run(5000)
    assert bench.outputs.trip == 0


def test_a_voltage_that_is_on_its_way_is_not_taken_for_an_arc(bench: ChipBench):
    for wanted_kv in (8.0, 50.0, 5.0, 50.0, 20.0, 48.0):
        bench.command.kv = wanted_kv
        bench.run(6000)
        assert bench.controller.condition == BEAM
        assert not bench.controller.sagging


def test_a_current_that_is_held_open_loop_is_not_expected_to_follow(bench: ChipBench):
    bench.command.hold = HOLD_EMISSION
    bench.forced = {"ma_monitor_raw": round(0.8 * bench.command.ma / MA_PER_COUNT)}
    bench.run(DELAY_MS["current-astray"] + 1000)
    assert bench.outputs.trip == 0


@pytest.mark.parametrize("after_ms", range(0, 1300, 100))
@pytest.mark.parametrize("quench_ms", [100, 200, 400])
def test_an_arc_soon_after_the_voltage_was_moved_is_ridden_through_as_well(
    bench: ChipBench, after_ms: int, quench_ms: int
):
    bench.command.kv = 47.0
    bench.run(after_ms)
    strike(bench, quench_ms)
    highest_ma = highest_of(bench, 4000)
    assert bench.controller.condition == BEAM
    assert highest_ma < 1.05 * bench.command.ma


def test_a_tube_that_keeps_arcing_in_the_ramp_never_gets_to_its_beam():
    bench = ChipBench()
    bench.run(100)
    bench.command.run = True
    bench.until_state(RAMP, 10_000)
    bench.run(2000)
    for _ in range(3):
        strike(bench)
        bench.run(300)
        assert bench.controller.condition == RAMP
    strike(bench)
    assert bench.outputs.trip == CODE["arcing"]


@pytest.mark.parametrize("hold", [0, HOLD_EMISSION])
def test_a_voltage_monitor_that_is_dead_from_the_start_trips_in_the_ramp(hold: int):
    bench = ChipBench()
    bench.run(100)
    bench.command.hold = hold
    bench.command.run = True
    bench.forced = {"kv_monitor_raw": 0}
    bench.until_state(TRIPPED, 10_000)
    assert bench.outputs.trip == CODE["no-voltage"]
    assert bench.kv < 0.5 * bench.command.kv


def test_moves_of_the_voltage_in_a_single_step_are_no_arcs():
    settings = Settings()
    settings.kv_slew_kv_per_s = 100.0
    bench = ChipBench(settings)
    bench.start()
    for n in range(12):
        bench.command.kv = (46.5, 49.5)[n % 2]
        bench.run(1200)
        assert bench.controller.condition == BEAM
