"""The twin's side of the seam: the same two methods that a real board has."""

from typing import Any

from twin.plant.plant import Plant

LAMP_RAW = 2000  # the lamp's current, when it is told to burn and does


class TwinBoard:
    """Copies raw counts between the firmware's records and the plant."""

    def __init__(self, plant: Plant):
        self.plant = plant

    def read(self, inputs: Any) -> None:
        """Fill raw counts and switch states. The slow sensors change every half second."""
        plant = self.plant
        inputs.switches = plant.switches
        inputs.kv_monitor_raw = plant.kv_monitor_raw
        inputs.ma_monitor_raw = plant.ma_monitor_raw
        if not plant.tick:
            sensors = plant.sensors
            inputs.head_temperature_raw = sensors.head_raw
            inputs.mount_temperature_raw = sensors.mount_raw
            inputs.generator_temperature_raw = sensors.electronics_raw
            inputs.room_temperature_raw = sensors.room_raw
            inputs.room_pressure_raw = sensors.pressure_raw
            inputs.room_humidity_raw = sensors.humidity_raw
            inputs.filament_monitor_raw = plant.filament_monitor_raw
            inputs.fan_tach_raw = int(plant.heat.fan * plant.heat.fan_max_rpm)
        inputs.lamp_current_raw = LAMP_RAW if plant.lamp_on else 0

    def write(self, outputs: Any) -> None:
        """Apply the actuator values; they hold until the next tick."""
        plant = self.plant
        plant.hv_enable = outputs.hv_enable
        plant.lamp_on = outputs.lamp_on
        plant.kv_program_raw = outputs.kv_program_raw
        plant.grid_program_raw = outputs.grid_program_raw
        plant.filament_program_raw = outputs.filament_program_raw
        plant.fan_program_raw = outputs.fan_program_raw
