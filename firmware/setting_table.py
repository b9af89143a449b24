"""The settings: name, default, and the least and the most that each can be by itself.

The defaults are those of a 50 W copper tube that nobody has calibrated yet; the calibration
constants then say "trim nothing". A board that has started does without this table
(firmware/unload.py).
"""

from firmware.drivers.generator_table import TABLE as GENERATORS

TABLE = (
    # Full scales of the generator's 0-10 V programs and monitors. The bias reaches from
    # -grid_full_v (cut-off, count 0) to 0 V.
    ("kv_full", 60.0, 4.0, 400.0),
    ("ma_full", 2.0, 0.001, 1000.0),
    ("filament_full_a", 4.0, 0.1, 50.0),
    ("grid_full_v", 1000.0, 10.0, 10000.0),
    ("air_cooled", 1, 0, 1),  # 0: another circuit cools the head; there is no fan to steer
    ("serial_generator", 0, 0, len(GENERATORS) - 1),  # row of generator_table.py; 0: 0-10 V
    # Operating point and ratings.
    ("kv", 50.0, 4.0, 400.0),
    ("ma", 0.98, 0.0001, 1000.0),  # 49 W: 2 % of the rating is kept for the compensation's trim
    ("kv_max", 50.0, 4.0, 400.0),
    ("ma_max", 1.2, 0.0001, 1000.0),
    ("power_limit_w", 50.0, 0.01, 20000.0),
    # Interlock limits.
    ("trip_kv", 53.0, 4.0, 400.0),
    ("trip_ma", 1.3, 0.0001, 1000.0),
    ("trip_power_w", 54.0, 0.01, 30000.0),
    ("trip_head_c", 80.0, 30.0, 150.0),
    # Thermal law.
    ("head_set_c", 55.0, 10.0, 140.0),
    ("head_kp_w_per_k", 20.0, 0.0, 1000.0),
    ("head_ki_w_per_k_s", 0.12, 0.0, 100.0),
    ("head_kd_w_s_per_k", 100.0, 0.0, 10000.0),
    ("anode_lag_s", 15.0, 0.0, 1000.0),
    ("fan_min", 0.08, 0.0, 0.9),
    ("fan_g0_w_per_k", 0.8, 0.001, 100.0),  # conductance to the room, head and mount, fan stopped
    ("fan_g1_w_per_k", 2.2, 0.001, 100.0),  # what the fan adds at full speed
    ("fan_exponent", 0.8, 0.3, 1.5),
    ("fan_max_rpm", 5000.0, 100.0, 30000.0),
    # High-voltage law.
    ("kv_slew_kv_per_s", 10.0, 0.01, 100.0),
    ("ma_slew_ma_per_s", 0.1, 1e-05, 100.0),
    # Emission law.
    ("filament_preheat_a", 2.1, 0.0, 50.0),
    ("filament_limit_a", 2.7, 0.1, 50.0),
    ("filament_slew_a_per_s", 1.0, 0.01, 10.0),
    ("preheat_ms", 4000, 500.0, 600000.0),
    ("grid_set_v", -250.0, -9900.0, -0.1),  # where the slow loop keeps the bias
    ("grid_ma_per_v", 0.0033, 1e-08, 100.0),  # transconductance at the operating point
    ("filament_v_per_a", 900.0, 1.0, 100000.0),  # bias that one ampere of filament current is worth
    # Compensation law. All are 0 or neutral until commissioning has found them.
    ("trim_up", 0.02, 0.0, 0.2),  # as far as the power rating allows
    ("trim_down", 0.05, 0.0, 0.2),
    ("head_per_k", 0.0, -1.0, 1.0),
    ("head_per_k2", 0.0, -0.1, 0.1),
    ("mount_per_k", 0.0, -1.0, 1.0),
    ("mount_per_k2", 0.0, -0.1, 0.1),
    ("head_mount_per_k2", 0.0, -0.1, 0.1),
    ("mount_ref_c", 33.0, -20.0, 150.0),
    ("air_depth_per_cm", 0.0, 0.0, 1.0),
    ("air_ref_kg_m3", 1.19, 0.5, 2.0),
    ("air_vapour_ratio", 1.046, 0.1, 10.0),
    ("beam_path_cm", 10.0, 0.0, 200.0),
    ("kv_ppm_per_k", 0.0, -2000.0, 2000.0),
    ("kv_exponent", 0.0, -10.0, 10.0),
    ("ma_ppm_per_k", 0.0, -2000.0, 2000.0),
    ("generator_ref_c", 30.0, -20.0, 150.0),
)
LIMITS = tuple([(name, low, high) for name, _, low, high in TABLE])
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


def problem(settings):
    """(name, what is wrong) of the first setting that cannot be, or None if all can."""
    for name, low, high in LIMITS:
        value = getattr(settings, name)
        if not low <= value <= high:
            return name, f"{value:g} is outside {low:g} to {high:g}"
    for name, above in ORDER:
        if getattr(settings, name) > getattr(settings, above):
            return (
                name,
                f"{getattr(settings, name):g} is above {above} = {getattr(settings, above):g}",
            )
    if settings.grid_set_v <= -settings.grid_full_v:
        return "grid_set_v", f"{settings.grid_set_v:g} is not above -grid_full_v"
    if settings.air_cooled not in (0, 1):
        return "air_cooled", f"{settings.air_cooled:g} is neither 0 nor 1"
    if settings.serial_generator not in range(len(GENERATORS)):
        return "serial_generator", f"{settings.serial_generator:g} is no whole number"
    rated_kv = GENERATORS[int(settings.serial_generator)][1]
    if rated_kv and settings.kv_max > rated_kv:
        return "kv_max", f"{settings.kv_max:g} is above the {rated_kv} kV of the serial generator"
    most_w = settings.trip_kv * settings.trip_ma
    if settings.trip_power_w > most_w:
        return (
            "trip_power_w",
            f"{settings.trip_power_w:g} is above trip_kv * trip_ma = {most_w:g}",
        )
    if settings.kv * settings.ma > settings.power_limit_w:
        return (
            "ma",
            f"{settings.kv * settings.ma:g} W is above power_limit_w = {settings.power_limit_w:g}",
        )
    return None
