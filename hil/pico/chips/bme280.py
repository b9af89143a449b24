"""BME280, air temperature, pressure and humidity (Bosch BST-BME280-DS001, revision 1.23, 2022).

The model inverts the data sheet's formulas: it searches the raw readings that give the physical
values. Without the filter and SPI.
"""

import struct
from collections.abc import Callable
from dataclasses import astuple, dataclass

from hil.pico.chips.bus import Clock, I2CChip

ID, RESET, CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xD0, 0xE0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
CHIP_ID, RESET_WORD = 0x60, 0xB6
MEASURING = 0x08
START_UP_US = 2000  # table 1
SKIPPED = 0x80000
SKIPPED_HUMIDITY = 0x8000
SAMPLES = (0, 1, 2, 4, 8, 16, 16, 16)
STANDBY_US = (500, 62500, 125000, 250000, 500000, 1000000, 10000, 20000)  # table 27


@dataclass(frozen=True)
class Calibration:
    """Trimming parameters (table 16), those of T and P from the worked example of the BMP280's
    data sheet (BST-BMP280-DS001, section 3.12), those of H typical of a chip."""

    t1: int = 27504
    t2: int = 26435
    t3: int = -1000
    p1: int = 36477
    p2: int = -10685
    p3: int = 3024
    p4: int = 2855
    p5: int = 140
    p6: int = -7
    p7: int = 15500
    p8: int = -14600
    p9: int = 6000
    h1: int = 75
    h2: int = 362
    h3: int = 0
    h4: int = 313
    h5: int = 50
    h6: int = 30

    def registers(self) -> tuple[bytes, bytes]:
        """The registers from 0x88 and from 0xE1 on."""
        words = astuple(self)
        low = struct.pack("<HhhHhhhhhhhh", *words[:12]) + bytes([0, self.h1])
        nibbles = self.h4 & 0x0F | (self.h5 & 0x0F) << 4
        high = struct.pack(
            "<hBbBbb", self.h2, self.h3, self.h4 >> 4, nibbles, self.h5 >> 4, self.h6
        )
        return low, high

    def fine_temperature(self, adc: float) -> float:
        """t_fine of section 8.1, in 1/5120 degC."""
        var1 = (adc / 16384.0 - self.t1 / 1024.0) * self.t2
        return var1 + (adc / 131072.0 - self.t1 / 8192.0) ** 2 * self.t3

    def temperature_c(self, adc: float) -> float:
        return self.fine_temperature(adc) / 5120.0

    def pressure_pa(self, adc: float, fine: float) -> float:
        var1 = fine / 2.0 - 64000.0
        var2 = var1 * var1 * self.p6 / 32768.0
        var2 = var2 + var1 * self.p5 * 2.0
        var2 = var2 / 4.0 + self.p4 * 65536.0
        var1 = (self.p3 * var1 * var1 / 524288.0 + self.p2 * var1) / 524288.0
        var1 = (1.0 + var1 / 32768.0) * self.p1
        p = 1048576.0 - adc
        p = (p - var2 / 4096.0) * 6250.0 / var1
        var1 = self.p9 * p * p / 2147483648.0
        var2 = p * self.p8 / 32768.0
        return p + (var1 + var2 + self.p7) / 16.0

    def humidity_percent(self, adc: float, fine: float) -> float:
        """Not yet limited to 0 to 100 %."""
        h = fine - 76800.0
        h = (adc - (self.h4 * 64.0 + self.h5 / 16384.0 * h)) * (
            self.h2 / 65536.0 * (1.0 + self.h6 / 67108864.0 * h * (1.0 + self.h3 / 67108864.0 * h))
        )
        return h * (1.0 - self.h1 * h / 524288.0)


TYPICAL = Calibration()


