"""Pyboard v1.1 (STM32F405) and Pyboard D (STM32F722, STM32F767): the functions that both have on
the same pins.

Sources: STM32F405 data sheet DS8626, MicroPython's stm32 port 1.25 (machine.I2C, SPI and UART
accept only the pins of their peripheral; machine.PWM exists from 1.28 on).

On a computer the board also appears as a disk. Computer and board must not write to its FAT file
system at the same time: boot.py should call pyb.usb_mode("VCP").
"""

import machine
import pyb

from firmware.boards.board_table import PYBOARD
from firmware.boards.common import Board as AnyBoard
from firmware.boards.watchdog import Watchdog

# Saving settings on a v1.1 erases sectors of 16 to 64 kB, up to 1.1 s each (DS8626), and stops the
# processor meanwhile. The watchdog's oscillator is up to 47 kHz instead of 32.
WATCHDOG_MS = 4000
LONGEST_MS = 32000
TIMER = -1  # one in software
FAN_TIMER, FAN_CHANNEL = 2, 3  # of Y9
FULL = 65535


class Board(AnyBoard):
    folder = "/flash"

    def i2c(self, freq: int, timeout_us: int):
        return machine.I2C(1, freq=freq, timeout=timeout_us)

    def spi(self, baudrate: int):
        return machine.SPI(1, baudrate=baudrate, polarity=0, phase=1)

    def uart(self, baudrate: int):
        # write() waits until the bytes are out: 1 ms for a request.
        return machine.UART("YA", baudrate=baudrate, timeout=0, rxbuf=256)

    def fan_pwm(self) -> "TimerPwm":
        return TimerPwm(machine.Pin(self.pins["fan_pwm"]), FAN_TIMER, FAN_CHANNEL)

    def watchdog(self) -> Watchdog:
        return Watchdog(WATCHDOG_MS, LONGEST_MS, TIMER)


class TimerPwm:
    """A channel of pyb.Timer with the methods of machine.PWM, inverted; freq() comes first."""

    def __init__(self, pin, timer: int, channel: int):
        self._pin = pin
        self._timer = pyb.Timer(timer)
        self._channel_number = channel

    def freq(self, hz: int) -> None:
        self._timer.init(freq=hz)
        self._ticks = self._timer.period() + 1
        self._channel = self._timer.channel(
            self._channel_number, pyb.Timer.PWM_INVERTED, pin=self._pin, pulse_width=0
        )

    def duty_u16(self, duty: int) -> None:
        self._channel.pulse_width(duty * self._ticks // FULL)


board = Board("pyboard", PYBOARD)
