"""The lamp: on, off, and 12-bit counts through a converter of 16."""

import pytest

from firmware.drivers.lamp import Lamp
from hil.pico.chips.bus import ADC, Pin
from hil.pico.chips.lamp import current_u16


def test_the_lamp_is_off_until_it_is_switched_on():
    pin = Pin(1)
    lamp = Lamp(pin, ADC(lambda: 0))
    assert pin.level == 0
    lamp.set(1)
    assert pin.level == 1
    lamp.set(False)
    assert pin.level == 0


@pytest.mark.parametrize("counts", [0, 1, 2047, 2048, 4094, 4095])
def test_counts_come_back_as_they_were(counts):
    lamp = Lamp(Pin(), ADC(current_u16(lambda: counts)))
    assert lamp.read()
    assert lamp.raw == counts


def test_what_the_converter_cannot_give_is_held_at_its_ends():
    assert current_u16(lambda: 5000)() == 65535
    assert current_u16(lambda: -1)() == 0
