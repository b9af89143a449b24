"""The generator: arcs as chance has them, what quenches them, its ripple and its regulation."""

import json
from math import exp, pi, sqrt

import numpy as np
import pytest
from scipy.stats import kstest

from firmware.calibration import ADC_FULL, DAC_FULL
from tests.kit.full_scales import KV_FULL, KV_PER_COUNT
from tests.kit.open_loop import IDEAL, QUIET, plant_of, room, slow_steps, switch_on
from tests.kit.variants import varied
from twin.plant.generator import NO_ARC, Generator
from twin.plant.noise import Noise
from twin.plant.plant import Plant

STEP_S, TICK_S = 0.5, 0.01
STEPS = 100_000
STEPS_PER_1000_H = 3.6e6 / STEP_S


def generator(values=None, ma_full=2.0):
    named = {f"generator.{name}": value for name, value in (values or {}).items()}
    return Generator(varied(named).generator, ma_full, STEP_S, TICK_S)


def arc_steps(made, kv=50.0, seed=1):
    """Numbers of the slow steps, of STEPS, at whose end an arc struck."""
    noise, struck = Noise(seed, "arcs"), []
    for step in range(STEPS):
        made.step(25.0, kv, noise.take(3))
        if made.quench_ticks != NO_ARC:
            struck.append(step)
    return np.array(struck)


# Arcs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arcs_per_1000_h", [2e4, 2e5])
def test_arcs_are_as_many_as_their_rate_says_and_come_without_memory(arcs_per_1000_h):
    struck = arc_steps(generator({"arcs_per_1000_h": arcs_per_1000_h}))
    expected = STEPS * arcs_per_1000_h / STEPS_PER_1000_H
    assert len(struck) == pytest.approx(expected, abs=4.0 * sqrt(expected))
    gaps = np.diff(struck) - np.random.default_rng(1).random(len(struck) - 1)  # within a step
    assert kstest(gaps, "expon", args=(0.0, STEPS_PER_1000_H / arcs_per_1000_h)).pvalue > 0.01
    per_window = np.histogram(struck, np.linspace(0, STEPS, 41))[0]
    assert per_window.var() / per_window.mean() == pytest.approx(1.0, abs=0.7)  # 3 sigma of 40


def test_the_test_of_the_gaps_tells_a_clock_from_chance():
    gaps = np.full(278, STEPS / 278.0)
    assert kstest(gaps, "expon", args=(0.0, STEPS / 278.0)).pvalue < 1e-6


def test_the_highest_rate_has_at_most_one_arc_a_step():
    """1e6 in 1000 h are 0.139 a step, of which those that fall together count once."""
    struck = arc_steps(generator({"arcs_per_1000_h": 1e6}))
    part = 1.0 - exp(-1e6 / STEPS_PER_1000_H)
    assert len(struck) / STEPS == pytest.approx(part, rel=0.03)


