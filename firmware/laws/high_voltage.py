"""High-voltage law: the tube voltage's ramp, and the current that the power rating allows."""

from firmware.calibration import DAC_FULL
from firmware.state import Plain, clamp


class HighVoltage(Plain):
    STATE = ("kv", "kv_program_raw")

    def __init__(self, settings):
        self.settings = settings
        self.counts_per_kv = DAC_FULL / settings.kv_full
        self.off()

    def off(self) -> None:
        """Set the program to 0 at once: the safe state."""
        self.kv = 0.0
        self.kv_program_raw = 0

    def ramp(self, kv: float, dt_s: float) -> bool:
        """Move the program towards `kv` (kV) at the permitted slew; True when it is there."""
        s = self.settings
        kv = clamp(kv, 0.0, s.kv_max)
        step = s.kv_slew_kv_per_s * dt_s
        self.kv += clamp(kv - self.kv, -step, step)
        self.kv_program_raw = int(self.kv * self.counts_per_kv + 0.5)
        return self.kv == kv

    def allowed_ma(self, ma: float) -> float:
        """Return `ma` (mA), limited to the current and power ratings at the programmed voltage."""
        s = self.settings
        ma = clamp(ma, 0.0, s.ma_max) if self.kv > 0.0 else 0.0
        if self.kv * ma > s.power_limit_w:
            ma = s.power_limit_w / self.kv
        return ma
