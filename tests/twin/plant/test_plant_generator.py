"""The plant's generator: its voltage and its monitors, which do not see what they share with it."""

from math import exp, sqrt

import numpy as np
import pytest

from firmware.calibration import ADC_FULL, DAC_FULL
from tests.kit.full_scales import FILAMENT_FULL_A, KV_FULL, KV_PER_COUNT, MA_FULL, MA_PER_COUNT
from tests.kit.open_loop import IDEAL, QUIET, advance, plant_of, slow_steps, switch_on
from tests.kit.variants import varied


def test_the_voltage_rises_and_falls_with_the_generators_lag():
    plant = plant_of(IDEAL)
    plant.hv_enable, plant.kv_program_raw = 1, round(50.0 / KV_FULL * DAC_FULL)
    goal = plant.kv_program_raw * KV_FULL / DAC_FULL
    for tick in range(1, 40):
        plant.advance()
        assert plant.kv == pytest.approx(goal * (1.0 - exp(-0.01 * tick / 0.05)), rel=1e-9)
    before = plant.kv
    plant.hv_enable = 0
    advance(plant, 0.05)
    assert plant.kv == pytest.approx(before * exp(-1.0), rel=1e-9)


def test_the_true_voltage_has_the_gain_error_and_the_regulation_that_the_monitor_does_not_show():
    plant = switch_on(
        plant_of(
            QUIET
            | {
                "generator.kv_ppm_per_k": 0.0,
                "generator.load_regulation_percent": 1.0,
            }
        )
    )
    program_kv = plant.kv_program_raw * KV_FULL / DAC_FULL
    assert plant.kv / program_kv == pytest.approx(1.004 * (1.0 - 0.005 * plant.ma), rel=1e-5)
    seen = plant.kv_monitor_raw * KV_PER_COUNT
    assert seen / program_kv == pytest.approx(1.0 - 0.005 * plant.ma, rel=5e-5)


def test_a_warmer_divider_moves_the_voltage_and_not_its_monitor():
    plant = switch_on(plant_of(QUIET))
    cold_kv, cold_raw, cold_c = plant.kv, plant.kv_monitor_raw, plant.heat.electronics_c
    plant.heat.electronics_heater_w = 20.0
    advance(plant, 1200.0)
    warm_k = plant.heat.electronics_c - cold_c
    assert warm_k > 10.0
    assert 1e6 * (plant.kv / cold_kv - 1.0) == pytest.approx(50.0 * warm_k, rel=0.02)
    assert abs(plant.kv_monitor_raw - cold_raw) <= 1


def test_a_warmer_shunt_makes_the_monitor_read_less_of_the_same_current():
    """So a loop on the monitor raises the true current by as much, and cannot know."""
    tube = QUIET | {"generator.ma_ppm_per_k": 1000.0, "generator.ma_gain_error_percent": 0.0}
    plant = switch_on(plant_of(tube))
    plant.heat.electronics_heater_w = 20.0
    advance(plant, 1200.0)
    warm_k = plant.heat.electronics_c - 25.0
    ratio = plant.ma / (plant.ma_monitor_raw * MA_PER_COUNT)
    assert ratio - 1.0 == pytest.approx(1e-3 * warm_k, abs=5e-5)


def test_the_current_monitor_has_its_gain_error():
    tube = QUIET | {"generator.ma_ppm_per_k": 0.0, "generator.ma_gain_error_percent": -0.3}
    plant = switch_on(plant_of(tube))
    ratio = plant.ma_monitor_raw * MA_PER_COUNT / plant.ma
    assert ratio == pytest.approx(0.997, abs=5e-5)


def test_the_monitors_have_noise_in_per_cent_of_full_scale():
    tube = IDEAL | {"generator.kv_noise_percent": 0.02, "generator.ma_noise_percent": 0.05}
    plant = switch_on(plant_of(tube))
    kv, ma = [], []
    for _ in range(5000):
        plant.advance()
        kv.append(plant.kv_monitor_raw - plant.kv / KV_PER_COUNT)
        ma.append(plant.ma_monitor_raw - plant.ma / MA_PER_COUNT)
    assert np.std(kv) == pytest.approx(2e-4 * ADC_FULL, rel=0.04)
    assert np.std(ma) == pytest.approx(5e-4 * ADC_FULL, rel=0.04)
    assert abs(np.corrcoef(kv, ma)[0, 1]) < 0.06
    assert abs(np.mean(kv)) < 0.5 + 0.4  # a converter may cut off, by half a count in the mean
    assert abs(np.mean(ma)) < 0.9


def test_the_monitors_saturate_at_their_full_scale():
    plant = switch_on(plant_of(IDEAL | {"cathode.perveance_ma_per_kv1_5": 0.1}), filament_a=2.4)
    assert plant.ma > MA_FULL
    assert plant.ma_monitor_raw == ADC_FULL
    plant.filament_program_raw = DAC_FULL
    plant.heat.electronics_c = 80.0
    plant.tube = varied({"cathode.supply_ppm_per_k": 2000.0})
    slow_steps(plant, 1)
    assert plant.filament_monitor_raw == ADC_FULL


def test_the_filament_supply_drifts_with_the_warmth_of_the_electronics():
    plant = switch_on(plant_of(QUIET | {"cathode.supply_ppm_per_k": 1000.0}))
    program_a = plant.filament_program_raw * FILAMENT_FULL_A / DAC_FULL
    warm_k = plant.heat.electronics_c - 25.0
    assert plant.filament.amps / program_a == pytest.approx(1.0 + 1e-3 * warm_k, rel=1e-6)


def test_generator_and_emission_wander_as_random_walks_of_their_stated_size():
    plant = plant_of()
    rows = []
    for _ in range(20_000):
        slow_steps(plant, 1)
        rows.append(
            (plant.generator.kv_drift, plant.generator.ma_drift, np.log(plant.filament.drift))
        )
    walks = np.array(rows)
    sizes = np.array([30e-6, 30e-6, 0.005])  # in an hour
    for steps in (1, 20, 200):
        rms = np.sqrt(((walks[steps:] - walks[:-steps]) ** 2).mean(axis=0))
        assert rms == pytest.approx(sizes * sqrt(steps * 0.5 / 3600.0), rel=0.2)
    moves = np.diff(walks, axis=0)
    assert np.abs(np.corrcoef(moves.T) - np.eye(3)).max() < 0.03
