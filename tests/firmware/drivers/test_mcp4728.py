"""The programs' outputs: the data sheet's bytes and volts, and no reference taken on trust."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers.mcp4728 import Mcp4728
from hil.pico.chips import mcp4728 as chips
from hil.pico.chips.bus import I2CBus
from tests.kit.driver_rigs import Babbling, Clock, Faltering, anything

ADDRESS = 0x60
codes = st.lists(st.integers(0, 4095), min_size=4, max_size=4)


class Recorder(I2CBus):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written: list[bytes] = []

    def writeto(self, address, buffer, stop=True):
        self.written.append(bytes(buffer))
        return super().writeto(address, buffer, stop)


class Rig:
    def __init__(self):
        self.clock = Clock()
        self.chip = chips.Mcp4728(self.clock)
        self.bus = Recorder()
        self.bus.attach(ADDRESS, self.chip)
        self.driver = Mcp4728(self.bus, ADDRESS)

    def volts(self):
        return [self.chip.volts(channel) for channel in range(4)]


def test_a_fast_write_has_the_bytes_of_the_data_sheets_example():
    # DS22187E, figure 7-5: 4095, 2047, 1023 and 511 to channels A to D
    rig = Rig()
    rig.driver.configure()
    assert rig.driver.write_fast([4095, 2047, 1023, 511], 4)
    assert rig.bus.written[-1] == bytes([0x0F, 0xFF, 0x07, 0xFF, 0x03, 0xFF, 0x01, 0xFF])
    assert rig.volts() == [4095 * 0.5e-3, 2047 * 0.5e-3, 1023 * 0.5e-3, 511 * 0.5e-3]


def test_the_configuration_is_a_multi_write_of_all_channels():
    # Figure 5-8: 01000, channel, UDAC = 0; reference internal, normal, gain 1; code 0
    rig = Rig()
    assert rig.driver.configure()
    assert rig.bus.written == [bytes.fromhex("408000 428000 448000 468000")]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_only_the_first_channels_are_written(count):
    rig = Rig()
    rig.driver.configure()
    assert rig.driver.write_fast((100, 200, 300, 400), count)
    assert len(rig.bus.written[-1]) == 2 * count
    assert rig.volts() == pytest.approx([0.05, 0.1, 0.15, 0.2][:count] + [0.0] * (4 - count))


@given(codes)
def test_a_count_is_half_a_millivolt(values):
    rig = Rig()
    assert rig.driver.write_fast(values, 4)
    assert rig.volts() == [value * 0.5e-3 for value in values]


@pytest.mark.parametrize(("value", "code"), [(4096, 4095), (65535, 4095), (-1, 0), (-5000, 0)])
def test_a_value_out_of_range_is_held_at_its_end(value, code):
    rig = Rig()
    assert rig.driver.write_fast([value], 1)
    assert rig.chip.words[0] & 0x0FFF == code


def test_a_chip_with_another_eeprom_is_brought_to_its_reference_by_the_first_write():
    rig = Rig()
    rig.chip.eeprom[:] = [0x0800, 0x9800, 0x7FFF, 0xFFFF]  # supply, gain 2, powered down
    rig.chip.power_cycle()
    assert max(rig.volts()) > 1.0
    assert rig.driver.write_fast([100], 1)
    assert rig.volts() == [0.05, 0.0, 0.0, 0.0]


def test_a_chip_that_lost_its_power_is_found_and_set_up_with_what_it_had():
    rig = Rig()
    rig.chip.eeprom[:] = [0x0000] * 4  # reference is the supply
    assert rig.driver.write_fast([1000, 2000], 2)
    assert rig.driver.check()
    rig.chip.power_cycle()
    assert not rig.driver.check()
    assert rig.driver.write_fast([1000], 1)
    assert rig.volts() == [0.5, 1.0, 0.0, 0.0]
    assert rig.driver.check()


@given(codes, st.integers(0, 3), st.integers(0, 15))
def test_check_sees_any_change_of_any_channel_and_the_next_write_undoes_it(values, channel, bit):
    rig = Rig()
    rig.driver.write_fast(values, 4)
    assert rig.driver.check()
    rig.chip.words[channel] ^= 1 << bit
    assert not rig.driver.check()
    assert rig.driver.write_fast(values, 1)
    assert rig.driver.check()
    assert rig.volts() == [value * 0.5e-3 for value in values]


@pytest.mark.parametrize("channel", range(4))
def test_after_renew_the_next_write_restores_reference_and_gain(channel):
    rig = Rig()
    rig.driver.write_fast([1, 2, 3, 4], 4)
    rig.chip.words[channel] ^= 0x9000
    rig.driver.renew()
    rig.driver.write_fast([1], 1)
    assert rig.chip.words == [0x8001, 0x8002, 0x8003, 0x8004]


@pytest.mark.parametrize(("words", "safe"), [([0x8000] * 4, True), ([0x8000, 0x8FFF] * 2, False)])
def test_an_eeprom_that_is_not_zero_is_seen(words, safe):
    rig = Rig()
    rig.chip.eeprom[:] = words
    assert rig.driver.power_up_safe is None
    rig.driver.configure()
    assert rig.driver.check()
    assert rig.driver.power_up_safe is safe


def test_the_eeprom_is_never_written():
    rig = Rig()
    before = list(rig.chip.eeprom)
    rig.driver.configure()
    for value in range(0, 4096, 97):
        rig.driver.write_fast([value] * 4, 4)
        rig.driver.check()
    assert rig.chip.eeprom == before
    assert not rig.chip.busy


@pytest.mark.parametrize("fault", ["stuck", "absent"])
def test_a_bus_error_is_a_false_and_the_next_write_sets_all(fault):
    rig = Rig()
    rig.driver.write_fast([1, 2, 3, 4], 4)
    faulty = rig.bus if fault == "stuck" else rig.chip
    setattr(faulty, fault, True)
    assert not rig.driver.write_fast([5, 6, 7, 8], 3)
    assert not rig.driver.check()
    assert not rig.driver.configure()
    setattr(faulty, fault, False)
    assert rig.driver.write_fast([9, 10, 11, 12], 3)
    assert [word & 0x0FFF for word in rig.chip.words] == [9, 10, 11, 0]


@pytest.mark.parametrize("after", range(7))
def test_a_write_that_breaks_off_is_made_good_by_the_next(after):
    rig = Rig()
    rig.driver.configure()
    rig.driver.write_fast([100, 200, 300], 3)
    rig.bus.attach(ADDRESS, Faltering(rig.chip, after))
    assert rig.driver.write_fast([1100, 1200, 1300], 3) == (after == 6)
    rig.bus.attach(ADDRESS, rig.chip)
    assert rig.driver.write_fast([1100], 1)
    assert rig.volts()[:3] == pytest.approx([0.55, 0.6, 0.65])


@given(anything, codes)
def test_whatever_comes_back_there_is_no_exception(answers, values):
    driver = Mcp4728(Babbling(answers))
    for count in (1, 3, 4):
        assert driver.write_fast(values, count) in (True, False)
        assert driver.check() in (True, False)