class Bme280(I2CChip):
    """Three callables give the air's temperature, pressure and relative humidity."""

    def __init__(
        self,
        temperature_c: Callable[[], float],
        pressure_pa: Callable[[], float],
        humidity_percent: Callable[[], float],
        now_us: Clock,
        calibration: Calibration = TYPICAL,
    ):
        super().__init__(now_us)
        self._temperature_c = temperature_c
        self._pressure_pa = pressure_pa
        self._humidity_percent = humidity_percent
        self.calibration = calibration
        self._power_up(-START_UP_US)

    def power_cycle(self) -> None:
        """Registers as after power-up, asleep; nothing is acknowledged for the start-up time."""
        self._power_up(self.now_us())

    def _power_up(self, now_us: int) -> None:
        self.registers = bytearray(256)
        self.registers[ID] = CHIP_ID
        low, high = self.calibration.registers()
        self.registers[0x88 : 0x88 + len(low)] = low
        self.registers[0xE1 : 0xE1 + len(high)] = high
        self.store(SKIPPED, SKIPPED, SKIPPED_HUMIDITY)
        self._awake_us = now_us + START_UP_US
        self._register = 0
        self._osrs_h = 0  # copied from ctrl_hum by a write to ctrl_meas
        self._done_us: int | None = None  # end of the present measurement
        self._addressed = False

    def start(self, read: bool) -> bool:
        return self.now_us() >= self._awake_us and super().start(read)

    def _convert(self, now_us: int) -> None:
        if self._done_us is None or self._done_us > now_us:
            return
        self._measure()
        if self.registers[CTRL_MEAS] & 3 == 3:
            period_us = self._measurement_us() + STANDBY_US[self.registers[CONFIG] >> 5]
            self._done_us += ((now_us - self._done_us) // period_us + 1) * period_us
        else:
            self.registers[CTRL_MEAS] &= ~3  # a forced measurement, or put to sleep
            self._done_us = None

    def _measurement_us(self) -> int:
        """Typical measurement time, section 9.1."""
        t, p, h = self._samples()
        return 1000 + 2000 * t + (2000 * p + 500) * (p > 0) + (2000 * h + 500) * (h > 0)

    def _samples(self) -> tuple[int, int, int]:
        control = self.registers[CTRL_MEAS]
        return SAMPLES[control >> 5], SAMPLES[control >> 2 & 7], SAMPLES[self._osrs_h & 7]

    def _measure(self) -> None:
        t, p, h = self._samples()
        c = self.calibration
        temperature, pressure, humidity = SKIPPED, SKIPPED, SKIPPED_HUMIDITY
        if t:
            step = 16 // t  # resolution without filter, section 3.4.3
            temperature = inverted(c.temperature_c, self._temperature_c(), step, 1 << 20)
        fine = c.fine_temperature(temperature)
        if p:
            pressure = inverted(
                lambda adc: c.pressure_pa(adc, fine), self._pressure_pa(), 16 // p, 1 << 20
            )
        if h:
            humidity = inverted(
                lambda adc: c.humidity_percent(adc, fine), self._humidity_percent(), 1, 1 << 16
            )
        self.store(temperature, pressure, humidity)

    def store(self, temperature: int, pressure: int, humidity: int) -> None:
        """Put raw readings into the data registers."""
        self.registers[DATA : DATA + 8] = (
            (pressure << 4).to_bytes(3, "big")
            + (temperature << 4).to_bytes(3, "big")
            + humidity.to_bytes(2, "big")
        )

    def _write(self, byte: int) -> bool:
        if self._count % 2 == 0:  # register and value in turn (figure 9)
            self._register = byte
        elif self._register == RESET and byte == RESET_WORD:
            self.power_cycle()
        elif self._register == CTRL_HUM:
            self.registers[CTRL_HUM] = byte & 7
        elif self._register == CTRL_MEAS:
            self._control(byte)
        elif self._register == CONFIG and self.registers[CTRL_MEAS] & 3 != 3:  # 5.4.6
            if byte >> 2 & 7:
                raise ValueError("BME280: the filter is not modelled")
            self.registers[CONFIG] = byte & 0xFD
        return True

    def _control(self, byte: int) -> None:
        measuring = self._is_measuring()
        self.registers[CTRL_MEAS] = byte
        self._osrs_h = self.registers[CTRL_HUM]
        if not measuring:  # else the mode changes at its end (3.3.1)
            self._done_us = self.now_us() + self._measurement_us() if byte & 3 else None

    def _read(self) -> int:
        register = self._register
        self._register = register + 1 & 0xFF
        if register == STATUS:
            return MEASURING if self._is_measuring() else 0
        return self.registers[register]

    def _is_measuring(self) -> bool:
        return self._done_us is not None and (
            self._done_us - self.now_us() <= self._measurement_us()
        )


def inverted(formula: Callable[[int], float], target: float, step: int, end: int) -> int:
    """The multiple of `step` below `end` for which a monotonic formula is nearest to `target`."""
    low, high = 0, end // step - 1
    rises = formula(high * step) > formula(0)
    while high - low > 1:
        middle = (low + high) // 2
        if (formula(middle * step) < target) == rises:
            low = middle
        else:
            high = middle
    return step * min(low, high, key=lambda n: abs(formula(n * step) - target))
