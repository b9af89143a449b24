"""The chips of a unit, wired to a plant: what is on which input, output and address."""

from typing import Any

import pytest

from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK
from hil.pico.chips.ads1115 import CONFIG
from hil.pico.chips.bme280 import DATA
from hil.pico.chips.rack import AIR_ADDRESS, DAC_ADDRESS, FILAMENT, GRID, KV, Rack
from tests.kit.board_rig import StillPlant
from tests.kit.driver_rigs import Clock
from twin.world.board import TwinBoard

AIN0, AIN1, AIN2 = 0xC483, 0xD483, 0xE483  # over ground, 2.048 V: SBAS444E, table 8-3
INTERNAL = 0x8000  # reference of an MCP4728's channel


class Moving(StillPlant):
    """Keeps what its actuators were when it was moved on."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []
        self.after: dict[str, int] = {}

    def advance(self) -> None:
        self.seen.append(
            (self.hv_enable, self.lamp_on, self.fan_program_raw, self.grid_program_raw)
        )
        for name, value in self.after.items():
            setattr(self, name, value)


@pytest.fixture
def plant() -> Any:
    return Moving()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rack(plant: Any, clock: Clock) -> Rack:
    return Rack(plant, clock)


def test_the_bus_has_four_chips_at_the_addresses_of_the_wiring(rack: Rack):
    assert rack.i2c == {0x48: rack.kv_adc, 0x49: rack.ma_adc, 0x60: rack.dac, 0x76: rack.air}
    assert (DAC_ADDRESS, AIR_ADDRESS) == (0x60, 0x76)


@pytest.mark.parametrize("raw", [0, 1, 12345, 32766, 32767])
def test_a_monitor_of_so_many_counts_converts_to_as_many(rack: Rack, plant: Any, raw: int):
    plant.kv_monitor_raw = plant.ma_monitor_raw = plant.filament_monitor_raw = raw
    assert rack.kv_adc.code(AIN0) == rack.ma_adc.code(AIN0) == rack.ma_adc.code(AIN1) == raw


def test_the_generators_temperature_is_an_lm35s(rack: Rack, plant: Any):
    plant.sensors.generator_temperature_raw = 2500  # TI SNIS159: 10 mV/degC
    assert rack.ma_adc.code(AIN2) == 0.250 / 62.5e-6


def test_a_programs_counts_are_the_converters(rack: Rack, plant: Any):
    for program_raw in range(4096):
        words = {GRID: program_raw, KV: 4095 - program_raw, FILAMENT: program_raw // 2}
        for channel, word in words.items():
            rack.dac.words[channel] = INTERNAL | word
        rack.drive(False, False, 0)
        assert plant.grid_program_raw == words[GRID]
        assert plant.kv_program_raw == words[KV]
        assert plant.filament_program_raw == words[FILAMENT]


def test_gain_2_or_the_supply_as_a_reference_is_full_scale_and_no_more(rack: Rack, plant: Any):
    for word in (INTERNAL | 0x1000 | 4095, 4095):
        rack.dac.words[GRID] = word
        rack.drive(False, False, 0)
        assert plant.grid_program_raw == 4095


def test_the_plant_moves_on_with_what_it_has_been_given(rack: Rack, plant: Any):
    rack.dac.words[GRID] = INTERNAL | 777
    rack.advance(True, True, 4321)
    assert plant.seen == [(1, 1, 4321, 777)]
    rack.drive(False, False, 0)
    assert len(plant.seen) == 1  # another moves it


def test_conversions_that_are_due_see_the_plant_as_it_was(rack: Rack, plant: Any, clock: Clock):
    rack.kv_adc.registers[CONFIG] = AIN0
    rack.kv_adc._configure(AIN0)
    plant.kv_monitor_raw = 1000
    plant.after["kv_monitor_raw"] = 2000
    clock.after_ms(10)
    rack.advance(False, False, 0)
    assert rack.kv_adc.registers[0] == 1000
    clock.after_ms(10)
    rack.advance(False, False, 0)
    assert rack.kv_adc.registers[0] == 2000


@pytest.mark.parametrize("switches", range(8))
def test_contacts_are_the_bits_of_the_switches(rack: Rack, plant: Any, switches: int):
    plant.switches = switches
    bits = zip((CHAIN_A, CHAIN_B, GENERATOR_OK), rack.contacts(), strict=True)
    assert sum(bit for bit, closed in bits if closed) == switches
    assert all(rack.contacts()) == (switches == ALL_CLOSED)


def test_the_lamp_draws_what_it_does_on_the_board_without_chips(rack: Rack, plant: Any):
    inputs: Any = type("Inputs", (), {})()
    plant.tick = 1
    for plant.lamp_on in (0, 1):
        TwinBoard(plant).read(inputs)
        assert rack.lamp_raw() == inputs.lamp_current_raw


def test_each_sensor_is_on_its_own_chip(rack: Rack, plant: Any):
    plant.sensors.head_temperature_raw, plant.sensors.mount_temperature_raw = 11111, 9999
    assert rack.head._ratio() * 32768 == 11111
    assert rack.mount._ratio() * 32768 == 9999
    air = rack.air
    air.registers[0xF2], air.registers[0xF4] = 1, 0x57  # oversampling 1, 16, 2: nothing is left out
    air._osrs_h = 1
    air._measure()
    p = int.from_bytes(air.registers[DATA : DATA + 3], "big") >> 4
    t = int.from_bytes(air.registers[DATA + 3 : DATA + 6], "big") >> 4
    h = int.from_bytes(air.registers[DATA + 6 : DATA + 8], "big")
    c, sensors = air.calibration, plant.sensors
    fine = c.fine_temperature(t)
    assert 100 * c.temperature_c(t) == pytest.approx(sensors.room_temperature_raw, abs=1)
    assert c.pressure_pa(p, fine) == pytest.approx(sensors.room_pressure_raw, abs=2)
    assert 100 * c.humidity_percent(h, fine) == pytest.approx(sensors.room_humidity_raw, abs=2)


def test_the_tachometer_is_that_of_the_plants_fan(rack: Rack, plant: Any):
    plant.heat.fan = 0.5
    falls = [at_us for at_us, level in rack.fan.edges_until(1_000_000) if not level]
    assert 60 * len(falls) / 2 == 0.5 * plant.heat.fan_max_rpm  # two pulses a turn
