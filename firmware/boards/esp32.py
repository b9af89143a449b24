"""ESP32-DevKitC and boards like it, with an ESP32-WROOM-32 or ESP32-WROVER module.

Sources: ESP32 data sheet, ESP32 Series SoC Errata, MicroPython's esp32 port 1.25.

The port's interrupts are soft: they wait for the collector, and erratum GPIO-3.14 can lose one of
two that come at once. An opened chain is therefore cut by the next tick at the latest, through the
level that the tick itself reads. Where that is too late, take a board with hard interrupts.
"""

import machine

from firmware.boards.board_table import ESP32
from firmware.boards.common import Board as AnyBoard
from firmware.boards.watchdog import Watchdog

WATCHDOG_MS = 1000  # the documentation's minimum
LONGEST_MS = 86400000  # a day; the port's own limit, four times 2**28, is not far above
TIMER = 0
FULL = 65535


class Board(AnyBoard):
    def i2c(self, freq: int, timeout_us: int):
        # With a clock line that is held low this driver stops after the time-out. Without a
        # time-out it stops after 100 ms for each byte, and the watchdog resets the board before.
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
            2,
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
            2,
            baudrate=baudrate,
            tx=pin(pins["generator_tx"]),
            rx=pin(pins["generator_rx"]),
            txbuf=256,  # without one, write() waits
            rxbuf=256,
            timeout=0,
        )

    def fan_pwm(self) -> "InvertedPwm":
        return InvertedPwm(machine.PWM(machine.Pin(self.pins["fan_pwm"])))

    def tach_pull(self) -> None:
        """Return None: GPIO34 has no pull."""

    def lamp_adc(self):
        # Full scale about 3.1 V; after power-up the converter's full scale is 1 V.
        return machine.ADC(machine.Pin(self.pins["lamp_sense"]), atten=machine.ADC.ATTN_11DB)

    def watchdog(self) -> Watchdog:
        return Watchdog(WATCHDOG_MS, LONGEST_MS, TIMER)


class InvertedPwm:
    """machine.PWM inverted; the port itself can invert only from 1.26 on."""

    def __init__(self, pwm):
        self._pwm = pwm

    def freq(self, hz: int) -> None:
        self._pwm.freq(hz)

    def duty_u16(self, duty: int) -> None:
        self._pwm.duty_u16(FULL - duty)


board = Board("esp32", ESP32)
