"""The outputs' registers: what of the data sheet (DS22187E) the driver does not use."""

import pytest

from hil.pico.chips.bus import I2CBus
from hil.pico.chips.mcp4728 import Mcp4728
from tests.kit.driver_rigs import Clock

VDD_V = 5.0


class Rig:
    def __init__(self):
        self.clock = Clock()
        self.chip = Mcp4728(self.clock, VDD_V)
        self.bus = I2CBus()
        self.bus.attach(0x60, self.chip)

    def write(self, data):
        self.bus.writeto(0x60, bytes.fromhex(data))

    def volts(self):
        return [self.chip.volts(channel) for channel in range(4)]


SEQUENTIAL = "50 0800 0fff 9800 9fff"  # figure 7-4
SEQUENTIAL_V = [VDD_V / 2, VDD_V * 4095 / 4096, 2.048, 4.096 * 4095 / 4096]


def test_the_data_sheets_sequential_write_gives_its_voltages():
    rig = Rig()
    rig.write(SEQUENTIAL)
    assert rig.volts() == pytest.approx(SEQUENTIAL_V)


def test_what_is_in_the_eeprom_comes_back_with_the_power():
    rig = Rig()
    assert rig.volts() == [0.0] * 4  # as delivered
    rig.write(SEQUENTIAL)
    rig.clock.after_ms(50)
    rig.write("0111 0222 0333 0444")
    assert rig.volts()[0] == pytest.approx(VDD_V * 0x111 / 4096)
    rig.chip.power_cycle()
    assert rig.volts() == pytest.approx(SEQUENTIAL_V)


def test_commands_are_ignored_while_the_eeprom_is_written():
    rig = Rig()
    rig.write("5e 8100")  # single write of channel D
    assert rig.chip.busy
    assert rig.bus.readfrom(0x60, 1)[0] & 0x80 == 0
    rig.write("0fff")
    assert rig.volts() == [0.0, 0.0, 0.0, 0.128]
    rig.clock.after_ms(50)
    assert rig.bus.readfrom(0x60, 1)[0] & 0x80
    rig.write("0fff")
    assert rig.volts()[0] == 2.0475


def test_a_multi_write_takes_its_channels_in_any_order():
    rig = Rig()
    rig.write("46 8064 40 80c8")
    assert rig.volts() == [0.1, 0.0, 0.0, 0.05]


def test_reference_gain_and_power_down_are_bits_of_each_channel():
    rig = Rig()
    rig.write("0800 0800 0800 0800")
    rig.write("86")  # references of B and C internal, of A and D the supply
    assert rig.volts() == [2.5, 1.024, 1.024, 2.5]
    rig.write("c5")  # gain 2 for B and D; that of D does not count
    assert rig.volts() == [2.5, 2.048, 1.024, 2.5]
    rig.write("a1 80")  # figure 5-13: B through 1 kohm, C through 100 kohm
    assert rig.volts() == [2.5, 0.0, 0.0, 2.5]
    rig.write("0800 0800 0800")  # a fast write wakes them
    assert rig.volts() == [2.5, 2.048, 1.024, 2.5]


def test_a_fast_write_may_power_a_channel_down():
    rig = Rig()
    rig.write("0800 1800 2800 3800")  # the load is in bits 5 and 4 (figure 5-7)
    assert [word >> 13 & 3 for word in rig.chip.words] == [0, 1, 2, 3]
    assert rig.volts() == [1.024, 0.0, 0.0, 0.0]


def test_an_output_does_not_exceed_its_supply():
    rig = Rig()
    rig.chip.vdd_v = 3.3
    rig.write("40 9fff")
    assert rig.volts()[0] == 3.3


def test_reading_gives_registers_and_eeprom_of_all_channels():
    rig = Rig()
    rig.write("0123 0456 0789 0abc")
    assert rig.bus.readfrom(0x60, 24) == bytes.fromhex(
        "c08123 c08000 d08456 d08000 e08789 e08000 f08abc f08000"
    )
