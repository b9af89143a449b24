"""The emission law against guns written here: softer, steeper, slower than it takes them to be."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL, DAC_FULL
from firmware.laws.emission import FAST_STEP_LIMIT, Emission
from firmware.settings import Settings

TICK_S, SLOW_S = 0.01, 0.1
TICKS_PER_SLOW = 10
V_PER_COUNT, A_PER_COUNT = 1000.0 / 4095, 4.0 / 4095
MA_PER_COUNT = 2.0 / 32767
TARGET_MA = 0.98
GM_MA_PER_V = 0.0033  # what the law takes the transconductance to be
REST_A = 2.0  # filament current at which the target needs the bias set-point, -250 V


@dataclass
class Gun:
    """Linear above cut-off; a filament that lags; a monitor that lags, if it does."""

    gm_ma_per_v: float = GM_MA_PER_V
    v_per_a: float = 900.0
    filament_lag_s: float = 0.08
    monitor_lag_s: float = 0.0
    rest_a: float = REST_A
    filament_a: float = REST_A
    sensed_ma: float = 0.0

    def tick(self, grid_program_raw: int, filament_program_raw: int) -> int:
        """One tick with the actuators held; returns the monitor's count at its end."""
        goal_a = filament_program_raw * A_PER_COUNT
        self.filament_a += TICK_S / (self.filament_lag_s + TICK_S) * (goal_a - self.filament_a)
        bias_v = -1000.0 + grid_program_raw * V_PER_COUNT
        cut_off_v = -250.0 - TARGET_MA / self.gm_ma_per_v
        warmer_v = self.v_per_a * (self.filament_a - self.rest_a)
        ma = max(0.0, self.gm_ma_per_v * (bias_v - cut_off_v + warmer_v))
        self.sensed_ma += TICK_S / (self.monitor_lag_s + TICK_S) * (ma - self.sensed_ma)
        return min(ADC_FULL, round(self.sensed_ma / MA_PER_COUNT))


def preheated(s: Settings) -> Emission:
    law = Emission(s)
    for _ in range(40):
        law.preheat(SLOW_S)
    return law


def run(law: Emission, gun: Gun, duration_s: float, ma: float = TARGET_MA) -> list[float]:
    """Both loops at their rates; the currents, mA, one a tick."""
    currents_ma = []
    monitor = round(gun.sensed_ma / MA_PER_COUNT)
    for tick in range(round(duration_s / TICK_S)):
        if tick % TICKS_PER_SLOW == 0:
            law.aim(ma, SLOW_S)
            law.slow(SLOW_S)
        law.fast(monitor)
        monitor = gun.tick(law.grid_program_raw, law.filament_program_raw)
        currents_ma.append(gun.sensed_ma)
    return currents_ma


def settings_of(**changed: float) -> Settings:
    s = Settings()
    s.load({"filament_preheat_a": REST_A, **changed})
    return s


