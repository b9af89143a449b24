"""The room's air: the data sheet's worked example, and the way there and back through the chip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers.bme280 import Bme280
from hil.pico.chips import bme280 as chips
from hil.pico.chips.bus import I2CBus
from tests.kit.driver_rigs import Babbling, Clock, Faltering, anything, sources

ADDRESS = 0x76
MEASUREMENT_MS = 44.0  # section 9.1 for oversampling 4, 16, 1: 1 + 8 + 32.5 + 2.5
CYCLE_MS = MEASUREMENT_MS + 125.0


class Rig:
    def __init__(self):
        self.clock = Clock()
        self.air = [22.0, 101325.0, 45.0]
        temperature_c, pressure_pa, humidity_percent = sources(self.air)
        self.chip = chips.Bme280(temperature_c, pressure_pa, humidity_percent, self.clock)
        self.bus = I2CBus()
        self.bus.attach(ADDRESS, self.chip)
        self.driver = Bme280(self.bus, ADDRESS)

    def running(self) -> "Rig":
        assert self.driver.configure()
        self.clock.after_ms(MEASUREMENT_MS)
        assert self.driver.fetch()
        return self

    def readings(self):
        driver = self.driver
        assert driver.compute_temperature()
        assert driver.compute_pressure()
        assert driver.compute_humidity()
        return driver.temperature_raw, driver.pressure_raw, driver.humidity_raw

    def hold(self, temperature, pressure, humidity):
        """Raw readings in the data registers."""
        self.chip.store(temperature, pressure, humidity)
        assert self.driver.fetch()


def test_the_worked_example_of_the_bmp280s_data_sheet():
    # BST-BMP280-DS001, section 3.12: its calibration, 519888 and 415148 make 25.08 degC and
    # 100653.27 Pa, with t_fine = 128422. The BME280 calculates both alike.
    rig = Rig().running()
    rig.hold(519888, 415148, 0x8000)
    assert rig.driver.compute_temperature()
    assert rig.driver.temperature_raw == 2508
    assert int(rig.driver._fine) == 128422
    assert rig.driver.compute_pressure()
    assert rig.driver.pressure_raw == 100653


def test_the_driver_takes_the_calibration_of_the_chip_and_not_that_of_the_example():
    rig = Rig()
    rig.chip.calibration = chips.Calibration(t2=26000, p1=36000, h2=350)
    rig.chip.power_cycle()
    rig.clock.after_ms(2.0)
    assert rig.running().readings() == (2200, 101325, 4500)


# The ranges of firmware/signals.py but for their ends, whose nearest raw reading may be outside.
@given(st.integers(-3999, 8499), st.integers(30001, 109999), st.integers(0, 10000))
def test_physical_values_come_back_to_a_count(temperature, pressure, humidity):
    rig = Rig()
    rig.air[:] = [temperature / 100, pressure, humidity / 100]
    for reading, value in zip(
        rig.running().readings(), (temperature, pressure, humidity), strict=True
    ):
        assert abs(reading - value) <= 1


SIGNED = ["t2", "t3", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "h2"]
extremes = st.builds(
    chips.Calibration,
    t1=st.integers(1, 65534),
    p1=st.integers(1, 65534),
    h1=st.integers(0, 255),
    h3=st.integers(0, 255),
    h4=st.integers(-2048, 2047),
    h5=st.integers(-2048, 2047),
    h6=st.integers(-128, 127),
    **{name: st.integers(-32768, 32767) for name in SIGNED},
)
raw = st.integers(0, 2**20 - 1)


@given(extremes, raw, raw, st.integers(0, 65535))
def test_any_calibration_is_taken_apart_as_the_data_sheet_says(c, temperature, pressure, humidity):
    rig = Rig()
    rig.chip.calibration = c
    rig.chip.power_cycle()
    rig.clock.after_ms(2.0)
    rig.running()
    if (temperature, pressure) == (0x80000, 0x80000):
        return
    rig.hold(temperature, pressure, humidity)
    driver = rig.driver
    expected_c = c.temperature_c(temperature)
    fine = c.fine_temperature(temperature)
    if driver.compute_temperature():
        assert abs(driver.temperature_raw - 100 * expected_c) <= 0.51
    else:
        assert not -39.999 < expected_c < 84.999
        return  # the others need it
    if driver.compute_pressure():
        assert abs(driver.pressure_raw - c.pressure_pa(pressure, fine)) <= 0.51
    driver.compute_humidity()
    expected_percent = min(max(c.humidity_percent(humidity, fine), 0.0), 100.0)
    assert abs(driver.humidity_raw - 100 * expected_percent) <= 0.51


def test_there_is_no_reading_before_the_first_measurement():
    rig = Rig()
    assert rig.driver.configure()
    rig.clock.after_ms(MEASUREMENT_MS - 0.1)
    assert not rig.driver.fetch()
    rig.clock.after_ms(0.1)
    assert rig.driver.fetch()


def test_a_read_too_early_does_not_restart_the_measurement():
    rig = Rig()
    for _ in range(10):
        rig.driver.fetch()
        rig.clock.after_ms(MEASUREMENT_MS / 10)
    assert rig.driver.fetch()


def test_a_reading_changes_when_a_measurement_ends():
    rig = Rig().running()
    assert rig.readings() == (2200, 101325, 4500)
    rig.air[:] = [23.0, 99000.0, 50.0]
    rig.clock.after_ms(CYCLE_MS - 0.1)
    assert rig.driver.fetch()
    assert rig.readings() == (2200, 101325, 4500)
    rig.clock.after_ms(0.1)
    assert rig.driver.fetch()
    assert rig.readings() == (2300, 99000, 5000)


def test_the_settings_are_those_of_the_registers_tables():
    # ctrl_hum x1; ctrl_meas: temperature x4, pressure x16, normal; config: 125 ms, no filter
    rig = Rig().running()
    assert rig.bus.readfrom_mem(ADDRESS, 0xF2, 1) == b"\x01"
    assert rig.bus.readfrom_mem(ADDRESS, 0xF4, 2) == b"\x77\x40"


def test_a_controller_that_restarts_finds_a_chip_that_is_measuring():
    rig = Rig().running()
    again = Bme280(rig.bus, ADDRESS)
    assert again.configure()
    rig.clock.after_ms(CYCLE_MS)
    assert again.fetch()
    assert again.compute_temperature()
    assert again.temperature_raw == 2200


def test_a_chip_that_lost_its_power_is_set_up_again():
    rig = Rig().running()
    rig.chip.power_cycle()
    assert not rig.driver.fetch()  # not yet awake
    rig.clock.after_ms(2.0)
    assert not rig.driver.fetch()  # set up, not yet measured
    rig.clock.after_ms(MEASUREMENT_MS)
    assert rig.driver.fetch()
    assert rig.readings() == (2200, 101325, 4500)


def test_a_power_loss_between_two_fetches_is_seen_by_the_settings():
    rig = Rig().running()
    rig.chip.power_cycle()
    rig.clock.after_ms(1000.0)
    assert not rig.driver.fetch()
    assert not rig.driver.fetch()
    rig.clock.after_ms(MEASUREMENT_MS)
    assert rig.driver.fetch()


def test_a_chip_that_fell_asleep_is_not_read_for_ever():
    rig = Rig().running()
    rig.bus.writeto_mem(ADDRESS, 0xF4, b"\x74")
    assert not rig.driver.fetch()
    assert rig.driver.fetch()  # awake again, and the last measurement is still there
    rig.air[0] = 23.0
    rig.clock.after_ms(CYCLE_MS)
    assert rig.driver.fetch()
    assert rig.readings()[0] == 2300


def test_a_chip_that_runs_with_other_settings_takes_the_drivers():
    rig = Rig()
    rig.bus.writeto(ADDRESS, b"\xf5\xe0\xf2\x05\xf4\x27")
    assert rig.driver.configure()
    assert rig.chip.registers[0xF5] == 0x40


def test_another_chip_at_the_address_is_refused():
    rig = Rig()
    rig.chip.registers[0xD0] = 0x58  # a BMP280, which has no humidity
    assert not rig.driver.configure()
    assert not rig.driver.fetch()


@pytest.mark.parametrize("blank", [0x00, 0xFF])
def test_a_blank_calibration_is_refused(blank):
    rig = Rig()
    rig.chip.registers[0x88:0xA2] = bytes([blank]) * 26
    assert not rig.driver.configure()


@pytest.mark.parametrize("fault", ["stuck", "absent"])
def test_a_bus_error_is_a_false_and_leaves_the_last_readings(fault):
    rig = Rig().running()
    readings = rig.readings()
    faulty = rig.bus if fault == "stuck" else rig.chip
    setattr(faulty, fault, True)
    assert not rig.driver.fetch()
    assert not rig.driver.fetch()
    assert rig.readings() == readings
    setattr(faulty, fault, False)
    rig.clock.after_ms(CYCLE_MS)
    rig.driver.fetch()
    rig.clock.after_ms(CYCLE_MS)
    assert rig.driver.fetch()
    assert rig.readings() == readings


@pytest.mark.parametrize("after", range(50))
def test_wherever_a_transfer_breaks_off_the_next_ones_are_whole(after):
    rig = Rig()
    rig.bus.attach(ADDRESS, Faltering(rig.chip, after))
    rig.driver.fetch()
    rig.bus.attach(ADDRESS, rig.chip)
    for _ in range(3):
        rig.clock.after_ms(CYCLE_MS)
        good = rig.driver.fetch()
    assert good
    assert rig.readings() == (2200, 101325, 4500)


def test_a_reading_outside_the_sensors_range_is_none():
    rig = Rig().running()
    assert rig.readings() == (2200, 101325, 4500)
    rig.hold(0, 0, 0xFFFF)  # -130 degC, 220 kPa
    assert not rig.driver.compute_temperature()
    assert not rig.driver.compute_pressure()
    assert (rig.driver.temperature_raw, rig.driver.pressure_raw) == (2200, 101325)


@given(anything, st.integers(0, 5))
def test_whatever_comes_back_the_readings_stay_within_their_ranges(answers, good):
    # As many good answers at the front as let the driver come so far.
    setting_up = [b"\x60", b"\x70\x6b\x43\x67" * 7, b"\x01\x02\x03", b"", b"", b"", b""]
    driver = Bme280(Babbling([*setting_up[: 7 if good > 2 else good], b"\x77\x40\x12", *answers]))
    for _ in range(8):
        if driver.fetch():
            driver.compute_temperature()
            driver.compute_pressure()
            driver.compute_humidity()
        assert -4000 <= driver.temperature_raw <= 8500
        assert 30000 <= driver.pressure_raw <= 110000
        assert 0 <= driver.humidity_raw <= 10000
