"""What the firmware says of itself is in the units that the names promise."""

import json
from typing import Any

import pytest

from firmware.controller import BEAM, STATES, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.readings import readings
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK, Inputs, Outputs


@pytest.fixture
def inputs():
    """Half of full scale everywhere, or a round number."""
    inputs: Any = Inputs()
    inputs.switches = ALL_CLOSED
    inputs.kv_monitor_raw = inputs.ma_monitor_raw = inputs.filament_monitor_raw = 16384
    inputs.fan_tach_raw = 2500
    inputs.head_temperature_raw, inputs.mount_temperature_raw = 9781, 8830  # 50 and 20 degC
    inputs.generator_temperature_raw, inputs.room_temperature_raw = 3150, -125
    inputs.room_pressure_raw, inputs.room_humidity_raw = 101325, 4550
    return inputs


@pytest.fixture
def outputs():
    outputs: Any = Outputs()
    outputs.state, outputs.hv_enable, outputs.lamp_on = BEAM, 1, 1
    outputs.fan_program_raw = 16384
    outputs.grid_program_raw = 3071
    return outputs


def test_counts_are_reported_in_physical_units(inputs, outputs):
    said = readings(Controller(Settings()), inputs, outputs)
    assert said["kv"] == pytest.approx(30.0, abs=0.01)
    assert said["ma"] == pytest.approx(1.0, abs=0.001)
    assert said["filament_a"] == pytest.approx(2.0, abs=0.001)
    assert said["grid_v"] == pytest.approx(-250.0, abs=0.2)
    assert said["fan_percent"] == pytest.approx(25.0, abs=0.01)
    assert said["fan_rpm"] == 2500
    assert said["head_temperature_c"] == pytest.approx(50.0, abs=0.05)
    assert said["mount_temperature_c"] == pytest.approx(20.0, abs=0.05)
    assert said["generator_temperature_c"] == pytest.approx(31.5)
    assert said["room_temperature_c"] == pytest.approx(-1.25)
    assert said["room_pressure_hpa"] == pytest.approx(1013.25)
    assert said["room_humidity_percent"] == pytest.approx(45.5)


def test_targets_and_trims_are_those_of_the_laws(inputs, outputs):
    controller = Controller(Settings())
    controller.emission.target_ma, controller.compensation.trim = 0.75, 0.99
    said = readings(controller, inputs, outputs)
    assert said["ma_target"] == 0.75
    assert said["trim"] == 0.99


@pytest.mark.parametrize(
    ("switches", "word"),
    [
        (ALL_CLOSED, "closed"),
        (CHAIN_A | CHAIN_B, "closed"),
        (CHAIN_A | GENERATOR_OK, "open"),
        (CHAIN_B | GENERATOR_OK, "open"),
        (0, "open"),
    ],
)
def test_the_chain_is_closed_only_with_both_channels(inputs, outputs, switches: int, word: str):
    inputs.switches = switches
    assert readings(Controller(Settings()), inputs, outputs)["interlock_chain"] == word


@pytest.mark.parametrize(("code", "name"), NAMES.items(), ids=NAMES.values())
def test_a_trip_is_reported_by_its_name(inputs, outputs, code: int, name: str):
    outputs.state, outputs.trip = TRIPPED, code
    said = readings(Controller(Settings()), inputs, outputs)
    assert (said["state"], said["trip"]) == ("tripped", name)


@pytest.mark.parametrize(("code", "word"), list(enumerate(STATES)))
def test_the_state_is_reported_by_its_name_and_no_trip_is_an_empty_one(
    inputs, outputs, code: int, word: str
):
    outputs.state = code
    said = readings(Controller(Settings()), inputs, outputs)
    assert (said["state"], said["trip"]) == (word, "")


def test_all_of_it_is_numbers_and_words_that_json_can_say(inputs, outputs):
    said = readings(Controller(Settings()), inputs, outputs)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert all(isinstance(value, int | float | str) for value in said.values())
