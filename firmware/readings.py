"""What the firmware says of itself: readings in physical units, by its own calibration."""

from firmware.calibration import DAC_FULL, FAN_FULL, pt100_temperature_c
from firmware.controller import STATES
from firmware.interlocks import NAMES


def operation(controller, inputs, outputs) -> dict:
    """State, tube voltage, emission current and what regulates it."""
    return {
        "state": STATES[outputs.state],
        "trip": NAMES.get(outputs.trip, ""),
        "kv": inputs.kv_monitor_raw * controller.kv_per_count,
        "ma": inputs.ma_monitor_raw * controller.ma_per_count,
        "ma_target": controller.emission.target_ma,
        "trim": controller.compensation.trim,
        "filament_a": inputs.filament_monitor_raw * controller.filament_a_per_count,
        "grid_v": (outputs.grid_program_raw - DAC_FULL) * controller.emission.v_per_count,
    }


def surroundings(inputs, outputs) -> dict:
    """Fan, temperatures, air, contacts."""
    return {
        "fan_percent": 100.0 * outputs.fan_program_raw / FAN_FULL,
        "fan_rpm": inputs.fan_tach_raw,
        "head_temperature_c": pt100_temperature_c(inputs.head_temperature_raw),
        "mount_temperature_c": pt100_temperature_c(inputs.mount_temperature_raw),
        "generator_temperature_c": 0.01 * inputs.generator_temperature_raw,
        "room_temperature_c": 0.01 * inputs.room_temperature_raw,
        "room_pressure_hpa": 0.01 * inputs.room_pressure_raw,
        "room_humidity_percent": 0.01 * inputs.room_humidity_raw,
        "interlock_chain": "closed" if inputs.switches & 3 == 3 else "open",
        "hv_enable": outputs.hv_enable,
        "lamp_on": outputs.lamp_on,
    }


def readings(controller, inputs, outputs) -> dict:
    """Both: names with units -> numbers and words, for a message or a display."""
    said = operation(controller, inputs, outputs)
    said.update(surroundings(inputs, outputs))
    return said
