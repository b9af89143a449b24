"""The twin's board: every signal of the seam is filled from, or applied to, the right quantity."""

from typing import Any

import pytest

from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import ALL_CLOSED, Inputs, Outputs
from tests.kit.variants import DEFAULT
from twin.plant.ambient import Ambient
from twin.plant.plant import SLOW_TICKS, Plant
from twin.world.board import TwinBoard, source_of


def fresh_inputs() -> Any:
    return Inputs()


@pytest.fixture
def plant():
    ambient = Ambient((0.0, 3600.0), (22.0, 23.0), (1013.25, 1013.25), (45.0, 45.0))
    plant = Plant(DEFAULT, ambient, 10.0, 1)
    plant.hv_enable, plant.kv_program_raw = 1, 3000
    plant.filament_program_raw, plant.grid_program_raw = 2090, 3071
    plant.fan_program_raw = 30_000
    for _ in range(2 * SLOW_TICKS):
        plant.advance()
    return plant


def test_every_input_shows_its_quantity(plant):
    inputs = fresh_inputs()
    TwinBoard(plant).read(inputs)
    sensors = plant.sensors
    expected = {
        "switches": ALL_CLOSED,
        "kv_monitor_raw": plant.kv_monitor_raw,
        "ma_monitor_raw": plant.ma_monitor_raw,
        "lamp_current_raw": 0,
        "filament_monitor_raw": plant.filament_monitor_raw,
        "fan_tach_raw": int(5000 * plant.heat.fan),
        "head_temperature_raw": sensors.head_temperature_raw,
        "mount_temperature_raw": sensors.mount_temperature_raw,
        "generator_temperature_raw": sensors.generator_temperature_raw,
        "room_temperature_raw": sensors.room_temperature_raw,
        "room_pressure_raw": sensors.room_pressure_raw,
        "room_humidity_raw": sensors.room_humidity_raw,
    }
    ages = {name: 0 for name, *_ in INPUTS if name.endswith("_age_ms")}
    assert {name: getattr(inputs, name) for name, *_ in INPUTS} == expected | ages
    assert inputs.kv_monitor_raw > 20_000
    assert inputs.fan_tach_raw > 500


def test_every_input_is_a_whole_number_in_its_declared_range(plant):
    inputs = fresh_inputs()
    TwinBoard(plant).read(inputs)
    for name, _, low, high, *_ in INPUTS:
        assert type(getattr(inputs, name)) is int
        assert low <= getattr(inputs, name) <= high


def test_every_output_reaches_the_plant_but_state_and_trip(plant):
    outputs = Outputs()
    outputs.load(range(11, 11 + len(OUTPUTS)))
    TwinBoard(plant).write(outputs)
    for name, *_ in OUTPUTS:
        if name not in ("state", "trip"):
            assert getattr(plant, name) == getattr(outputs, name)


def test_the_lamp_draws_current_when_it_is_told_to_burn(plant):
    board, inputs = TwinBoard(plant), fresh_inputs()
    plant.lamp_on = 1
    board.read(inputs)
    assert 400 < inputs.lamp_current_raw < 3600  # what the firmware takes for a whole lamp
    plant.lamp_on = 0
    board.read(inputs)
    assert inputs.lamp_current_raw == 0


def test_an_open_contact_is_seen_in_the_next_tick(plant):
    board, inputs = TwinBoard(plant), fresh_inputs()
    board.read(inputs)
    plant.advance()
    plant.switches = 6
    board.read(inputs)
    assert inputs.switches == 6


def test_monitors_are_new_every_tick_and_the_slow_sensors_every_half_second(plant):
    board, inputs = TwinBoard(plant), fresh_inputs()
    plant.sensors.head_temperature_raw = 9999
    board.read(inputs)
    for _ in range(SLOW_TICKS - 1):
        plant.advance()
        board.read(inputs)
        assert inputs.head_temperature_raw == 9999
        assert inputs.ma_monitor_raw == plant.ma_monitor_raw
    plant.advance()
    board.read(inputs)
    assert inputs.head_temperature_raw == plant.sensors.head_temperature_raw != 9999


def test_an_input_that_the_plant_does_not_have_is_an_error_that_names_it():
    with pytest.raises(LookupError, match=r"input pump_flow_raw: neither Plant.STATE nor"):
        source_of("pump_flow_raw")


def test_an_input_comes_from_the_attribute_of_its_name_of_the_plant_or_of_its_sensors():
    assert source_of("kv_monitor_raw") == "plant.kv_monitor_raw"
    assert source_of("room_pressure_raw") == "plant.sensors.room_pressure_raw"
