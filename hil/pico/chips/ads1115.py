"""ADS1115, 16-bit converter (Texas Instruments SBAS444E, December 2024).

Without the comparator's pin, the general call and the alert response.
"""

from collections.abc import Callable, Sequence

from hil.pico.chips.bus import Clock, I2CChip

CONVERSION, CONFIG, LOW_THRESHOLD, HIGH_THRESHOLD = range(4)
DEFAULTS = (0x0000, 0x8583, 0x8000, 0x7FFF)
STATUS = 0x8000
SINGLE_SHOT = 0x0100
POWER_UP_US = 25.0  # section 7.4.2.1

# By the bits of the config register, table 8-3
INPUTS = ((0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None))
FULL_SCALE_V = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)
RATES = (8, 16, 32, 64, 128, 250, 475, 860)  # 1/s


class Ads1115(I2CChip):
    """The converter. volts: voltages at AIN0 to AIN3 against ground."""

    def __init__(self, volts: Sequence[Callable[[], float]], now_us: Clock):
        super().__init__(now_us)
        self._volts = volts
        self.power_cycle()

    def power_cycle(self) -> None:
        """Registers as after power-up, powered down."""
        self.registers = list(DEFAULTS)
        self._pointer = CONVERSION
        self._high = 0
        self._running: int | None = None  # config of the conversion in progress
        self._done_us = 0.0
        self._addressed = False

    def code(self, config: int) -> int:
        """The result of a conversion of the present voltages, table 7-3."""
        plus, minus = INPUTS[config >> 12 & 7]
        volts = self._volts[plus]() - (self._volts[minus]() if minus is not None else 0.0)
        return min(max(round(volts * 32768 / FULL_SCALE_V[config >> 9 & 7]), -32768), 32767)

    def _convert(self, now_us: int) -> None:
        if self._running is None or self._done_us > now_us:
            return
        # The conversion in progress ends with the old settings, the next uses the new (7.4.2.2).
        self.registers[CONVERSION] = self.code(self._running) & 0xFFFF
        config = self.registers[CONFIG]
        if config & SINGLE_SHOT:
            self._running = None
            return
        self._running = config
        further = int((now_us - self._done_us) // period_us(config))
        if further:
            self.registers[CONVERSION] = self.code(config) & 0xFFFF
        self._done_us += (further + 1) * period_us(config)

    def _write(self, byte: int) -> bool:
        if self._count == 0:
            self._pointer = byte & 3
        elif self._count == 1:
            self._high = byte
        elif self._count == 2 and self._pointer != CONVERSION:
            self.registers[self._pointer] = self._high << 8 | byte
            if self._pointer == CONFIG:
                self._configure(self._high << 8 | byte)
        return True

    def _configure(self, config: int) -> None:
        if self._running is None and (config & STATUS or not config & SINGLE_SHOT):
            self._running = config
            self._done_us = self.now_us() + POWER_UP_US + period_us(config)

    def _read(self) -> int:
        value = self.registers[self._pointer]
        if self._pointer == CONFIG:
            value = value & ~STATUS | (STATUS if self._running is None else 0)
        return (value >> 8, value & 0xFF)[self._count] if self._count < 2 else 0xFF


def period_us(config: int) -> float:
    """Duration of a conversion, section 7.3.6."""
    return 1e6 / RATES[config >> 5 & 7]
