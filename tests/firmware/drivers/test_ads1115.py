"""The converter of the monitors: codes of the data sheet, and no setting taken for a reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers.ads1115 import Ads1115
from hil.pico.chips import ads1115 as chips
from hil.pico.chips.bus import I2CBus
from tests.kit.driver_rigs import Babbling, Clock, Faltering, anything, sources

ADDRESS = 0x48
LSB_V = 62.5e-6
CONVERSION_MS = 1.0e3 / 860 + 0.001


class Rig:
    def __init__(self):
        self.clock = Clock()
        self.volts = [0.0, 0.0, 0.0, 0.0]
        self.chip = chips.Ads1115(sources(self.volts), self.clock)
        self.bus = I2CBus()
        self.bus.attach(ADDRESS, self.chip)
        self.driver = Ads1115(self.bus, ADDRESS)

    def running(self, channel=0) -> "Rig":
        assert self.driver.configure(channel)
        self.clock.after_ms(2 * CONVERSION_MS)
        return self

    def reading(self):
        assert self.driver.read()
        return self.driver.raw


# Data sheet SBAS444E, table 7-3, of +FS = 2.048 V; the negative half clipped by the driver.
@pytest.mark.parametrize(
    ("volts", "raw"),
    [
        (2.048, 0x7FFF),
        (2.048 * 32767 / 32768, 0x7FFF),
        (2.048 / 32768, 0x0001),
        (0.0, 0x0000),
        (-2.048 / 32768, 0x0000),
        (-2.048, 0x0000),
        (3.3, 0x7FFF),
    ],
)
def test_the_ideal_codes_of_the_data_sheet(volts, raw):
    rig = Rig()
    rig.volts[0] = volts
    assert rig.running().reading() == raw


@given(st.integers(0, 32767), st.integers(0, 3))
def test_counts_of_the_twin_come_back_as_the_same_counts(counts, channel):
    rig = Rig()
    rig.volts[channel] = counts * LSB_V
    assert rig.running(channel).reading() == counts


@pytest.mark.parametrize(
    ("channel", "config"), [(0, 0x44E3), (1, 0x54E3), (2, 0x64E3), (3, 0x74E3)]
)
def test_the_configuration_is_that_of_table_8_3(channel, config):
    rig = Rig()
    rig.driver.configure(channel)
    assert rig.chip.registers[chips.CONFIG] == config


def test_a_reading_is_two_bytes_and_no_more():
    rig = Rig().running()
    rig.bus.attach(ADDRESS, Faltering(rig.chip, 2))
    assert rig.driver.read()
    assert not rig.driver.read()


def test_a_reading_changes_when_a_conversion_ends():
    rig = Rig().running()
    assert rig.reading() == 0
    rig.volts[0] = 1.0
    assert rig.reading() == 0
    rig.clock.after_ms(CONVERSION_MS)
    assert rig.reading() == 16000


def test_another_input_shows_with_the_second_conversion_and_not_before():
    rig = Rig()
    rig.volts[:2] = [0.1, 0.2]
    rig.running(0)
    assert rig.driver.select(1)
    rig.clock.after_ms(CONVERSION_MS)
    assert rig.reading() == 1600
    rig.clock.after_ms(CONVERSION_MS)
    assert rig.reading() == 3200


def test_check_confirms_a_configured_chip_and_leaves_it_ready_to_read():
    rig = Rig()
    rig.volts[2] = 0.5
    rig.running(2)
    assert rig.driver.check()
    assert rig.reading() == 8000


def test_a_chip_that_lost_its_power_reads_nothing_until_it_is_checked():
    rig = Rig()
    rig.volts[3] = 0.5
    rig.running(3)
    rig.chip.power_cycle()
    assert rig.reading() == 0  # why check() is there
    assert not rig.driver.check()
    rig.clock.after_ms(2 * CONVERSION_MS)
    assert rig.driver.check()
    assert rig.reading() == 8000


@pytest.mark.parametrize("bit", [1 << bit for bit in range(15)])
def test_a_setting_that_has_changed_is_found_and_written_again(bit):
    rig = Rig()
    rig.volts[0] = 1.0
    rig.running()
    rig.chip.registers[chips.CONFIG] ^= bit
    rig.clock.after_ms(10)
    assert not rig.driver.prove()
    assert rig.chip.registers[chips.CONFIG] == 0x44E3
    rig.clock.after_ms(10)
    assert rig.reading() == 16000


def test_a_setting_that_does_not_hold_lets_no_reading_through():
    rig = Rig()
    rig.running()
    configure = rig.chip._configure

    def stuck(config):
        rig.chip.registers[chips.CONFIG] = config | 0x0200  # gain
        configure(config | 0x0200)

    rig.chip._configure = stuck  # type: ignore[method-assign]
    stuck(0x44E3)
    assert not rig.driver.prove()
    for _ in range(100):
        rig.clock.after_ms(10)
        assert not rig.driver.read()


def test_a_proof_costs_one_reading():
    rig = Rig()
    rig.volts[0] = 1.0
    rig.running()
    assert rig.driver.prove()
    rig.clock.after_ms(10)
    assert not rig.driver.read()
    rig.clock.after_ms(10)
    assert rig.reading() == 16000
    assert rig.chip.registers[chips.CONFIG] == 0x44E3


def test_a_chip_that_answers_and_converts_no_more_has_no_reading_after_its_proof():
    rig = Rig()
    rig.running()
    rig.chip._convert = lambda now_us: None  # type: ignore[method-assign]
    assert rig.driver.read()  # its answers look alike
    rig.driver.prove()
    for _ in range(100):
        rig.clock.after_ms(10)
        assert not rig.driver.read()


def test_a_proof_that_is_looked_at_too_early_goes_on():
    rig = Rig()
    rig.volts[0] = 1.0
    rig.running()
    assert rig.driver.prove()
    assert not rig.driver.read()
    rig.clock.after_ms(10)
    assert not rig.driver.read()
    assert rig.reading() == 16000


@pytest.mark.parametrize("fault", ["stuck", "absent"])
def test_a_bus_error_is_a_false_and_leaves_the_last_reading(fault):
    rig = Rig()
    rig.volts[0] = 1.0
    assert rig.running().reading() == 16000
    faulty = rig.bus if fault == "stuck" else rig.chip
    setattr(faulty, fault, True)
    for _ in range(3):
        assert not rig.driver.read()
        assert not rig.driver.check()
        assert not rig.driver.select(0)
    assert rig.driver.raw == 16000
    setattr(faulty, fault, False)
    assert not rig.driver.read()  # told again
    rig.clock.after_ms(2 * CONVERSION_MS)
    assert rig.reading() == 16000


def test_a_chip_that_was_absent_is_configured_again_before_it_is_read():
    rig = Rig()
    rig.volts[0] = 1.0
    assert rig.running().reading() == 16000
    rig.chip.absent = True
    assert not rig.driver.read()
    rig.chip.absent = False
    rig.chip.power_cycle()
    assert not rig.driver.read()
    rig.clock.after_ms(2 * CONVERSION_MS)
    assert rig.reading() == 16000


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("call", ["check", "prove", "select"])
def test_wherever_a_transfer_breaks_off_a_setting_is_never_a_reading(call, after):
    rig = Rig()
    rig.volts[0] = 1.0
    rig.running()
    broken = Faltering(rig.chip, after)
    rig.bus.attach(ADDRESS, broken)
    rig.driver.select(0) if call == "select" else getattr(rig.driver, call)()
    rig.bus.attach(ADDRESS, rig.chip)
    for _ in range(3):
        rig.clock.after_ms(2 * CONVERSION_MS)
        if rig.driver.read():
            assert rig.driver.raw == 16000
    assert rig.reading() == 16000


@given(anything, st.lists(st.sampled_from(["read", "check", "prove", "select"]), max_size=20))
def test_whatever_comes_back_the_reading_stays_within_its_range(answers, calls):
    driver = Ads1115(Babbling(answers))
    for call in calls:
        driver.select(1) if call == "select" else getattr(driver, call)()
        assert 0 <= driver.raw <= 32767
