"""Print the table of docs/board/settings.md; the page must contain this table.

python scripts/settings_table.py
"""

from firmware.drivers.generator_table import TABLE as GENERATORS
from firmware.setting_table import LIMITS
from firmware.settings import Settings

PAGE = "board/settings.md"  # in docs/
# name: meaning; the unit is in the name
MEANINGS = {
    "kv_full": "tube voltage at 10 V of program or monitor",
    "ma_full": "emission current at 10 V of program or monitor",
    "filament_full_a": "filament current at 10 V of program or monitor",
    "grid_full_v": "range of the grid bias: from minus this value (cut-off) to 0 V",
    "air_cooled": "1: a fan cools the head; 0: another circuit cools the head",
    "serial_generator": ", ".join(f"{at}: {row[0]}" for at, row in enumerate(GENERATORS))
    + ", see [generators](generators.md)",
    "kv": "operating point: tube voltage",
    "ma": "operating point: emission current",
    "kv_max": "rating: highest tube voltage",
    "ma_max": "rating: highest emission current",
    "power_limit_w": "rating: highest power; it limits the trim of the compensation",
    "trip_kv": "interlock: tube voltage",
    "trip_ma": "interlock: emission current",
    "trip_power_w": "interlock: power",
    "trip_head_c": "interlock: head temperature",
    "head_set_c": "thermal law: set-point of the head",
    "head_kp_w_per_k": "thermal law: proportional gain",
    "head_ki_w_per_k_s": "thermal law: integral gain",
    "head_kd_w_s_per_k": "thermal law: derivative gain",
    "anode_lag_s": "thermal law: lag from anode to head, for the feed-forward",
    "fan_min": "lowest speed of the fan, as a fraction of its highest",
    "fan_g0_w_per_k": "conductance from head and mount to the room, fan stopped",
    "fan_g1_w_per_k": "added conductance at full fan speed",
    "fan_exponent": "exponent of the conductance against the fan's speed",
    "fan_max_rpm": "the fan's highest speed",
    "kv_slew_kv_per_s": "ramp of the tube voltage",
    "ma_slew_ma_per_s": "ramp of the emission current",
    "filament_preheat_a": "filament current before the voltage is on",
    "filament_limit_a": "highest filament current",
    "filament_slew_a_per_s": "ramp of the filament current",
    "preheat_ms": "duration of the preheat",
    "grid_set_v": "set-point of the grid bias, held by the slow emission loop",
    "grid_ma_per_v": "transconductance of the grid at the operating point",
    "filament_v_per_a": "change of the grid bias that equals one ampere of filament current",
    "trim_up": "compensation: largest increase of the current, as a fraction",
    "trim_down": "compensation: largest decrease of the current, as a fraction",
    "head_per_k": "intensity against head temperature, first order",
    "head_per_k2": "the same, second order",
    "mount_per_k": "intensity against mount temperature, first order",
    "mount_per_k2": "the same, second order",
    "head_mount_per_k2": "the same, product of head and mount",
    "mount_ref_c": "mount temperature without trim",
    "air_depth_per_cm": "absorption of the beam path in reference air",
    "air_ref_kg_m3": "density of reference air",
    "air_vapour_ratio": "attenuation of water vapour divided by that of dry air",
    "beam_path_cm": "length of the beam path in air",
    "kv_ppm_per_k": "temperature coefficient of the generator's voltage",
    "kv_exponent": "exponent of the intensity against the voltage",
    "ma_ppm_per_k": "temperature coefficient of the current shunt",
    "generator_ref_c": "generator temperature without trim",
}


def table() -> str:
    """All settings in Markdown, in the order in which a unit lists them."""
    defaults = Settings().values()
    lines = ["| setting | default | from | to | meaning |", "|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {defaults[name]:g} | {low:g} | {high:g} | {MEANINGS[name]} |"
        for name, low, high in LIMITS
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
