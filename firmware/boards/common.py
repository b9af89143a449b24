"""The code that all boards share; each board has a file with its own code."""

import machine

from firmware.boards.safe import free_bus, make_safe


class Board:
    """A board for firmware/start.py. The files of the boards add watchdog(), and the methods that
    firmware/boards/unit.py calls:

    i2c(freq, timeout_us), spi(baudrate) : buses on the pins of `pins`
    uart(baudrate) : any(), readinto() and write(), none of which waits
    enable, lamp   : their pins, outputs that are low from the moment a board is made
    fan_pwm()      : freq() and duty_u16(); the pin is the inverse, for a transistor turns it round
    """

    folder = ""  # of the stored settings

    def __init__(self, name: str, pins: dict):
        self.name = name
        self.pins = pins
        make_safe(self)

    def make(self, settings):
        """Make the unit on this board's pins, without energising anything."""
        from firmware.boards.unit import make_unit  # takes memory only while needed

        return make_unit(self, settings)

    def free_bus(self):
        """The I2C bus, cleared and opened; see safe.py."""
        return free_bus(self)

    def contact(self, signal: str):
        """The pin of a contact that reads 1 while closed; a broken wire reads open."""
        pin = machine.Pin
        return pin(self.pins[signal], pin.IN, pin.PULL_DOWN)

    def tach_pull(self):
        """The pull of the tachometer's pin, beside the resistor outside."""
        return machine.Pin.PULL_UP

    def lamp_adc(self):
        return machine.ADC(machine.Pin(self.pins["lamp_sense"]))

    def guard(self):
        """Return None: the serial line is read byte by byte."""
        return None

    def reset(self) -> None:
        machine.reset()

    def reset_cause(self) -> str:
        caused = machine.reset_cause() == machine.WDT_RESET
        return "watchdog" if caused else "power, reset pin or reset command"
