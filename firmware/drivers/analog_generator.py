"""A generator with 0-10 V programs and monitors, an enable and a fault line.

Two ADS1115: one converts the tube voltage's monitor all the time. The other converts the emission
current's and switches, for one tick at a time, to the filament current and to the generator's
temperature (LM35, TI SNIS159: 10 mV/degC from 2 to 150 degC). The programs go out through a quad
DAC. The dividers that make 0-2.048 V of 0-10 V are in docs/board/generators.md.
"""

from firmware.calibration import ADC_FULL
from firmware.drivers.generator import AGE_FULL_MS, NO_INTERRUPTS, EnableLine, Programs, older
from firmware.ticks import diff

KV_ADDRESS, MA_ADDRESS = 0x48, 0x49
MA_CHANNEL = 0
FILAMENT_CHANNEL = 1
TEMPERATURE_CHANNEL = 2
TURN_MS = 250  # filament and temperature take turns: each comes every half second
# After a change of channel the present conversion is still of the old one: at 860 SPS less 10 % two
# conversions take 2.6 ms (TI SBAS444).
SETTLED_MS = 4
# Each converter's settings are compared, and a conversion is proven, once a second; it costs its
# monitor one tick.
PROOF_TICKS = 100
KV_PROOF, MA_PROOF = 30, 80
SILENT_MS = 2000
COUNTS_PER_DEGC = 160  # of 62.5 uV
COLDEST_RAW = 2 * COUNTS_PER_DEGC  # below it is a broken wire, not a temperature
HOTTEST_RAW = 150 * COUNTS_PER_DEGC
CENTI_FULL = 12500  # the signal's range


def make(board, i2c, enable_pin, _settings, _model, interrupts):
    """Make the driver on the chips of a board."""
    from firmware.drivers.ads1115 import Ads1115
    from firmware.drivers.mcp4728 import Mcp4728

    return AnalogGenerator(
        Ads1115(i2c, KV_ADDRESS),
        Ads1115(i2c, MA_ADDRESS),
        Mcp4728(i2c),
        enable_pin,
        board.contact("generator_ok"),
        interrupts,
    )


