"""Puts a unit together on a board.

The pin that enables the high voltage comes first: low before it is an output, low before anything
else is touched. From power-up until then, and in a reset, every port leaves it an input: only a
resistor outside the processor holds the enable off in that time (docs/board/wiring.md).
"""

import time

import machine

from firmware.boards.hardware import Hardware
from firmware.drivers.bme280 import Bme280
from firmware.drivers.fan import Fan
from firmware.drivers.lamp import Lamp
from firmware.drivers.max31865 import Max31865
from firmware.drivers.mcp4728 import Mcp4728

I2C_HZ = 400000
I2C_TIMEOUT_US = 1000  # a transfer of the longest message takes 0.4 ms
SPI_HZ = 2000000
GENERATOR_BAUD = 115200
KV_ADDRESS, MA_ADDRESS = 0x48, 0x49
SERIAL_MODELS = ("", "uX50P50", "SLM70P300")  # of settings.serial_generator; the first is analog


def make_unit(board, settings) -> Hardware:
    """The unit on the pins of `board`, see common.py."""
    pin = machine.Pin
    pins = board.pins
    enable = pin(pins["hv_enable"], pin.OUT, value=0)
    lamp = pin(pins["lamp"], pin.OUT, value=0)
    head_cs = pin(pins["head_cs"], pin.OUT, value=1)
    mount_cs = pin(pins["mount_cs"], pin.OUT, value=1)
    i2c = board.i2c(I2C_HZ, I2C_TIMEOUT_US)
    spi = board.spi(SPI_HZ)
    return Hardware(
        make_generator(board, settings, i2c, enable),
        Max31865(spi, head_cs),
        Max31865(spi, mount_cs),
        Bme280(i2c),
        Fan(board.fan_pwm(), pin(pins["fan_tach"], pin.IN, board.tach_pull()), time.ticks_us),
        Lamp(lamp, board.lamp_adc()),
        pin(pins["chain_a"], pin.IN, pin.PULL_DOWN),
        pin(pins["chain_b"], pin.IN, pin.PULL_DOWN),
        time.ticks_ms,
    )


def make_generator(board, settings, i2c, enable):
    """The driver that the settings name; the other's code is not loaded."""
    dac = Mcp4728(i2c)
    interrupts = (machine.disable_irq, machine.enable_irq)
    model = SERIAL_MODELS[int(getattr(settings, "serial_generator", 0))]
    if model:
        from firmware.drivers.spellman.generator import Spellman

        return Spellman(
            board.uart(GENERATOR_BAUD), dac, enable, settings, model, interrupts=interrupts
        )
    from firmware.drivers.ads1115 import Ads1115
    from firmware.drivers.analog_generator import AnalogGenerator

    pin = machine.Pin
    return AnalogGenerator(
        Ads1115(i2c, KV_ADDRESS),
        Ads1115(i2c, MA_ADDRESS),
        dac,
        enable,
        pin(board.pins["generator_ok"], pin.IN, pin.PULL_DOWN),
        interrupts,
    )
