"""The code that the boards with an RP2040 or RP2350 share; pins and names are in the boards' files.

Data sheets: RP-008371-DS (RP2040), RP-008373-DS (RP2350).
"""

import machine

from firmware.boards.common import Board as AnyBoard

WATCHDOG_MS = 500
WATCHDOG_ENABLE = 1 << 30  # of its CTRL register
ATOMIC_CLEAR = 0x3000  # where a register's bits are cleared


class Board(AnyBoard):
    def __init__(self, name: str, pins: dict, watchdog_control: int):
        super().__init__(name, pins)
        self._watchdog_control = watchdog_control

    def i2c(self, freq: int, timeout_us: int):
        pin, pins = machine.Pin, self.pins
        return machine.I2C(
            0,
            sda=pin(pins["i2c_sda"]),
            scl=pin(pins["i2c_scl"]),
            freq=freq,
            timeout=timeout_us,
        )

    def spi(self, baudrate: int):
        pin, pins = machine.Pin, self.pins
        return machine.SPI(
            0,
            baudrate=baudrate,
            polarity=0,
            phase=1,
            sck=pin(pins["spi_sck"]),
            mosi=pin(pins["spi_mosi"]),
            miso=pin(pins["spi_miso"]),
        )

    def uart(self, baudrate: int):
        pin, pins = machine.Pin, self.pins
        return machine.UART(
            0,
            baudrate=baudrate,
            tx=pin(pins["generator_tx"]),
            rx=pin(pins["generator_rx"]),
            timeout=0,
        )

    def fan_pwm(self):
        return machine.PWM(machine.Pin(self.pins["fan_pwm"]), invert=True)

    def watchdog(self) -> "Watchdog":
        return Watchdog(self._watchdog_control)

    def guard(self):
        """For reads of the serial line, see firmware/boards/guard.py."""
        from firmware.boards.guard import Guard

        return Guard()

    def reset_cause(self) -> str:
        # The same bits mean both.
        caused = machine.reset_cause() == machine.WDT_RESET
        return "watchdog or reset command" if caused else "power or reset pin"


class Watchdog:
    """A watchdog: without feed() in time the board resets, with nothing energised."""

    def __init__(self, control: int):
        self._control = control
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self.feed = self._watchdog.feed

    def release(self) -> None:
        """Stop the watchdog, which machine.WDT cannot do. Called after the safe state, on
        Ctrl-C."""
        machine.mem32[self._control + ATOMIC_CLEAR] = WATCHDOG_ENABLE
