"""A unit in this process: the firmware's hardware layer and drivers on chip models and a plant.

The unit is a board: a caller makes a tick with read(), write() and the plant's advance().
"""

from typing import Any

from firmware.boards.hardware import Hardware
from firmware.drivers.ads1115 import Ads1115
from firmware.drivers.analog_generator import AnalogGenerator
from firmware.drivers.bme280 import Bme280
from firmware.drivers.fan import Fan
from firmware.drivers.lamp import Lamp
from firmware.drivers.max31865 import Max31865
from firmware.drivers.mcp4728 import Mcp4728
from firmware.ticks import MASK
from hil.pico.chips.bus import ADC, PWM, I2CBus, Pin, SPIBus
from hil.pico.chips.fan import program_of
from hil.pico.chips.lamp import current_u16
from hil.pico.chips.rack import KV_ADDRESS, MA_ADDRESS, Rack
from twin.plant.plant import TICK_MS

CONTACTS = ("chain_a", "chain_b", "generator_ok")


class ChipUnit:
    """rack, i2c, spi and pins are there to be broken.

    i2c, spi  : other buses than those of the rack
    start_ms  : what the board's counter of ms says at first
    tach_cut  : the tachometer's wire is off
    lamp_open : the lamp's filament is broken
    """

    PIN: type[Pin] = Pin

    def __init__(self, plant: Any, i2c: Any = None, spi: Any = None, start_ms: int = 0):
        self.plant = plant
        self.us = 0
        self.freed = 0
        self.start_ms = start_ms
        self.tach_cut = self.lamp_open = False
        self.rack = Rack(plant, lambda: self.us)
        pin = self.PIN
        self.pins = {name: pin(1) for name in (*CONTACTS, "fan_tach", "head_cs", "mount_cs")}
        self.pins |= {"hv_enable": pin(), "lamp": pin()}
        self.pwm = PWM()
        self.i2c, self.spi = I2CBus(), SPIBus()
        for address, chip in self.rack.i2c.items():
            self.i2c.attach(address, chip)
        self.spi.attach(self.pins["head_cs"], self.rack.head)
        self.spi.attach(self.pins["mount_cs"], self.rack.mount)
        self.show()
        self.hardware = self._firmware(i2c or self.i2c, spi or self.spi)

    def _firmware(self, i2c: Any, spi: Any) -> Hardware:
        """As firmware/boards/unit.py puts it together."""
        pins = self.pins
        generator = AnalogGenerator(
            Ads1115(i2c, KV_ADDRESS),
            Ads1115(i2c, MA_ADDRESS),
            Mcp4728(i2c),
            pins["hv_enable"],
            pins["generator_ok"],
        )
        return Hardware(
            generator,
            Max31865(spi, pins["head_cs"]),
            Max31865(spi, pins["mount_cs"]),
            Bme280(i2c),
            Fan(self.pwm, pins["fan_tach"], lambda: self.us & MASK),
            Lamp(pins["lamp"], ADC(current_u16(self._lamp_raw))),
            pins["chain_a"],
            pins["chain_b"],
            self.ticks_ms,
            self.free_bus,
        )

    def free_bus(self) -> None:
        """What firmware/boards/safe.py does on the pins; a bus with held clocks lets go."""
        self.freed += 1
        self.i2c.clear()

    def ticks_ms(self) -> int:
        return (self.start_ms + self.us // 1000) & MASK

    def read(self, inputs: Any) -> None:
        """A tick later than the last time."""
        self.pass_us(1000 * TICK_MS)
        self.hardware.read(inputs)

    def write(self, outputs: Any) -> None:
        self.hardware.write(outputs)
        self.rack.drive(self.enabled, bool(self.pins["lamp"].value()), program_of(self.pwm))

    def health(self) -> dict[str, str]:
        return self.hardware.health()

    @property
    def enabled(self) -> bool:
        return bool(self.pins["hv_enable"].value())

    def pass_us(self, duration_us: int) -> None:
        """Let time pass, in which the fan turns and contacts may have moved."""
        until_us = self.us + duration_us
        for at_us, level in self.rack.fan.edges_until(until_us):
            self.us = at_us
            if not self.tach_cut:
                self.pins["fan_tach"].value(level)
        self.us = until_us
        self.show()

    def set_switches(self, switches: int) -> None:
        """Open or close contacts, now."""
        self.plant.switches = switches
        self.show()

    def show(self) -> None:
        for name, closed in zip(CONTACTS, self.rack.contacts(), strict=True):
            self.pins[name].value(int(closed))

    def _lamp_raw(self) -> int:
        return 0 if self.lamp_open else self.rack.lamp_raw()