def test_other_seeds_have_arcs_at_other_times_and_the_same_seed_at_the_same():
    values = {"arcs_per_1000_h": 2e4}
    first, again, other = (arc_steps(generator(values), seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize(("arcs_per_1000_h", "kv"), [(0.0, 50.0), (1e6, 0.0), (1e6, 0.9)])
def test_no_arc_without_a_rate_or_without_voltage(arcs_per_1000_h, kv):
    assert len(arc_steps(generator({"arcs_per_1000_h": arcs_per_1000_h}), kv)) == 0


@pytest.mark.parametrize(("quench_ms", "ticks"), [(10.0, 1), (14.0, 1), (100.0, 10), (400.0, 40)])
def test_an_arc_keeps_the_voltage_off_for_its_quench_to_the_tick(quench_ms, ticks):
    made = generator({"arcs_per_1000_h": 1e6, "arc_quench_ms": quench_ms})
    noise, seen = Noise(1, "arcs"), set()
    for _ in range(200):
        made.step(25.0, 50.0, noise.take(3))
        seen.add(made.quench_ticks)
    assert seen == {NO_ARC, ticks}


def struck_plant(quench_ms, lag_s=0.05):
    """A plant in the tick in which an arc has just struck, and its voltage before."""
    tube = IDEAL | {
        "generator.arcs_per_1000_h": 1e6,
        "generator.arc_quench_ms": quench_ms,
        "generator.kv_lag_s": lag_s,
    }
    plant = plant_of(tube)
    plant.hv_enable, plant.kv_program_raw = 1, round(50.0 / KV_FULL * DAC_FULL)
    before = 0.0
    while plant.kv > 0.0 or before < 1.0:
        before = plant.kv
        plant.advance()
    return plant


@pytest.mark.parametrize("quench_ms", [10.0, 100.0, 400.0])
@pytest.mark.parametrize("lag_s", [0.005, 0.05, 0.15])
def test_the_voltage_comes_back_with_the_generators_lag(quench_ms, lag_s):
    plant = struck_plant(quench_ms, lag_s)
    goal = plant.kv_program_raw * KV_FULL / DAC_FULL
    path = []
    for _ in range(round(0.1 * quench_ms) + 9):
        plant.advance()
        path.append(plant.kv)
    quenched, back = path[:-9], path[-9:]
    assert quenched == [0.0] * len(quenched)
    ticks = np.arange(1, 10)
    assert back == pytest.approx(goal * (1.0 - np.exp(-TICK_S * ticks / lag_s)), rel=1e-9)


def test_another_program_does_not_light_a_quenched_arc():
    plant = struck_plant(100.0)
    for tick in range(10):
        plant.kv_program_raw += 10
        plant.advance()
        assert plant.kv == 0.0, tick
    plant.advance()
    goal = plant.kv_program_raw * KV_FULL / DAC_FULL  # of the last program, not of the first
    assert plant.kv == pytest.approx(goal * (1.0 - exp(-0.2)), rel=1e-9)


def test_a_generator_switched_off_in_an_arc_stays_off():
    plant = struck_plant(100.0)
    plant.hv_enable = 0
    for _ in range(45):
        plant.advance()
    assert plant.kv == 0.0


def test_arcs_leave_all_other_chance_as_it_was():
    """Each number of the noise has its use whether there is an arc or not."""
    paths = []
    for arcs_per_1000_h in (0.0, 1e6):
        plant = plant_of({"generator.arcs_per_1000_h": arcs_per_1000_h})
        plant.hv_enable, plant.kv_program_raw = 1, round(50.0 / KV_FULL * DAC_FULL)
        path = []
        for _ in range(500):
            slow_steps(plant, 1)
            path.append(
                (
                    plant.generator.kv_drift,
                    plant.generator.ma_drift,
                    plant.filament.drift,
                    plant.sensors.state(),
                )
            )
        paths.append(path)
    without, with_arcs = paths
    # What the arcs cost in heat the sensors may see; of chance there is none in the drifts.
    assert [row[:3] for row in without] == [row[:3] for row in with_arcs]


def test_a_plant_saved_in_the_middle_of_an_arc_goes_on_bit_for_bit():
    plant = struck_plant(100.0)
    for _ in range(4):
        plant.advance()
    state = json.loads(json.dumps(plant.state()))
    other = plant_of(
        IDEAL
        | {
            "generator.arcs_per_1000_h": 1e6,
            "generator.arc_quench_ms": 100.0,
        }
    )
    other.load(state)
    paths = []
    for one in (plant, other):
        path = []
        for _ in range(3000):
            one.advance()
            path.append((one.kv, one.kv_monitor_raw))
        paths.append(path)
    assert paths[0] == paths[1]
    assert 0.0 in [kv for kv, _ in paths[0][50:]]  # and other arcs came


# Regulation and ripple ---------------------------------------------------------------------------


@pytest.mark.parametrize("ma_full", [0.03, 2.0, 200.0])
def test_load_regulation_is_a_part_of_full_scale(ma_full):
    made = generator({"load_regulation_percent": 0.5}, ma_full)
    assert made.regulation_per_ma * ma_full == pytest.approx(0.005)


def test_the_load_pulls_the_voltage_down_and_less_on_a_larger_generator():
    """The same tube and current: on twice the full scale it is half the load."""
    falls, values = [], IDEAL | {"generator.load_regulation_percent": 2.0}
    for ma_full in (2.0, 4.0):
        plant = switch_on(Plant(varied(values, {"ma_full": ma_full}), room(), 10.0, seed=1))
        program_kv = plant.kv_program_raw * KV_FULL / DAC_FULL
        falls.append((1.0 - plant.kv / program_kv) / plant.ma)
    assert falls == pytest.approx([0.01, 0.005], rel=1e-3)


def test_ripple_is_a_sine_of_its_peak_to_peak_value():
    made = generator({"ripple_percent": 1.0})
    sine = 0.005 * np.sin(np.linspace(0.0, 2.0 * pi, 1000, endpoint=False))
    assert made.ripple_rms == pytest.approx(float(np.sqrt((sine**2).mean())), rel=1e-9)


@pytest.mark.parametrize(("noise_percent", "ripple_percent"), [(0.0, 1.0), (0.3, 1.0), (0.3, 0.0)])
def test_the_voltage_monitor_shows_ripple_and_noise_in_quadrature(noise_percent, ripple_percent):
    """Ripple is of the voltage, 50 kV; noise of the full scale, 60 kV."""
    values = IDEAL | {
        "generator.kv_noise_percent": noise_percent,
        "generator.ripple_percent": ripple_percent,
    }
    plant = switch_on(plant_of(values))
    seen, true = [], []
    for _ in range(4000):
        plant.advance()
        seen.append(plant.kv_monitor_raw * KV_PER_COUNT)
        true.append(plant.kv)
    expected_kv = np.hypot(0.01 * noise_percent * 60.0, 0.01 * ripple_percent * 50.0 / sqrt(8.0))
    assert np.std(seen) == pytest.approx(expected_kv, rel=0.05)
    assert np.mean(seen) == pytest.approx(np.mean(true), abs=4.0 * expected_kv / sqrt(4000.0))
    assert np.ptp(true) < 1e-6  # ripple is far quicker than a tick: the beam sees its mean


def test_the_current_monitor_shows_no_ripple_of_the_voltage():
    plant = switch_on(plant_of(IDEAL | {"generator.ripple_percent": 2.0}))
    seen = []
    for _ in range(500):
        plant.advance()
        seen.append(plant.ma_monitor_raw)
    assert max(seen) - min(seen) <= 2


# Divider and shunt -------------------------------------------------------------------------------


def test_divider_and_shunt_follow_the_electronics_by_their_coefficients():
    made = generator(
        {
            "kv_ppm_per_k": 100.0,
            "ma_ppm_per_k": -40.0,
            "kv_gain_error_percent": 0.0,
            "ma_gain_error_percent": 0.0,
        }
    )
    made.warm(25.0)
    assert (made.divider, made.shunt) == pytest.approx((1.0, 1.0))
    made.warm(45.0)
    assert made.divider == pytest.approx(1.002)
    assert made.shunt == pytest.approx(0.9992)


def test_they_wander_by_their_drift_in_an_hour():
    """Ensemble of many hours: standard deviation after an hour is the drift's parameter."""
    made = generator({"kv_drift_ppm_per_sqrt_h": 100.0, "ma_drift_ppm_per_sqrt_h": 30.0})
    noise, walked = Noise(1, "drift"), []
    for _ in range(100):
        start = made.kv_drift, made.ma_drift
        for _ in range(720):  # a tenth of an hour
            made.step(25.0, 50.0, noise.take(3))
        walked.append((made.kv_drift - start[0], made.ma_drift - start[1]))
    rms = np.sqrt((np.array(walked) ** 2).mean(axis=0)) * sqrt(10.0)
    assert rms == pytest.approx([100e-6, 30e-6], rel=0.2)


def test_nothing_wanders_in_a_quiet_generator():
    plant = plant_of(QUIET)
    slow_steps(plant, 100)
    assert plant.generator.kv_drift == plant.generator.ma_drift == 0.0


@pytest.mark.parametrize("counts", [0, 1000, ADC_FULL])
def test_the_full_scale_of_the_monitor_is_that_of_the_program(counts):
    """Program and monitor of an ideal generator agree wherever it stands."""
    plant = plant_of(IDEAL)
    plant.hv_enable, plant.kv_program_raw = 1, round(counts * DAC_FULL / ADC_FULL)
    for _ in range(200):
        plant.advance()
    program_kv = plant.kv_program_raw * KV_FULL / DAC_FULL
    assert plant.kv_monitor_raw * KV_PER_COUNT == pytest.approx(program_kv, abs=2 * KV_PER_COUNT)
