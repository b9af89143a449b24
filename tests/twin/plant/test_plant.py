"""The plant: what the actuators do to the beam, what the crystal sees of it, and what is saved."""

import json
from math import exp

import numpy as np
import pytest

from tests.kit.full_scales import MA_PER_COUNT
from tests.kit.open_loop import IDEAL, QUIET, advance, intensity, plant_of, room, switch_on
from tests.kit.variants import DEFAULT
from twin.physics.air import densities_kg_m3
from twin.physics.attenuation import Gas
from twin.physics.line_yield import LineYield
from twin.plant.plant import SLOW_TICKS


def test_the_current_is_the_smaller_of_what_the_cathode_emits_and_the_gun_lets_through():
    hot = switch_on(plant_of(IDEAL), filament_a=2.4, grid_v=-300.0)
    space_ma = 0.0104 * (50.0 - 100.0 * 0.3) ** 1.5
    assert hot.ma == pytest.approx(space_ma, rel=0.02)
    cold = switch_on(plant_of(IDEAL), filament_a=1.85, grid_v=0.0)
    saturation_ma = cold.filament.richardson_ma(cold.filament.temperature_k)
    assert cold.ma == pytest.approx(saturation_ma, rel=0.02)


def test_the_current_flickers_by_its_stated_size_and_the_monitor_sees_it():
    plant = switch_on(plant_of(IDEAL | {"cathode.flicker_percent": 0.1}), seconds=20.0)
    ma, seen = [], []
    for _ in range(5000):
        plant.advance()
        ma.append(plant.ma)
        seen.append(plant.ma_monitor_raw * MA_PER_COUNT)
    assert np.std(ma) / np.mean(ma) == pytest.approx(1e-3, rel=0.05)
    assert np.corrcoef(ma, seen)[0, 1] > 0.99
    assert abs(np.corrcoef(ma[1:], ma[:-1])[0, 1]) < 0.06


@pytest.mark.parametrize(
    "dead", [{"hv_enable": 0}, {"grid_program_raw": 0}, {"filament_program_raw": 0}]
)
def test_the_beam_is_dead_without_voltage_grid_or_filament(dead):
    plant = switch_on(plant_of(IDEAL))
    assert intensity(plant, 1.0) > 0.5
    for name, value in dead.items():
        setattr(plant, name, value)
    advance(plant, 20.0)
    assert intensity(plant, 5.0) < 1e-4
    assert plant.ma < 1e-4


def test_at_cut_off_the_grid_lets_nothing_through():
    """Triode: -U/100 at the default amplification."""
    plant = switch_on(plant_of(IDEAL), kv=50.0, grid_v=-501.0)
    assert plant.ma == 0.0
    plant = switch_on(plant_of(IDEAL), kv=50.0, grid_v=-480.0)
    assert plant.ma > 0.0


def test_the_intensity_is_proportional_to_the_current():
    readings = []
    for grid_v in (-350.0, -300.0, -250.0, -200.0):
        plant = switch_on(plant_of(IDEAL, path_cm=0.0), grid_v=grid_v)
        readings.append(intensity(plant) / plant.ma)
    assert readings == pytest.approx([readings[0]] * 4, rel=1e-4)


@pytest.mark.parametrize("kv", [20.0, 35.0, 45.0])
def test_the_intensity_grows_with_voltage_as_the_lines_yield(kv):
    high = switch_on(plant_of(IDEAL, path_cm=0.0), kv=50.0)
    low = switch_on(plant_of(IDEAL, path_cm=0.0), kv=kv, grid_v=-5.0 * kv)
    per_ma = [intensity(plant) / plant.ma for plant in (low, high)]
    line = LineYield("Cu", "Ka", 6.0)
    yields = [line.photons_per_electron_sr(plant.kv) for plant in (low, high)]
    assert per_ma[0] / per_ma[1] == pytest.approx(yields[0] / yields[1], rel=1e-4)


def test_the_nominal_tube_at_its_operating_point_has_intensity_1():
    plant = switch_on(plant_of(IDEAL, path_cm=0.0))
    settings = DEFAULT.firmware_settings()
    expected = plant.ma * plant.beam.line_yield(plant.kv)
    expected /= settings.ma * plant.beam.line_yield(settings.kv)
    assert intensity(plant) == pytest.approx(expected, rel=1e-3)


def test_the_intensity_is_the_sum_over_all_ticks():
    """Added up tick by tick from what the plant shows, while everything changes: the voltage
    ramps, the head warms, the room warms and the air pressure falls."""
    ambient = room((18.0, 30.0), (1020.0, 990.0), hours=0.1)
    plant = plant_of(path_cm=30.0, ambient=ambient)
    total = 0.0
    gas = Gas("air", plant.beam.energy_kev)
    plant.hv_enable, plant.filament_program_raw = 1, 2100
    for tick in range(30_000):
        if tick % SLOW_TICKS == 0:
            spot_um = plant.beam.displacement_um(plant.heat.head_c, plant.heat.mount_c)
            air = densities_kg_m3(plant.room_c, plant.pressure_hpa, plant.humidity_percent)
            through = plant.beam.passed(*spot_um) * exp(-gas.optical_depth(30.0, *air))
            through *= plant.beam.aged(plant.beam_ms)
        plant.kv_program_raw = min(3413, 10 * tick)
        plant.grid_program_raw = 3071 if tick > 500 else 0
        plant.advance()
        total += plant.ma * plant.beam.line_yield(plant.kv) * through
    settings = plant.tube.firmware_settings()
    total /= settings.ma * plant.beam.line_yield(settings.kv)
    assert total > 1000.0
    assert plant.take_intensity() == pytest.approx(total, rel=1e-6)
    assert plant.take_intensity() == 0.0


