"""The resistance thermometer: the data sheet's tables, and every way in which it can be silent."""

from math import inf

import pytest
from hypothesis import given

from firmware.calibration import pt100_raw, pt100_temperature_c
from firmware.drivers.max31865 import Max31865
from hil.pico.chips import max31865 as chips
from hil.pico.chips.bus import EIO, Pin, SPIBus
from tests.kit.driver_rigs import Babbling, Clock, anything

# Data sheet 19-6478 Rev 3, table 9: PT100 over 400 ohm; degC, ohm, registers 01h and 02h, code.
TABLE_9 = [
    (-200, 18.52, 0x0BDA, 1517),
    (-100, 60.26, 0x2690, 4936),
    (-40, 84.27, 0x35EE, 6903),
    (0, 100.00, 0x4000, 8192),
    (10, 103.90, 0x4280, 8512),
    (20, 107.79, 0x44FC, 8830),
    (50, 119.40, 0x4C6A, 9781),
    (100, 138.51, 0x58A4, 11346),
    (150, 157.33, 0x64B0, 12888),
    (200, 175.86, 0x708C, 14406),
    (250, 194.10, 0x7C3A, 15901),
    (400, 247.09, 0x9E24, 20242),
    (550, 297.49, 0xBE64, 24370),
]
FIRST_MS = 62.5
NEXT_MS = 20.0


class Rig:
    def __init__(self, wires=4, mains_hz=50):
        self.clock = Clock()
        self.ratio = 0.25
        self.chip = chips.Max31865(lambda: self.ratio, self.clock)
        self.bus = SPIBus()
        self.cs = Pin()
        self.bus.attach(self.cs, self.chip)
        self.driver = Max31865(self.bus, self.cs, wires, mains_hz)

    def running(self) -> "Rig":
        assert self.driver.configure()
        self.clock.after_ms(FIRST_MS)
        assert self.driver.read()
        return self


@pytest.mark.parametrize(("temperature_c", "ohm", "word", "code"), TABLE_9)
def test_the_data_sheets_table_is_read_as_it_stands(temperature_c, ohm, word, code):
    rig = Rig().running()
    rig.chip.registers[1:3] = word.to_bytes(2, "big")
    assert rig.driver.read()
    assert rig.driver.raw == code
    if temperature_c >= 0:
        assert pt100_temperature_c(rig.driver.raw) == pytest.approx(temperature_c, abs=0.035)


@pytest.mark.parametrize(("temperature_c", "ohm", "word", "code"), TABLE_9)
def test_a_resistance_of_the_table_gives_its_code(temperature_c, ohm, word, code):
    rig = Rig()
    rig.ratio = ohm / 400.0  # in the table to 0.01 ohm, which is 0.8 counts
    assert abs(rig.running().driver.raw - code) <= 1


@pytest.mark.parametrize(
    ("wires", "mains_hz", "config"), [(4, 50, 0xC1), (2, 50, 0xC1), (3, 50, 0xD1), (3, 60, 0xD0)]
)
def test_the_wiring_and_the_mains_are_in_the_configuration(wires, mains_hz, config):
    rig = Rig(wires, mains_hz)
    rig.driver.configure()
    assert rig.chip.registers[0] == config


def test_there_is_no_reading_before_the_first_conversion():
    rig = Rig()
    assert rig.driver.configure()
    rig.clock.after_ms(FIRST_MS - 0.1)
    assert not rig.driver.read()
    rig.clock.after_ms(0.1)
    assert rig.driver.read()
    assert rig.driver.raw == 8192


def test_read_configures_a_chip_that_is_not_configured():
    rig = Rig()
    assert not rig.driver.read()
    rig.clock.after_ms(FIRST_MS)
    assert rig.driver.read()


def test_a_reading_changes_when_a_conversion_ends():
    rig = Rig().running()
    rig.ratio = 0.5
    rig.clock.after_ms(NEXT_MS - 0.1)
    assert rig.driver.read() and rig.driver.raw == 8192
    rig.clock.after_ms(0.1)
    assert rig.driver.read() and rig.driver.raw == 16384


def test_an_open_sensor_reads_full_scale_and_is_a_reading():
    rig = Rig().running()
    rig.ratio = inf
    rig.clock.after_ms(NEXT_MS)
    assert rig.driver.read()
    assert rig.driver.raw == 32767 > pt100_raw(850.0)
    assert rig.driver.fault == chips.ABOVE


def test_a_shorted_sensor_reads_zero_and_is_a_reading():
    rig = Rig().running()
    rig.ratio = 0.0
    rig.clock.after_ms(NEXT_MS)
    assert rig.driver.read()
    assert rig.driver.raw == 0
    assert rig.driver.fault == chips.BELOW


def test_a_sensor_that_is_shorted_from_the_start_is_no_silence():
    rig = Rig()
    rig.ratio = 0.0
    assert rig.running().driver.raw == 0


def test_a_pin_outside_the_supply_makes_the_reading_old_until_it_is_back():
    rig = Rig().running()
    rig.chip.overvoltage = True
    for _ in range(10):
        rig.clock.after_ms(NEXT_MS)
        assert not rig.driver.read()
    assert rig.driver.fault == chips.OVERVOLTAGE
    rig.chip.overvoltage = False
    rig.ratio = 0.5
    rig.driver.read()
    rig.clock.after_ms(FIRST_MS)
    assert rig.driver.read()
    assert (rig.driver.raw, rig.driver.fault) == (16384, 0)


def test_a_chip_that_lost_its_power_is_set_up_again():
    rig = Rig().running()
    rig.chip.power_cycle()
    rig.ratio = 0.5
    assert not rig.driver.read()
    assert not rig.driver.read()  # set up, but not yet converted
    assert rig.driver.raw == 8192
    rig.clock.after_ms(FIRST_MS)
    assert rig.driver.read()
    assert rig.driver.raw == 16384


@pytest.mark.parametrize("level", [0, 1])
def test_a_dead_line_is_no_reading(level):
    rig = Rig().running()
    rig.bus.stuck = level
    assert not rig.driver.read()
    assert not rig.driver.read()
    assert rig.driver.raw == 8192
    rig.bus.stuck = None
    assert rig.driver.read()


def test_a_missing_chip_is_no_reading():
    rig = Rig().running()
    rig.chip.absent = True
    assert not rig.driver.read()
    rig.chip.absent = False
    assert rig.driver.read()


@pytest.mark.parametrize("failing", ["write", "write_readinto"])
def test_an_error_of_the_bus_deselects_the_chip(failing):
    def fail(*buffers):
        raise OSError(EIO)

    rig = Rig().running()
    setattr(rig.bus, failing, fail)
    assert rig.driver.configure() == (failing == "write_readinto")
    assert not rig.driver.read()
    assert rig.cs.level == 1


def test_a_controller_that_restarts_may_change_the_mains():
    rig = Rig(mains_hz=60).running()
    again = Max31865(rig.bus, rig.cs, mains_hz=50)
    assert again.configure()
    rig.clock.after_ms(FIRST_MS)
    assert again.read()
    assert rig.chip.registers[0] == 0xC1


@given(anything)
def test_whatever_comes_back_the_reading_stays_within_its_range(answers):
    driver = Max31865(Babbling(answers), Pin())
    for _ in range(10):
        driver.read()
        assert 0 <= driver.raw <= 32767
        assert 0 <= driver.fault <= 255
