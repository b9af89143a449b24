"""What all boards share; each has a file with what is its own."""

import machine


class Board:
    """What firmware/start.py asks of a board.

    The files of the boards add watchdog(), and what firmware/boards/unit.py asks for:

    i2c(freq, timeout_us), spi(baudrate) : buses on the pins of `pins`
    uart(baudrate) : any(), readinto() and write(), none of which waits
    fan_pwm()      : freq() and duty_u16(); the pin is the inverse, for a transistor turns it round
    """

    folder = ""  # of the stored settings

    def __init__(self, name: str, pins: dict):
        self.name = name
        self.pins = pins

    def make(self, settings):
        """The unit on this board's pins. Nothing is energised by it."""
        from firmware.boards.unit import make_unit  # it takes memory while it is needed, only

        return make_unit(self, settings)

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
        """None: the serial line is read byte by byte."""
        return None

    def reset(self) -> None:
        machine.reset()

    def reset_cause(self) -> str:
        caused = machine.reset_cause() == machine.WDT_RESET
        return "watchdog" if caused else "power, reset pin or reset command"
