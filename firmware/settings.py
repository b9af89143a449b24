"""What is set for one individual tube: operating point, limits, gains and calibration.

The defaults are those of a 50 W copper tube that nobody has calibrated yet; the calibration
constants then say "trim nothing". `load` takes values found by commissioning or set by hand.
"""

# What a setting can be, by itself: the interfaces' full scales, and what the laws can work with.
LIMITS = (
    ("kv_full", 4.0, 400.0),
    ("ma_full", 0.001, 1000.0),
    ("filament_full_a", 0.1, 50.0),
    ("grid_full_v", 10.0, 10000.0),
    ("air_cooled", 0, 1),
    ("kv", 4.0, 400.0),
    ("ma", 0.0001, 1000.0),
    ("kv_max", 4.0, 400.0),
    ("ma_max", 0.0001, 1000.0),
    ("power_limit_w", 0.01, 20000.0),
    ("trip_kv", 4.0, 400.0),
    ("trip_ma", 0.0001, 1000.0),
    ("trip_power_w", 0.01, 30000.0),
    ("trip_head_c", 30.0, 150.0),
    ("head_set_c", 10.0, 140.0),
    ("head_kp_w_per_k", 0.0, 1000.0),
    ("head_ki_w_per_k_s", 0.0, 100.0),
    ("head_kd_w_s_per_k", 0.0, 10000.0),
    ("anode_lag_s", 0.0, 1000.0),
    ("fan_min", 0.0, 0.9),
    ("fan_g0_w_per_k", 0.001, 100.0),
    ("fan_g1_w_per_k", 0.001, 100.0),
    ("fan_exponent", 0.3, 1.5),
    ("fan_max_rpm", 100.0, 30000.0),
    ("kv_slew_kv_per_s", 0.01, 100.0),
    ("ma_slew_ma_per_s", 0.00001, 100.0),
    ("filament_preheat_a", 0.0, 50.0),
    ("filament_limit_a", 0.1, 50.0),
    ("filament_slew_a_per_s", 0.01, 10.0),
    ("preheat_ms", 500.0, 600000.0),
    ("grid_set_v", -9900.0, -0.1),
    ("grid_ma_per_v", 1e-8, 100.0),
    ("filament_v_per_a", 1.0, 1e5),
    ("trim_up", 0.0, 0.2),
    ("trim_down", 0.0, 0.2),
    ("head_per_k", -1.0, 1.0),
    ("head_per_k2", -0.1, 0.1),
    ("mount_per_k", -1.0, 1.0),
    ("mount_per_k2", -0.1, 0.1),
    ("head_mount_per_k2", -0.1, 0.1),
    ("mount_ref_c", -20.0, 150.0),
    ("air_depth_per_cm", 0.0, 1.0),
    ("air_ref_kg_m3", 0.5, 2.0),
    ("air_vapour_ratio", 0.1, 10.0),
    ("beam_path_cm", 0.0, 200.0),
    ("kv_ppm_per_k", -2000.0, 2000.0),
    ("kv_exponent", -10.0, 10.0),
    ("ma_ppm_per_k", -2000.0, 2000.0),
    ("generator_ref_c", -20.0, 150.0),
)
# The first must not be above the second.
ORDER = (
    ("kv", "kv_max"),
    ("ma", "ma_max"),
    ("kv_max", "trip_kv"),
    ("ma_max", "trip_ma"),
    ("trip_kv", "kv_full"),
    ("trip_ma", "ma_full"),
    ("filament_limit_a", "filament_full_a"),
    ("power_limit_w", "trip_power_w"),
    ("head_set_c", "trip_head_c"),
    ("filament_preheat_a", "filament_limit_a"),
)


