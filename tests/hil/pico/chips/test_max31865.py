"""The thermometer's registers: what of the data sheet (19-6478 Rev 3) the driver does not use."""

import pytest

from hil.pico.chips import max31865
from hil.pico.chips.bus import Pin, SPIBus
from tests.kit.driver_rigs import Clock


class Rig:
    def __init__(self, ratio=0.5):
        self.clock = Clock()
        self.ratio = ratio
        self.chip = max31865.Max31865(lambda: self.ratio, self.clock)
        self.bus = SPIBus()
        self.cs = Pin(1)
        self.bus.attach(self.cs, self.chip)

    def transfer(self, *data):
        answer = bytearray(len(data))
        self.cs(0)
        self.bus.write_readinto(bytes(data), answer)
        self.cs(1)
        return bytes(answer[1:])

    def code(self):
        high, low = self.transfer(0x01, 0, 0)
        return high << 7 | low >> 1


def test_registers_after_power_up_are_those_of_table_1():
    assert Rig().transfer(0x00, *[0] * 8) == bytes.fromhex("00 0000 ffff 0000 00")


def test_addresses_run_on_and_around_and_those_not_there_read_ff():
    rig = Rig()
    rig.transfer(0x83, 0x12, 0x34, 0x56, 0x78)
    assert rig.transfer(0x03, 0, 0, 0, 0) == b"\x12\x34\x56\x78"
    assert rig.transfer(0x07, 0, 0) == b"\x00\xff"
    assert rig.transfer(0x7F, 0, 0, 0, 0, 0) == b"\xff\x00\x00\x00\x12"


def test_what_is_read_only_is_not_written():
    rig = Rig()
    rig.transfer(0x81, 0xAA, 0xAA)
    rig.transfer(0x87, 0xAA)
    assert rig.transfer(0x01, 0, 0) == b"\0\0"
    assert rig.transfer(0x07, 0) == b"\0"


@pytest.mark.parametrize(("config", "ms"), [(0xA0, 52.0), (0xA1, 62.5)])
def test_a_single_conversion_takes_its_time_and_clears_its_bit(config, ms):
    rig = Rig()
    rig.transfer(0x80, config)
    assert rig.transfer(0x00, 0)[0] == config & ~0x20
    rig.clock.after_ms(ms - 0.1)
    assert rig.code() == 0
    rig.clock.after_ms(0.1)
    assert rig.code() == 16384
    rig.ratio = 0.1
    rig.clock.after_ms(1000)
    assert rig.code() == 16384


@pytest.mark.parametrize(
    ("config", "first_ms", "next_ms"), [(0xC0, 52.0, 16.7), (0xC1, 62.5, 20.0)]
)
def test_automatic_conversions_take_their_time(config, first_ms, next_ms):
    rig = Rig()
    rig.transfer(0x80, config)
    rig.clock.after_ms(first_ms)
    assert rig.code() == 16384
    rig.ratio = 0.25
    rig.clock.after_ms(next_ms - 0.1)
    assert rig.code() == 16384
    rig.clock.after_ms(0.1)
    assert rig.code() == 8192


# Data sheet, table 5, but for its last line, which is rounded to three digits
@pytest.mark.parametrize(
    ("ratio", "word"),
    [(0.025, 0x0666), (0.125, 0x2000), (0.25, 0x4000), (0.5, 0x8000), (0.75, 0xC000)],
)
def test_a_ratio_is_in_the_registers_as_table_5_says(ratio, word):
    rig = Rig(ratio)
    rig.transfer(0x80, 0xC1)
    rig.clock.after_ms(100)
    assert int.from_bytes(rig.transfer(0x01, 0, 0), "big") == word


def test_thresholds_set_fault_bits_which_stay_until_cleared():
    rig = Rig(0.5)
    rig.transfer(0x83, 0x60, 0x00, 0x20, 0x00)  # 0.375 and 0.125
    rig.transfer(0x80, 0xC1)
    rig.clock.after_ms(100)
    assert rig.transfer(0x07, 0) == b"\x80"
    assert rig.transfer(0x02, 0)[0] & 1
    rig.ratio = 0.1
    rig.clock.after_ms(100)
    assert rig.transfer(0x07, 0) == b"\xc0"
    rig.ratio = 0.25
    rig.transfer(0x80, 0xC3)
    rig.clock.after_ms(100)
    assert rig.transfer(0x07, 0) == b"\x00"
    assert not rig.transfer(0x02, 0)[0] & 1


def test_the_notch_must_not_change_during_automatic_conversion():
    rig = Rig()
    rig.transfer(0x80, 0xC0)
    with pytest.raises(ValueError, match="notch"):
        rig.transfer(0x80, 0xC1)


def test_a_conversion_that_ended_before_the_sensor_changed_keeps_the_old_value():
    rig = Rig(0.5)
    rig.transfer(0x80, 0xC1)
    rig.clock.after_ms(70)
    rig.chip.advance()
    rig.ratio = 0.25
    rig.clock.after_ms(10)
    assert rig.code() == 16384


@pytest.mark.parametrize("count", [0, 1, 8192, 9323, 32766, 32767])
def test_counts_of_the_twin_come_back_as_the_same_counts(count):
    rig = Rig(count / 32768)
    rig.transfer(0x80, 0xC1)
    rig.clock.after_ms(100)
    assert rig.code() == count
