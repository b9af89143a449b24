"""Compensation law: trims the emission current against the drift that a temperature loop cannot
remove.

The log of the intensity is predicted from the sensors, and the current is trimmed against the
prediction. With h = head - set and m = mount - ref, in kelvin:

    ln I = h1 h + h2 h h + m1 m + m2 m m + hm h m  the spot moves against optic and sample
           - depth * path * (air / air_ref - 1)    absorption in the beam path
           + exponent * kv_ppm * (gen - ref)       the generator's divider warms
           + ma_ppm * (gen - ref)                  the current shunt warms

Every constant is measured on the individual tube (docs/user/commissioning.md). A constant of 0
switches its term off.
"""

from firmware.calibration import air_mass_kg_m3
from firmware.elementary import exp
from firmware.state import Plain, clamp

FILTER_S = 5.0


class Compensation(Plain):
    """The compensation law. Call `sense` with fresh values, then `step`, once a second."""

    STATE = ("head_c", "mount_c", "generator_c", "air_kg_m3", "trim", "log_intensity", "running")

    def __init__(self, settings):
        self.settings = settings
        self.head_c = settings.head_set_c
        self.mount_c = settings.mount_ref_c
        self.generator_c = settings.generator_ref_c
        self.air_kg_m3 = settings.air_ref_kg_m3
        self.trim = 1.0
        self.log_intensity = 0.0
        self.running = False

    def sense(
        self,
        dt_s: float,
        head_c: float,
        mount_c: float,
        generator_c: float,
        room_c: float,
        pressure_pa: float,
        humidity_percent: float,
    ) -> None:
        """Low-pass one set of readings against their noise."""
        air = air_mass_kg_m3(room_c, pressure_pa, humidity_percent, self.settings.air_vapour_ratio)
        part = dt_s / (FILTER_S + dt_s) if self.running else 1.0
        self.running = True
        self.head_c += part * (head_c - self.head_c)
        self.mount_c += part * (mount_c - self.mount_c)
        self.generator_c += part * (generator_c - self.generator_c)
        self.air_kg_m3 += part * (air - self.air_kg_m3)

    def step(self) -> None:
        """Return the trim, a factor on the emission current, from the filtered readings."""
        s = self.settings
        head_k = self.head_c - s.head_set_c
        mount_k = self.mount_c - s.mount_ref_c
        generator_k = self.generator_c - s.generator_ref_c
        self.log_intensity = (
            (s.head_per_k + s.head_per_k2 * head_k + s.head_mount_per_k2 * mount_k) * head_k
            + (s.mount_per_k + s.mount_per_k2 * mount_k) * mount_k
            - s.air_depth_per_cm * s.beam_path_cm * (self.air_kg_m3 / s.air_ref_kg_m3 - 1.0)
            + 1e-6 * (s.kv_exponent * s.kv_ppm_per_k + s.ma_ppm_per_k) * generator_k
        )
        trim = exp(-clamp(self.log_intensity, -0.5, 0.5))
        self.trim = clamp(trim, 1.0 - s.trim_down, 1.0 + s.trim_up)
