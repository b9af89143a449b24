"""Interlocks: the last word on every output.

A table (interlock_table.py) and a latch. They are not the safety function: that is the hardware
chain which breaks the high voltage without passing through this processor. They are the second
pair of eyes.
Design basis, voluntarily: 21 CFR 1020.40 (which excludes diffraction equipment) and the
dual-channel practice of ISO 13849-1.
"""

from firmware.calibration import ADC_FULL, FAN_FULL, pt100_raw
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK
from firmware.state import Plain


def _read_table() -> tuple:
    """Names by code, and delays by name; the rest of the table is for people."""
    from firmware.interlock_table import TABLE

    return {row[0]: row[1] for row in TABLE}, {row[1]: row[3] for row in TABLE}


NAMES, _DELAY_MS = _read_table()

LAMP_LOW_RAW = 400
LAMP_HIGH_RAW = 3600
HEAD_LOW_RAW = pt100_raw(0.0) - 800  # some -25 degC
STALE_MONITORS_MS = _DELAY_MS["stale-monitors"]
STALE_HEAD_MS = _DELAY_MS["stale-head"]
DISAGREE_MS = _DELAY_MS["chain-disagree"]
TEMPERATURE_MS = _DELAY_MS["over-temperature"]
FAN_MS = _DELAY_MS["fan"]
PRESENT_MS = _DELAY_MS["voltage-present"]
LOST_MS = _DELAY_MS["no-current"]
LOST_RAW = ADC_FULL // 100
ASTRAY_MS = _DELAY_MS["current-astray"]
ASTRAY_PART = 0.1
PRESENT_KV = 1.0
ARCS_MS = 10000
ARC_AGE_MS = 60000  # older is all the same
SAG_MS = _DELAY_MS["no-voltage"]
LAMP_MS = _DELAY_MS["lamp"]
del _DELAY_MS