def test_the_heat_of_the_beam_is_its_mean_power(monkeypatch):
    plant = plant_of()
    given = []
    monkeypatch.setattr(plant.heat, "advance", lambda *inputs: given.append(inputs))
    switch_on(plant, seconds=3.0)
    plant.grid_program_raw = 2000
    power_w = []
    for _ in range(SLOW_TICKS):
        plant.advance()
        power_w.append(plant.kv * plant.ma)
    beam_w, filament_w, fan, room_c, air = given[-1]
    assert beam_w == pytest.approx(np.mean(power_w), rel=1e-12)
    assert filament_w == pytest.approx(plant.filament.power_w())
    assert 2.0 < filament_w < 4.0
    assert (fan, room_c) == (0.0, 22.0)
    assert air == pytest.approx(1.19, abs=0.005)


def test_a_beam_that_is_on_for_half_the_time_heats_by_half(monkeypatch):
    plant = plant_of(QUIET)
    given = []
    switch_on(plant, seconds=3.0)
    monkeypatch.setattr(plant.heat, "advance", lambda *inputs: given.append(inputs[0]))
    full_w = plant.kv * plant.ma
    for tick in range(SLOW_TICKS):
        plant.grid_program_raw = 3071 if tick < SLOW_TICKS // 2 else 0
        plant.advance()
    assert given == [pytest.approx(0.5 * full_w, rel=0.01)]


@pytest.mark.parametrize(("gas", "passes"), [("vacuum", 1.0), ("helium", 0.9994), ("air", 0.890)])
def test_what_fills_the_beam_path_absorbs_its_part(gas, passes):
    """10 cm of it at copper K-alpha."""
    plant = switch_on(plant_of(IDEAL, path_cm=0.0))
    nothing = intensity(plant)
    plant.path_cm, plant.path_gas = 10.0, gas
    assert intensity(plant) / nothing == pytest.approx(passes, abs=0.003 if gas == "air" else 3e-4)


# Room and time -----------------------------------------------------------------------------------


def test_a_warm_start_rests_with_the_head_at_its_temperature():
    plant = plant_of()
    plant.start_warm(55.0, 49.0, 2.9)
    assert plant.heat.head_c == pytest.approx(55.0)
    assert plant.sensors.head_c == plant.heat.head_c
    assert plant.fan_program_raw == round(plant.heat.fan * 65535)


def test_a_cold_start_rests_in_its_room():
    plant = plant_of(ambient=room((17.0, 30.0)))
    assert plant.heat.head_c == plant.heat.mount_c == plant.sensors.room_c == 17.0
    advance(plant, 30.0)
    assert plant.intensity_sum == 0.0
    assert plant.heat.head_c == pytest.approx(17.0, abs=0.001)


def test_the_room_of_now_is_what_the_sensors_see():
    """In a room that warms by 1 K a second, so that half a second would be half a kelvin."""
    plant = plant_of({"sensors.room_lag_s": 0.05}, ambient=room((20.0, 30.0), hours=1.0 / 360.0))
    for now_s in range(1, 10):
        advance(plant, 1.0)
        assert plant.now_ms == 1000 * now_s
        assert plant.room_c == pytest.approx(20.0 + now_s)
        assert 0.01 * plant.sensors.room_temperature_raw == pytest.approx(
            20.0 + now_s + 0.4, abs=0.05
        )


def test_seeds_make_other_noise_and_the_same_seed_the_same():
    runs = []
    for seed in (1, 1, 2):
        plant = switch_on(plant_of(seed=seed), seconds=10.0)
        runs.append(
            (plant.take_intensity(), plant.ma_monitor_raw, plant.sensors.head_temperature_raw)
        )
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("ticks", [1, 17, 49, 50, 12_345])
def test_a_plant_saved_at_any_tick_goes_on_bit_for_bit_in_another(ticks):
    ambient = room((18.0, 34.0), (1020.0, 990.0), hours=1.0)
    plant = plant_of(ambient=ambient)
    switch_on(plant, seconds=0.2)
    plant.heat.mount_heater_w = 3.0
    plant.path_cm = 25.0
    plant.switches = 5
    for _ in range(ticks):
        plant.advance()
    state = json.loads(json.dumps(plant.state()))
    other = plant_of(ambient=ambient, path_cm=1.0, seed=77)
    other.load(state)

    def later(some):
        seen = []
        for tick in range(20_000):
            some.fan_program_raw = 65535 * (tick % 1000) // 1000
            some.grid_program_raw = 3071 + tick % 7
            some.advance()
            seen.append(
                (some.ma_monitor_raw, some.kv_monitor_raw, some.sensors.head_temperature_raw)
            )
        return seen, some.take_intensity(), some.state()

    assert later(other) == later(plant)


def test_saving_a_plant_changes_nothing():
    plant, untouched = plant_of(), plant_of()
    for _ in range(40):
        plant.state()
        advance(plant, 0.33)
        advance(untouched, 0.33)
    assert plant.state() == untouched.state()