class AnalogGenerator:
    """A driver that reads the generator's inputs and writes its outputs, the grid's included.

    kv_adc, ma_adc : select(channel), read(), check() and prove(), which say False on failure; raw
    dac        : write_fast(values, count), check() and renew(); grid, tube voltage, filament
    enable_pin : value(0 or 1); 1 closes the generator's enable
    fault_pin  : value() is 1 while the generator's fault contact is closed, which is healthy
    interrupts : see EnableLine
    """

    def __init__(self, kv_adc, ma_adc, dac, enable_pin, fault_pin, interrupts=NO_INTERRUPTS):
        self.line = EnableLine(enable_pin, interrupts)
        self.off = self.line.off  # at once; for a hard interrupt handler
        self.programs = Programs(dac, 3)
        self._fault_pin = fault_pin
        self._kv_adc = kv_adc
        self._ma_adc = ma_adc
        self._kv_raw = 0
        self._ma_raw = 0
        self._filament_raw = 0
        self._centi_c = 0
        self._kv_age_ms = AGE_FULL_MS
        self._ma_age_ms = AGE_FULL_MS
        self._temperature_age_ms = AGE_FULL_MS
        self._last_ms = 0
        self._turn_ms = 0
        self._lent_to = TEMPERATURE_CHANNEL  # last
        self._channel = -1
        self._selected_ms = 0
        self._proof_tick = 0
        self._ma_proof_due = False

    def read(self, now_ms: int, inputs) -> bool:
        """Fill the generator's inputs; True while it is healthy and accepts its programs."""
        dt_ms = diff(now_ms, self._last_ms)
        self._last_ms = now_ms
        if dt_ms < 0:
            dt_ms = 0  # at the start
        self._kv_age_ms = older(self._kv_age_ms, dt_ms)
        self._ma_age_ms = older(self._ma_age_ms, dt_ms)
        self._temperature_age_ms = older(self._temperature_age_ms, dt_ms)
        self._turn_ms = older(self._turn_ms, dt_ms)
        if fresh(self._kv_adc):
            self._kv_raw = positive(self._kv_adc.raw)
            self._kv_age_ms = 0
        self._proof_tick += 1
        if self._proof_tick == KV_PROOF:
            self._kv_adc.prove()
        elif self._proof_tick == MA_PROOF:
            self._ma_proof_due = True
        elif self._proof_tick >= PROOF_TICKS:
            self._proof_tick = 0
        self._read_shared(now_ms)
        inputs.kv_monitor_raw = self._kv_raw
        inputs.ma_monitor_raw = self._ma_raw
        kv_age_ms = self._kv_age_ms
        ma_age_ms = self._ma_age_ms
        inputs.adc_age_ms = kv_age_ms if kv_age_ms > ma_age_ms else ma_age_ms
        inputs.filament_monitor_raw = self._filament_raw
        inputs.generator_temperature_raw = self._centi_c
        inputs.generator_age_ms = self._temperature_age_ms
        return self._fault_pin.value() == 1 and self.programs.arrive()

    def write(self, outputs, may_enable: bool) -> None:
        """Apply the programs. Without high voltage the grid is at cut-off at any program."""
        enabled = self.line.apply(outputs.hv_enable, may_enable)
        values = self.programs.values
        values[0] = outputs.grid_program_raw if enabled else 0
        values[1] = outputs.kv_program_raw if enabled else 0
        values[2] = outputs.filament_program_raw
        self.programs.apply()

    def silent(self) -> list:
        """Names of the chips that give nothing."""
        names = []
        if self._kv_age_ms > SILENT_MS:
            names.append("voltage ADC")
        if self._ma_age_ms > SILENT_MS:
            names.append("current ADC")
        if not self.programs.answers():
            names.append("DAC")
        return names

    def _read_shared(self, now_ms: int) -> None:
        channel = self._channel
        if channel < 0:
            self._select(MA_CHANNEL, now_ms)
            return
        if diff(now_ms, self._selected_ms) < SETTLED_MS:
            return
        adc = self._ma_adc
        if fresh(adc):
            self._take(channel, adc.raw)
        elif channel == MA_CHANNEL:
            return  # it is not lent, for a change of channel would end the proof
        if channel != MA_CHANNEL:
            self._select(MA_CHANNEL, now_ms)
        elif self._turn_ms >= TURN_MS:
            self._turn_ms = 0
            self._lent_to = (
                FILAMENT_CHANNEL if self._lent_to != FILAMENT_CHANNEL else TEMPERATURE_CHANNEL
            )
            self._select(self._lent_to, now_ms)
        elif self._ma_proof_due:
            self._ma_proof_due = False
            adc.prove()

    def _select(self, channel: int, now_ms: int) -> None:
        # If it fails, the converter's next read() tries again instead of reading.
        self._ma_adc.select(channel)
        self._channel = channel
        self._selected_ms = now_ms

    def _take(self, channel: int, raw: int) -> None:
        if channel == MA_CHANNEL:
            self._ma_raw = positive(raw)
            self._ma_age_ms = 0
        elif channel == FILAMENT_CHANNEL:
            self._filament_raw = positive(raw)
        elif COLDEST_RAW <= raw <= HOTTEST_RAW:
            centi_c = raw * 5 // 8
            self._centi_c = centi_c if centi_c < CENTI_FULL else CENTI_FULL
            self._temperature_age_ms = 0


def fresh(adc) -> bool:
    """Read `adc`. A converter that a brown-out has reset always reads 0: at 0 its set-up is
    checked."""
    return adc.read() and (adc.raw != 0 or adc.check())


def positive(raw: int) -> int:
    """A converter's reading within the range of the monitors."""
    return 0 if raw < 0 else raw if raw < ADC_FULL else ADC_FULL