class Interlocks(Plain):
    """`fast` every tick while energised; `slow` ten times a second, always."""

    STATE = (
        "hot_ms",
        "cold_ms",
        "fan_ms",
        "lamp_ms",
        "disagree_ms",
        "present_ms",
        "lost_ms",
        "astray_ms",
        "sag_ms",
        "arc1_ms",
        "arc2_ms",
        "arc3_ms",
        "locked_out",
    )

    def __init__(self, settings):
        # Whatever is set, a converter at its end trips: what it reads may be more.
        end_raw = ADC_FULL - 1
        self.kv_limit_raw = min(end_raw, int(settings.trip_kv * ADC_FULL / settings.kv_full))
        self.ma_limit_raw = min(end_raw, int(settings.trip_ma * ADC_FULL / settings.ma_full))
        self.power_limit_raw = int(
            settings.trip_power_w / (settings.kv_full * settings.ma_full) * ADC_FULL * ADC_FULL
        )
        self.present_raw = int(PRESENT_KV * ADC_FULL / settings.kv_full)
        self.head_limit_raw = min(end_raw, pt100_raw(settings.trip_head_c))
        self.rpm_per_count = settings.fan_max_rpm / FAN_FULL
        self.hot_ms = 0
        self.cold_ms = 0
        self.fan_ms = 0
        self.lamp_ms = 0
        self.disagree_ms = 0
        self.present_ms = 0
        self.locked_out = False
        self.start()

    def start(self) -> None:
        """Forget what concerns the beam alone: a new one begins."""
        self.lost_ms = 0
        self.astray_ms = 0
        self.sag_ms = 0
        self.arc1_ms = self.arc2_ms = self.arc3_ms = ARC_AGE_MS  # ages of the last three arcs

    def fast(self, inputs) -> int:
        """Code of the first condition met among those that trip at once; 0 when all is well."""
        kv_raw = inputs.kv_monitor_raw
        ma_raw = inputs.ma_monitor_raw
        if (
            inputs.switches == ALL_CLOSED
            and kv_raw <= self.kv_limit_raw
            and ma_raw <= self.ma_limit_raw
            and kv_raw * ma_raw <= self.power_limit_raw
            and inputs.adc_age_ms <= STALE_MONITORS_MS
        ):
            return 0
        if not inputs.switches & CHAIN_A:
            return 1
        if not inputs.switches & CHAIN_B:
            return 2
        if not inputs.switches & GENERATOR_OK:
            return 4
        if kv_raw > self.kv_limit_raw:
            return 5
        if ma_raw > self.ma_limit_raw:
            return 6
        if inputs.adc_age_ms > STALE_MONITORS_MS:
            return 8
        return 7

    def slow(self, inputs, outputs, dt_ms: int) -> int:
        """Code of the first condition that has lasted its delay; 0 when all is well."""
        a_open = not inputs.switches & CHAIN_A
        b_open = not inputs.switches & CHAIN_B
        self.disagree_ms = self.disagree_ms + dt_ms if a_open != b_open else 0
        if self.disagree_ms > DISAGREE_MS:
            self.locked_out = True
        elif a_open and b_open:
            self.locked_out = False
        head_raw = inputs.head_temperature_raw
        self.hot_ms = self.hot_ms + dt_ms if head_raw > self.head_limit_raw else 0
        self.cold_ms = self.cold_ms + dt_ms if head_raw < HEAD_LOW_RAW else 0
        expected_rpm = outputs.fan_program_raw * self.rpm_per_count
        self.fan_ms = self.fan_ms + dt_ms if 2 * inputs.fan_tach_raw < expected_rpm else 0
        lamp_raw = inputs.lamp_current_raw
        lamp_bad = outputs.lamp_on and not LAMP_LOW_RAW <= lamp_raw <= LAMP_HIGH_RAW
        self.lamp_ms = self.lamp_ms + dt_ms if lamp_bad else 0
        present = not outputs.hv_enable and inputs.kv_monitor_raw > self.present_raw
        self.present_ms = self.present_ms + dt_ms if present else 0
        if self.locked_out:
            return 3
        if self.hot_ms > TEMPERATURE_MS:
            return 9
        if self.cold_ms > TEMPERATURE_MS:
            return 10
        if inputs.head_age_ms > STALE_HEAD_MS:
            return 11
        if self.fan_ms > FAN_MS:
            return 12
        if self.lamp_ms > LAMP_MS:
            return 13
        if self.present_ms > PRESENT_MS:
            return 14
        return 0

    def regulated(self, ma_raw: int, target_raw: float, bias_above_set: bool, dt_ms: int) -> int:
        """Code if the regulated current does not follow; 0 when all is well. Ten times a second."""
        lost = bias_above_set and ma_raw < LOST_RAW and target_raw > 2.0 * LOST_RAW
        self.lost_ms = self.lost_ms + dt_ms if lost else 0
        away = abs(target_raw - ma_raw) > ASTRAY_PART * target_raw + LOST_RAW
        self.astray_ms = self.astray_ms + dt_ms if away else 0
        if self.lost_ms > LOST_MS:
            return 15
        if self.astray_ms > ASTRAY_MS:
            return 16
        return 0

    def arc(self) -> int:
        """The tube voltage has just broken down. Code if that was once too often; 0 if not."""
        too_often = self.arc3_ms < ARCS_MS
        self.arc3_ms, self.arc2_ms, self.arc1_ms = self.arc2_ms, self.arc1_ms, 0
        return 17 if too_often else 0

    def voltage(self, sagging: bool, dt_ms: int) -> int:
        """Code if the tube voltage does not come back; 0 when all is well. Ten times a second."""
        if self.arc1_ms < ARC_AGE_MS:
            self.arc1_ms += dt_ms
        if self.arc2_ms < ARC_AGE_MS:
            self.arc2_ms += dt_ms
        if self.arc3_ms < ARC_AGE_MS:
            self.arc3_ms += dt_ms
        self.sag_ms = self.sag_ms + dt_ms if sagging else 0
        return 18 if self.sag_ms > SAG_MS else 0
