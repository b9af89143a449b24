"""MAX31865, resistance thermometer to digital (Maxim Integrated 19-6478 Rev 3, 7/15).

Without the fault-detection cycle on demand, whose bits clear themselves here.
"""

from collections.abc import Callable

from hil.pico.chips.bus import Clock, SPIChip

CONFIG, RTD_HIGH, RTD_LOW, HIGH_FAULT, LOW_FAULT, STATUS = 0, 1, 2, 3, 5, 7
DEFAULTS = bytes([0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00])  # table 1
WRITABLE = (CONFIG, HIGH_FAULT, HIGH_FAULT + 1, LOW_FAULT, LOW_FAULT + 1)

# Configuration register, table 2
AUTO, ONE_SHOT, CYCLE, CLEAR, NOTCH_50_HZ = 0x40, 0x20, 0x0C, 0x02, 0x01
KEPT = 0xD1  # the other bits clear themselves

# Fault status register, table 7
ABOVE, BELOW, OVERVOLTAGE = 0x80, 0x40, 0x04

# Typical conversion times (page 3), by the notch's bit. The first of continuous conversions
# takes as long as a single one (note 5).
SINGLE_US = (52000, 62500)
CONTINUOUS_US = (16700, 20000)


class Max31865(SPIChip):
    """ratio: resistance over the reference's; infinite if the sensor is open, 0 if shorted.

    overvoltage: True if a pin is outside the supply; the converter then stops.
    """

    def __init__(self, ratio: Callable[[], float], now_us: Clock):
        super().__init__(now_us)
        self.overvoltage = False
        self._ratio = ratio
        self.power_cycle()

    def power_cycle(self) -> None:
        """Registers as after power-up, no conversions."""
        self.registers = bytearray(DEFAULTS)
        self._address: int | None = None
        self._asked = False  # for a single conversion, when chip select goes high
        self._done_us: int | None = None

    def _convert(self, now_us: int) -> None:
        if self.overvoltage:
            self._set_fault(OVERVOLTAGE)
        if self._done_us is None or self._done_us > now_us:
            return
        if not self.overvoltage:
            self._latch()
        if self.registers[CONFIG] & AUTO:
            period_us = CONTINUOUS_US[self.registers[CONFIG] & NOTCH_50_HZ]
            self._done_us += ((now_us - self._done_us) // period_us + 1) * period_us
        else:
            self._done_us = None

    def _latch(self) -> None:
        code = round(min(max(self._ratio() * 32768, 0.0), 32767.0))
        self.registers[RTD_HIGH] = code >> 7
        self.registers[RTD_LOW] = code << 1 & 0xFF
        if code >= self._word(HIGH_FAULT):
            self.registers[STATUS] |= ABOVE
        if code <= self._word(LOW_FAULT):
            self.registers[STATUS] |= BELOW
        self._set_fault(0)

    def _word(self, register: int) -> int:
        """A threshold; its lowest bit does not count (table 6)."""
        return self.registers[register] << 7 | self.registers[register + 1] >> 1

    def _set_fault(self, bits: int) -> None:
        self.registers[STATUS] |= bits
        self.registers[RTD_LOW] = self.registers[RTD_LOW] & 0xFE | (self.registers[STATUS] != 0)

    def _select(self, active: bool) -> None:
        self._address = None
        if not active and self._asked:
            self._asked = False
            self._done_us = self.now_us() + SINGLE_US[self.registers[CONFIG] & NOTCH_50_HZ]

    def _transfer(self, byte: int) -> int:
        if self._address is None:
            self._address = byte
            return 0xFF
        register = self._address & 0x7F
        writing = self._address & 0x80
        self._address = writing | (register + 1 & 0x7F)
        if not writing:
            return self.registers[register] if register < len(self.registers) else 0xFF
        if register == CONFIG:
            self._configure(byte)
        elif register in WRITABLE:
            self.registers[register] = byte
        return 0xFF

    def _configure(self, byte: int) -> None:
        before = self.registers[CONFIG]
        if before & byte & AUTO and (before ^ byte) & NOTCH_50_HZ:
            raise ValueError("MAX31865: the notch is changed in automatic conversion (page 14)")
        self.registers[CONFIG] = byte & KEPT
        if byte & CLEAR and not byte & (ONE_SHOT | CYCLE):
            self.registers[STATUS] = 0
            self._set_fault(OVERVOLTAGE if self.overvoltage else 0)
        if byte & AUTO and not before & AUTO:
            self._done_us = self.now_us() + SINGLE_US[byte & NOTCH_50_HZ]
        elif before & AUTO and not byte & AUTO:
            self._done_us = None
        if byte & ONE_SHOT and not byte & (AUTO | CYCLE):
            self._asked = True
