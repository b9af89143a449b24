"""The air sensor's registers and timing: what of its data sheet the driver does not use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.pico.chips.bme280 import TYPICAL, Bme280, inverted
from hil.pico.chips.bus import I2CBus
from tests.kit.driver_rigs import Clock, sources

CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
NOTHING = bytes.fromhex("800000 800000 8000")


class Rig:
    def __init__(self):
        self.clock = Clock()
        self.air = [25.0, 100000.0, 40.0]
        temperature_c, pressure_pa, humidity_percent = sources(self.air)
        self.chip = Bme280(temperature_c, pressure_pa, humidity_percent, self.clock)
        self.bus = I2CBus()
        self.bus.attach(0x76, self.chip)

    def write(self, register, value):
        self.bus.writeto_mem(0x76, register, bytes([value]))

    def read(self, register, count=1):
        return self.bus.readfrom_mem(0x76, register, count)


def test_the_worked_example_of_the_bmp280s_data_sheet():
    # BST-BMP280-DS001, section 3.12
    fine = TYPICAL.fine_temperature(519888)
    assert int(fine) == 128422
    assert TYPICAL.temperature_c(519888) == pytest.approx(25.08, abs=0.005)
    assert TYPICAL.pressure_pa(415148, fine) == pytest.approx(100653.27, abs=0.01)


def test_registers_after_power_up_are_those_of_table_18():
    rig = Rig()
    assert rig.read(0xD0) == b"\x60"
    assert rig.read(0xE0) == b"\x00"
    assert rig.read(CTRL_HUM, 4) == b"\0\0\0\0"
    assert rig.read(DATA, 8) == NOTHING


def test_the_calibration_is_where_table_16_says():
    rig = Rig()
    words = rig.read(0x88, 24)
    assert words[0] | words[1] << 8 == TYPICAL.t1
    assert int.from_bytes(words[6:8], "little") == TYPICAL.p1
    assert int.from_bytes(words[22:24], "little", signed=True) == TYPICAL.p9
    assert rig.read(0xA1)[0] == TYPICAL.h1
    h = rig.read(0xE1, 7)
    assert h[0] | h[1] << 8 == TYPICAL.h2
    assert h[2] == TYPICAL.h3
    assert h[3] << 4 | h[4] & 15 == TYPICAL.h4
    assert h[5] << 4 | h[4] >> 4 == TYPICAL.h5
    assert h[6] == TYPICAL.h6


def test_a_forced_measurement_takes_the_time_of_the_data_sheets_example():
    # Section 9.1: temperature x1, pressure x4, no humidity: 11.5 ms
    rig = Rig()
    rig.write(CTRL_MEAS, 1 << 5 | 3 << 2 | 1)
    assert rig.read(STATUS) == b"\x08"
    rig.clock.after_ms(11.4)
    assert rig.read(DATA, 8) == NOTHING
    rig.clock.after_ms(0.1)
    data = rig.read(DATA, 8)
    assert data[:6] != NOTHING[:6] and data[6:] == NOTHING[6:]
    assert rig.read(STATUS, 2) == b"\x00\x2c"  # asleep again
    rig.air[0] = 30.0
    rig.clock.after_ms(1000)
    assert rig.read(DATA, 8) == data


def test_the_rate_of_normal_mode_is_that_of_the_data_sheets_example():
    # Section 9.3: the same every 11.5 + 62.5 ms, 13.51 Hz
    rig = Rig()
    rig.write(CONFIG, 1 << 5)
    rig.write(CTRL_MEAS, 1 << 5 | 3 << 2 | 3)
    rig.clock.after_ms(11.5)
    data, changes = rig.read(DATA, 6), 0
    for step in range(1000):
        rig.clock.after_ms(1.0)
        rig.air[1] = 90000.0 + 10 * step
        changes += data != (data := rig.read(DATA, 6))
    assert changes == 13


def test_the_resolution_without_filter_is_that_of_the_oversampling():
    # Section 3.4: 16 bits at x1, 18 at x4
    rig = Rig()
    rig.write(CTRL_MEAS, 1 << 5 | 3 << 2 | 1)
    rig.clock.after_ms(12)
    data = rig.read(DATA, 6)
    assert data[5] == 0
    assert data[2] & 0x3F == 0


def test_humidity_is_switched_on_by_the_next_write_to_ctrl_meas():
    rig = Rig()
    rig.write(CTRL_MEAS, 0x27)
    rig.write(CTRL_HUM, 1)
    rig.clock.after_ms(100)
    assert rig.read(0xFD, 2) == NOTHING[6:]
    rig.write(CTRL_MEAS, 0x27)
    rig.clock.after_ms(100)
    assert rig.read(0xFD, 2) != NOTHING[6:]


def test_the_configuration_is_not_taken_in_normal_mode():
    rig = Rig()
    rig.write(CTRL_MEAS, 0x27)
    rig.write(CONFIG, 0x40)
    assert rig.read(CONFIG) == b"\x00"


def test_a_reading_under_way_is_not_mixed_with_the_next():
    rig = Rig()
    rig.write(CTRL_MEAS, 0x27)
    rig.clock.after_ms(20)
    whole = rig.read(DATA, 6)
    rig.bus.writeto(0x76, bytes([DATA]), False)
    rig.air[:2] = [0.0, 50000.0]
    rig.clock.after_ms(20)
    rig.chip.advance()
    assert rig.bus.readfrom(0x76, 6) == whole
    assert rig.read(DATA, 6) != whole


def test_the_reset_word_resets_and_another_does_not():
    rig = Rig()
    rig.write(CTRL_HUM, 3)
    rig.write(0xE0, 0xB5)
    assert rig.read(CTRL_HUM) == b"\x03"
    rig.write(0xE0, 0xB6)
    with pytest.raises(OSError):
        rig.read(0xD0)  # not yet started up
    rig.clock.after_ms(2.0)
    assert rig.read(CTRL_HUM) == b"\x00"


def test_a_filter_is_refused_rather_than_left_out_in_silence():
    with pytest.raises(ValueError, match="filter"):
        Rig().write(CONFIG, 0x04)


@given(st.integers(0, 1023), st.sampled_from([1, 4, 16]), st.booleans())
def test_the_way_back_through_a_formula_finds_the_reading(reading, step, rises):
    sign = 1.0 if rises else -1.0
    reading -= reading % step
    assert (
        inverted(
            lambda x: sign * (x + 1e-4 * x * x), sign * (reading + 1e-4 * reading**2), step, 1024
        )
        == reading
    )