class Settings:
    """Plain attributes, units in their names."""

    def __init__(self):
        # Full scales of the generator's 0-10 V programs and monitors. The bias reaches from
        # -grid_full_v (cut-off, count 0) to 0 V.
        self.kv_full = 60.0
        self.ma_full = 2.0
        self.filament_full_a = 4.0
        self.grid_full_v = 1000.0
        self.air_cooled = 1  # 0: another circuit cools the head; there is no fan to steer
        # Operating point and ratings.
        self.kv = 50.0
        self.ma = 0.98  # 49 W: 2 % of the rating is kept for the compensation's trim
        self.kv_max = 50.0
        self.ma_max = 1.2
        self.power_limit_w = 50.0
        # Interlock limits.
        self.trip_kv = 53.0
        self.trip_ma = 1.3
        self.trip_power_w = 54.0
        self.trip_head_c = 80.0
        # Thermal law.
        self.head_set_c = 55.0
        self.head_kp_w_per_k = 20.0
        self.head_ki_w_per_k_s = 0.12
        self.head_kd_w_s_per_k = 100.0
        self.anode_lag_s = 15.0
        self.fan_min = 0.08
        self.fan_g0_w_per_k = 0.8  # conductance to the room, head and mount, fan stopped
        self.fan_g1_w_per_k = 2.2  # what the fan adds at full speed
        self.fan_exponent = 0.8
        self.fan_max_rpm = 5000.0
        # High-voltage law.
        self.kv_slew_kv_per_s = 10.0
        self.ma_slew_ma_per_s = 0.1
        # Emission law.
        self.filament_preheat_a = 2.1
        self.filament_limit_a = 2.7
        self.filament_slew_a_per_s = 1.0
        self.preheat_ms = 4000
        self.grid_set_v = -250.0  # where the slow loop keeps the bias
        self.grid_ma_per_v = 0.0033  # transconductance at the operating point
        self.filament_v_per_a = 900.0  # bias that one ampere of filament current is worth
        # Compensation law. All are 0 or neutral until commissioning has found them.
        self.trim_up = 0.02  # as far as the power rating allows
        self.trim_down = 0.05
        self.head_per_k = 0.0
        self.head_per_k2 = 0.0
        self.mount_per_k = 0.0
        self.mount_per_k2 = 0.0
        self.head_mount_per_k2 = 0.0
        self.mount_ref_c = 33.0
        self.air_depth_per_cm = 0.0
        self.air_ref_kg_m3 = 1.19
        self.air_vapour_ratio = 1.046
        self.beam_path_cm = 10.0
        self.kv_ppm_per_k = 0.0
        self.kv_exponent = 0.0
        self.ma_ppm_per_k = 0.0
        self.generator_ref_c = 30.0

    def load(self, values: dict) -> None:
        """Set the named values, all or none; ValueError names one that is unknown or no number."""
        known = self.values()
        for name in values:
            value = values[name]
            if name not in known:
                raise ValueError("unknown setting " + str(name))
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError("setting " + name + " is not a number")
            if value - value != 0:  # what is infinite or not a number
                raise ValueError("setting " + name + " is not a finite number")
        for name in values:
            setattr(self, name, values[name])

    def problem(self):
        """(name, what is wrong) of the first setting that cannot be, or None if all can."""
        for name, low, high in LIMITS:
            value = getattr(self, name)
            if not low <= value <= high:
                return name, f"{value:g} is outside {low:g} to {high:g}"
        for name, above in ORDER:
            if getattr(self, name) > getattr(self, above):
                return name, f"{getattr(self, name):g} is above {above} = {getattr(self, above):g}"
        if self.grid_set_v <= -self.grid_full_v:
            return "grid_set_v", f"{self.grid_set_v:g} is not above -grid_full_v"
        if self.air_cooled not in (0, 1):
            return "air_cooled", f"{self.air_cooled:g} is neither 0 nor 1"
        most_w = self.trip_kv * self.trip_ma
        if self.trip_power_w > most_w:
            return (
                "trip_power_w",
                f"{self.trip_power_w:g} is above trip_kv * trip_ma = {most_w:g}",
            )
        if self.kv * self.ma > self.power_limit_w:
            return "ma", f"{self.kv * self.ma:g} W is above power_limit_w = {self.power_limit_w:g}"
        return None

    def values(self) -> dict:
        """All settings by name."""
        return dict(self.__dict__)
