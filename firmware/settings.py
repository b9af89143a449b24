"""The settings of one individual tube: operating point, limits, gains and calibration. Their names,
defaults and limits are in setting_table.py. `load` takes values found by commissioning or set by
hand.
"""


class Settings:
    """Plain attributes, units in their names."""

    kv_full: float
    ma_full: float
    filament_full_a: float
    grid_full_v: float
    air_cooled: int
    serial_generator: int
    kv: float
    ma: float
    kv_max: float
    ma_max: float
    power_limit_w: float
    trip_kv: float
    trip_ma: float
    trip_power_w: float
    trip_head_c: float
    head_set_c: float
    head_kp_w_per_k: float
    head_ki_w_per_k_s: float
    head_kd_w_s_per_k: float
    anode_lag_s: float
    fan_min: float
    fan_g0_w_per_k: float
    fan_g1_w_per_k: float
    fan_exponent: float
    fan_max_rpm: float
    kv_slew_kv_per_s: float
    ma_slew_ma_per_s: float
    filament_preheat_a: float
    filament_limit_a: float
    filament_slew_a_per_s: float
    preheat_ms: int
    grid_set_v: float
    grid_ma_per_v: float
    filament_v_per_a: float
    trim_up: float
    trim_down: float
    head_per_k: float
    head_per_k2: float
    mount_per_k: float
    mount_per_k2: float
    head_mount_per_k2: float
    mount_ref_c: float
    air_depth_per_cm: float
    air_ref_kg_m3: float
    air_vapour_ratio: float
    beam_path_cm: float
    kv_ppm_per_k: float
    kv_exponent: float
    ma_ppm_per_k: float
    generator_ref_c: float

    def __init__(self):
        from firmware.setting_table import TABLE

        for name, default, _, _ in TABLE:
            setattr(self, name, default)

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
        """Return (name, error) of the first setting that is not valid, or None if all are."""
        from firmware.setting_table import problem

        return problem(self)

    def values(self) -> dict:
        """Return all settings by name."""
        return dict(self.__dict__)