@pytest.mark.parametrize("steepness", [1 / 3, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("monitor_lag_s", [0.0, 0.01])
def test_the_current_is_held_on_guns_up_to_three_times_off(steepness: float, monitor_lag_s: float):
    gun = Gun(gm_ma_per_v=steepness * GM_MA_PER_V, monitor_lag_s=monitor_lag_s)
    currents_ma = run(preheated(settings_of()), gun, 200.0)
    settled = currents_ma[-3000:]
    bias_count_ma = steepness * GM_MA_PER_V * V_PER_COUNT
    filament_count_ma = steepness * GM_MA_PER_V * gun.v_per_a * A_PER_COUNT
    assert sum(settled) / len(settled) == pytest.approx(TARGET_MA, rel=2e-5)
    assert max(abs(ma - TARGET_MA) for ma in settled) < filament_count_ma + bias_count_ma


@pytest.mark.parametrize(("steepness", "most"), [(1 / 3, 1.002), (1.0, 1.002), (3.0, 1.01)])
def test_the_soft_start_rises_to_the_target_and_hardly_past_it(steepness: float, most: float):
    gun = Gun(gm_ma_per_v=steepness * GM_MA_PER_V)
    currents_ma = run(preheated(settings_of()), gun, 30.0)
    assert max(currents_ma) < most * TARGET_MA
    bias_count_ma = steepness * GM_MA_PER_V * V_PER_COUNT
    reached = next(tick for tick, ma in enumerate(currents_ma) if ma > 0.99 * TARGET_MA)
    rising = currents_ma[:reached]
    fall_ma = max(before - after for before, after in pairwise(rising))
    assert fall_ma < 3.0 * bias_count_ma  # nothing falls but the dither and the filament's steps
    assert reached * TICK_S == pytest.approx(TARGET_MA / 0.1, abs=1.5)


def test_a_filament_that_is_too_hot_at_the_start_does_no_harm():
    gun = Gun(filament_a=REST_A + 0.1)
    currents_ma = run(preheated(settings_of(filament_preheat_a=REST_A + 0.1)), gun, 120.0)
    assert max(currents_ma) < 1.01 * TARGET_MA


@settings(max_examples=20)
@given(
    steepness=st.floats(1 / 3, 3.0),
    v_per_a=st.floats(450.0, 1800.0),
    preheat_off_a=st.floats(-0.08, 0.08),
)
def test_the_filament_brings_the_bias_back_to_its_set_point(
    steepness: float, v_per_a: float, preheat_off_a: float
):
    s = settings_of(filament_preheat_a=REST_A + preheat_off_a)
    law = preheated(s)
    run(law, Gun(gm_ma_per_v=steepness * GM_MA_PER_V, v_per_a=v_per_a), 400.0)
    assert (law.grid - DAC_FULL) * V_PER_COUNT == pytest.approx(s.grid_set_v, abs=3.0)
    assert law.filament * A_PER_COUNT == pytest.approx(REST_A, abs=0.005)


@pytest.mark.parametrize("limit_a", [1.0, 2.05, 2.6, 2.7])
@pytest.mark.parametrize("preheat_a", [2.0, 10.0])
def test_the_filament_limit_holds_even_when_the_target_is_out_of_reach(
    limit_a: float, preheat_a: float
):
    law = Emission(settings_of(filament_limit_a=limit_a, filament_preheat_a=preheat_a))
    programs = []
    for _ in range(60):
        law.preheat(SLOW_S)
        programs.append(law.filament_program_raw)
    for _ in range(600):
        law.aim(1.2, SLOW_S)
        for _ in range(TICKS_PER_SLOW):
            law.fast(0)  # no current, whatever is done
        law.slow(SLOW_S)
        programs.append(law.filament_program_raw)
    assert law.grid_program_raw == DAC_FULL
    assert programs[-1] * A_PER_COUNT == pytest.approx(limit_a, abs=A_PER_COUNT)
    assert max(programs) * A_PER_COUNT <= limit_a + A_PER_COUNT / 2  # the converter's rounding


@given(preheat_a=st.floats(0.0, 4.0), slew=st.floats(0.1, 10.0))
def test_the_filament_is_heated_at_its_slew_and_stops_at_its_preheat(preheat_a: float, slew: float):
    s = settings_of(filament_preheat_a=preheat_a, filament_slew_a_per_s=slew, filament_limit_a=4.0)
    law = Emission(s)
    for _ in range(420):
        before = law.filament
        law.preheat(SLOW_S)
        assert 0.0 <= law.filament - before <= slew * SLOW_S / A_PER_COUNT + 1e-6
    assert law.filament * A_PER_COUNT == pytest.approx(preheat_a)


@given(monitors=st.lists(st.integers(0, ADC_FULL), min_size=1, max_size=200))
def test_what_the_converter_cannot_show_is_not_lost(monitors: list[int]):
    """The sum of the counts never parts from the sum of the finer bias by a whole count."""
    law = Emission(Settings())
    law.target_raw, law.grid = 16000.0, 2000.3
    shown = wanted = 0.0
    for monitor in monitors:
        shown += law.fast(monitor)
        wanted += law.grid
        assert abs(shown - wanted) < 1.0 + 1e-6


def test_a_minute_out_of_reach_leaves_nothing_behind_in_the_integral():
    law = Emission(Settings())
    law.target_raw = 16000.0
    for _ in range(6000):
        assert law.fast(15000) <= DAC_FULL
    assert law.grid_program_raw == DAC_FULL
    assert law.fast(17000) < DAC_FULL


def test_the_mean_bias_is_finer_than_a_hundredth_of_a_count():
    law = Emission(Settings())
    law.grid = 2000.37
    counts = [law.fast(0) for _ in range(1000)]
    assert sum(counts) / len(counts) == pytest.approx(2000.37, abs=0.002)
    assert set(counts) == {2000, 2001}


@given(
    grid=st.floats(0.0, DAC_FULL),
    carry=st.floats(0.0, 1.0, exclude_max=True),
    target_ma=st.floats(0.0, 2.0),
    monitors=st.lists(st.integers(0, 65535), min_size=1, max_size=50),
)
def test_the_bias_keeps_its_range_and_its_slew(
    grid: float, carry: float, target_ma: float, monitors: list[int]
):
    law = Emission(Settings())
    law.grid, law.carry, law.target_raw = grid, carry, target_ma / MA_PER_COUNT
    for monitor in monitors:
        before = law.grid
        raw = law.fast(monitor)
        assert 0 <= raw <= DAC_FULL
        assert raw == law.grid_program_raw
        assert abs(law.grid - before) <= FAST_STEP_LIMIT + 1e-9


@given(commands=st.lists(st.floats(0.0, 1.2), max_size=40))
def test_the_target_moves_at_the_permitted_slew(commands: list[float]):
    law = Emission(Settings())
    for ma in commands:
        before = law.target_ma
        law.aim(ma, SLOW_S)
        assert abs(law.target_ma - before) <= 0.1 * SLOW_S + 1e-12
        assert min(before, ma) - 1e-12 <= law.target_ma <= max(before, ma) + 1e-12
        assert law.target_raw == pytest.approx(law.target_ma / MA_PER_COUNT)


def test_a_current_of_zero_closes_the_gun_and_leaves_the_filament_alone():
    law, gun = preheated(settings_of()), Gun()
    run(law, gun, 60.0)
    run(law, gun, 30.0, ma=0.0)
    filament = law.filament
    closed_ma = run(law, gun, 300.0, ma=0.0)
    assert max(closed_ma) < MA_PER_COUNT
    assert law.filament == filament
    assert max(run(law, gun, 60.0)) < 1.01 * TARGET_MA


def test_the_grid_is_cut_off_and_the_filament_cold_at_once():
    law = preheated(settings_of())
    run(law, Gun(), 60.0)
    law.cut_off()
    assert (law.target_ma, law.target_raw, law.grid_program_raw) == (0.0, 0.0, 0)
    assert law.filament_program_raw > 0
    law.cold()
    assert law.filament_program_raw == 0
    assert law.fast(0) == 0


def test_a_target_that_is_not_a_number_never_opens_the_gun():
    law = Emission(Settings())
    for _ in range(100):
        law.aim(math.nan, SLOW_S)
        assert law.fast(0) == 0
