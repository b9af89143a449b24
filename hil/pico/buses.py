"""The emulated Pico's bus peripherals, connected to register-level chips, at the speed of the bus.

rp2040py transfers a byte in zero time. Here a byte takes the time of its bits on the wire, so that
the time of a tick includes its transfers.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rp2040py.peripherals.i2c import R_TX_EMPTY, I2CMode

from hil.pico.chips.bus import I2CChip, SPIChip
from hil.pico.emulated import EmulatedPico

BITS = 9  # of a byte on I2C with its acknowledgement
STOP_BITS = 1


class I2CWires:
    """One I2C peripheral and the chips on its wires, by address.

    stuck  : True while a chip holds the data line low and blocks the bus
    absent : addresses of chips that are removed from the bus
    """

    def __init__(self, pico: EmulatedPico, number: int, chips: Mapping[int, I2CChip]):
        self.stuck = False
        self.absent: set[int] = set()
        self._bus: Any = pico.mcu.i2c[number]
        self._clock: Any = pico.clock
        self._chips = chips
        self._chip: I2CChip | None = None
        self._then: Callable[[], None] = lambda: None
        self._alarm = pico.alarm(lambda: self._then())
        self._bus.on_start = self._start
        self._bus.on_connect = self._connect
        self._bus.on_write_byte = self._write
        self._bus.on_read_byte = self._read
        self._bus.on_stop = self._stop

    def _after(self, bits: int, act: Callable[[], None]) -> None:
        if self.stuck:
            return  # the peripheral waits until the firmware's time-out
        cycles = self._bus.scl_low_period + self._bus.scl_high_period
        self._then = act
        self._alarm.schedule(1e9 * bits * cycles / self._clock.frequency)

    def _start(self, _repeated: bool) -> None:
        self._after(1, self._bus.complete_start)

    def _connect(self, address: int, mode: I2CMode) -> None:
        chip = None if address in self.absent else self._chips.get(address)
        self._chip = chip if chip and chip.start(mode is I2CMode.READ) else None
        if self._chip:
            self._after(BITS, lambda: self._bus.complete_connect(True))
        else:
            self._after(BITS, self._refuse)

    def _refuse(self) -> None:
        self._bus.complete_connect(False)
        self._bus._set_interrupts(R_TX_EMPTY)  # an abort empties the queue, which rp2040py omits

    def _write(self, byte: int) -> None:
        assert self._chip
        taken = self._chip.write(byte)
        self._after(BITS, lambda: self._bus.complete_write(taken))

    def _read(self, ack: bool) -> None:
        assert self._chip
        byte = self._chip.read(ack)
        self._after(BITS, lambda: self._bus.complete_read(byte))

    def _stop(self) -> None:
        if self._chip:
            self._chip.stop()
            self._chip = None
        self._after(STOP_BITS, self._bus.complete_stop)


class SPIWires:
    """One SPI peripheral; each chip listens while its pin is low.

    absent : select pins of chips that are removed from the bus, which then reads ones
    """

    def __init__(self, pico: EmulatedPico, number: int, chips: Mapping[int, SPIChip]):
        self.absent: set[int] = set()
        self._bus: Any = pico.mcu.spi[number]
        self._pico = pico
        self._chips = chips
        self._answer = 0
        self._alarm = pico.alarm(lambda: self._bus.complete_transmit(self._answer))
        self._bus.on_transmit = self._transmit
        for pin, chip in chips.items():
            pico.watch(pin, lambda high, chip=chip: chip.select(not high))  # type: ignore[misc]

    def _transmit(self, byte: int) -> None:
        self._answer = 0xFF
        for pin, chip in self._chips.items():
            if pin not in self.absent and not self._pico.level(pin):
                self._answer = chip.transfer(byte)
        self._alarm.schedule(1e9 * self._bus.data_bits / self._bus.clock_frequency)
