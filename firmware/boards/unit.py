"""Build a unit on a board.

The board has made its pin for the high voltage low before (firmware/boards/safe.py). From power-up
until then, and in a reset, every port leaves it an input: only a resistor outside the processor
holds the enable off in that time (docs/board/wiring.md).
"""

import sys
import time

import machine

from firmware.boards.hardware import Hardware
from firmware.drivers.bme280 import Bme280
from firmware.drivers.fan import Fan
from firmware.drivers.generator_table import TABLE as GENERATORS
from firmware.drivers.lamp import Lamp
from firmware.drivers.max31865 import Max31865

SPI_HZ = 2000000


def make_unit(board, settings) -> Hardware:
    """Make the unit on the pins of `board`, see common.py."""
    pin = machine.Pin
    pins = board.pins
    head_cs = pin(pins["head_cs"], pin.OUT, value=1)
    mount_cs = pin(pins["mount_cs"], pin.OUT, value=1)
    i2c = board.free_bus()
    spi = board.spi(SPI_HZ)
    return Hardware(
        make_generator(board, settings, i2c, board.enable),
        Max31865(spi, head_cs),
        Max31865(spi, mount_cs),
        Bme280(i2c),
        Fan(board.fan_pwm(), pin(pins["fan_tach"], pin.IN, board.tach_pull()), time.ticks_us),
        Lamp(board.lamp, board.lamp_adc()),
        board.contact("chain_a"),
        board.contact("chain_b"),
        time.ticks_ms,
        board.free_bus,
    )


def make_generator(board, settings, i2c, enable):
    """Make the driver that the settings name; the code of the others is not loaded."""
    model, _, module = GENERATORS[int(getattr(settings, "serial_generator", 0))]
    __import__(module)
    interrupts = (machine.disable_irq, machine.enable_irq)
    return sys.modules[module].make(board, i2c, enable, settings, model, interrupts)
