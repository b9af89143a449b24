"""The converter's registers: what of the data sheet (SBAS444E) the driver does not use."""

import pytest

from hil.pico.chips.ads1115 import CONFIG, CONVERSION, Ads1115
from hil.pico.chips.bus import I2CBus
from tests.kit.driver_rigs import Clock, sources


class Rig:
    def __init__(self, *volts):
        self.clock = Clock()
        self.volts = list(volts) + [0.0] * (4 - len(volts))
        self.chip = Ads1115(sources(self.volts), self.clock)
        self.bus = I2CBus()
        self.bus.attach(0x48, self.chip)

    def write(self, config):
        self.bus.writeto_mem(0x48, CONFIG, config.to_bytes(2, "big"))

    def word(self, register):
        return int.from_bytes(self.bus.readfrom_mem(0x48, register, 2), "big")


def test_registers_after_power_up():
    rig = Rig(1.0)
    rig.clock.after_ms(1000)
    assert [rig.word(register) for register in range(4)] == [0x0000, 0x8583, 0x8000, 0x7FFF]


def test_a_single_conversion_is_made_when_asked_for_and_shown_by_the_status_bit():
    rig = Rig(1.0)
    rig.write(0x8583 | 4 << 12)
    assert rig.word(CONFIG) == 0x4583  # busy
    rig.clock.after_ms(7.8)
    assert rig.word(CONVERSION) == 0
    rig.clock.after_ms(0.1)
    assert rig.word(CONFIG) == 0xC583
    assert rig.word(CONVERSION) == 16000
    rig.volts[0] = 0.5
    rig.clock.after_ms(1000)
    assert rig.word(CONVERSION) == 16000


@pytest.mark.parametrize(
    ("bits", "rate"), [(0, 8), (1, 16), (2, 32), (3, 64), (4, 128), (5, 250), (6, 475), (7, 860)]
)
def test_a_conversion_takes_one_over_the_data_rate(bits, rate):
    rig = Rig(1.0)
    rig.write(0x4403 | bits << 5)
    rig.clock.us = round(25 + 1e6 / rate) - 2
    assert rig.word(CONVERSION) == 0
    rig.clock.us += 4
    assert rig.word(CONVERSION) == 16000


@pytest.mark.parametrize(
    ("mux", "code"),
    [(0, -1600), (1, -4800), (2, -3200), (3, -1600), (4, 1600), (5, 3200), (6, 4800), (7, 6400)],
)
def test_the_multiplexer_takes_the_inputs_of_the_table(mux, code):
    rig = Rig(0.1, 0.2, 0.3, 0.4)
    rig.write(0x04E3 | mux << 12)
    rig.clock.after_ms(2)
    assert rig.word(CONVERSION) == code & 0xFFFF


@pytest.mark.parametrize(
    ("pga", "lsb_uv"), [(0, 187.5), (1, 125), (2, 62.5), (3, 31.25), (4, 15.625), (5, 7.8125)]
)
def test_the_gain_gives_the_counts_of_table_7_1(pga, lsb_uv):
    rig = Rig(100 * lsb_uv * 1e-6)
    rig.write(0x40E3 | pga << 9)
    rig.clock.after_ms(2)
    assert rig.word(CONVERSION) == 100


def test_a_conversion_that_ended_before_the_input_changed_keeps_the_old_value():
    rig = Rig(1.0)
    rig.write(0x44E3)
    rig.clock.after_ms(1.5)
    rig.chip.advance()
    rig.volts[0] = 0.5
    rig.clock.after_ms(0.5)
    assert rig.word(CONVERSION) == 16000
    rig.clock.after_ms(1.0)
    assert rig.word(CONVERSION) == 8000


def test_a_power_cycle_stops_the_conversions():
    rig = Rig(1.0)
    rig.write(0x44E3)
    rig.clock.after_ms(5)
    rig.chip.power_cycle()
    rig.clock.after_ms(5)
    assert rig.word(CONVERSION) == 0
