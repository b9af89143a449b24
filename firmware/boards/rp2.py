"""What the boards with an RP2040 or RP2350 share; pins and names are in the files of the boards.

Data sheets: RP-008371-DS (RP2040), RP-008373-DS (RP2350).
"""

import time

import machine

from firmware.drivers.ads1115 import Ads1115
from firmware.drivers.analog_generator import AnalogGenerator
from firmware.drivers.bme280 import Bme280
from firmware.drivers.fan import Fan
from firmware.drivers.lamp import Lamp
from firmware.drivers.max31865 import Max31865
from firmware.drivers.mcp4728 import Mcp4728
from firmware.hardware import Hardware

BUS_TIMEOUT_US = 1000  # a transfer of the longest message takes 0.4 ms
WATCHDOG_MS = 500
WATCHDOG_ENABLE = 1 << 30  # of its CTRL register
ATOMIC_CLEAR = 0x3000  # where a register's bits are cleared


class Board:
    """What firmware/start.py asks of a board."""

    folder = ""  # of the stored settings

    def __init__(self, name: str, pins: dict, watchdog_control: int):
        self.name = name
        self._pins = pins
        self._watchdog_control = watchdog_control

    def make(self, settings) -> Hardware:
        """The unit on this board's pins. Nothing is energised by it."""
        pin = machine.Pin
        pins = self._pins
        enable = pin(pins["hv_enable"], pin.OUT, value=0)
        i2c = machine.I2C(
            0,
            sda=pin(pins["i2c_sda"]),
            scl=pin(pins["i2c_scl"]),
            freq=400000,
            timeout=BUS_TIMEOUT_US,
        )
        spi = machine.SPI(
            0,
            baudrate=2000000,
            polarity=0,
            phase=1,
            sck=pin(pins["spi_sck"]),
            mosi=pin(pins["spi_mosi"]),
            miso=pin(pins["spi_miso"]),
        )
        generator = AnalogGenerator(
            Ads1115(i2c, 0x48),
            Ads1115(i2c, 0x49),
            Mcp4728(i2c),
            enable,
            pin(pins["generator_ok"], pin.IN, pin.PULL_DOWN),
        )
        return Hardware(
            generator,
            Max31865(spi, pin(pins["head_cs"], pin.OUT, value=1)),
            Max31865(spi, pin(pins["mount_cs"], pin.OUT, value=1)),
            Bme280(i2c),
            Fan(
                machine.PWM(pin(pins["fan_pwm"]), invert=True),
                pin(pins["fan_tach"], pin.IN, pin.PULL_UP),
                time.ticks_us,
            ),
            Lamp(pin(pins["lamp"], pin.OUT, value=0), machine.ADC(pin(pins["lamp_sense"]))),
            pin(pins["chain_a"], pin.IN, pin.PULL_DOWN),
            pin(pins["chain_b"], pin.IN, pin.PULL_DOWN),
            time.ticks_ms,
        )

    def watchdog(self) -> "Watchdog":
        """Armed from here on."""
        return Watchdog(self._watchdog_control)

    def reset(self) -> None:
        machine.reset()

    def reset_cause(self) -> str:
        caused = machine.reset_cause() == machine.WDT_RESET
        return "watchdog or reset command" if caused else "power or reset pin"


class Watchdog:
    """feed() in time, or the board starts anew, with nothing energised."""

    def __init__(self, control: int):
        self._control = control
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self.feed = self._watchdog.feed

    def release(self) -> None:
        """Stop it, which machine.WDT can't: after the safe state, for whoever pressed Ctrl-C."""
        machine.mem32[self._control + ATOMIC_CLEAR] = WATCHDOG_ENABLE
