"""A board of chips on a constant plant, and the expected values of its signals."""

from collections.abc import Callable
from typing import Any

import pytest

from firmware.signals import Inputs, Outputs
from tests.kit.board_rig import StillPlant
from tests.kit.chip_unit import ChipUnit

HALF_A_SECOND = 50  # ticks
SETTLED = 150  # ticks from power-up until all is read


class Rig(ChipUnit):
    def __init__(self, **parts: Any):
        super().__init__(StillPlant(), **parts)
        self.inputs: Any = Inputs()
        self.outputs: Any = Outputs()

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.read(self.inputs)
            self.write(self.outputs)
            self.plant.advance()

    def moved(self) -> None:
        """The plant is somewhere else altogether."""
        plant, sensors = self.plant, self.plant.sensors
        plant.kv_monitor_raw, plant.ma_monitor_raw, plant.filament_monitor_raw = 1234, 2345, 3456
        plant.heat.fan = 0.25
        (
            sensors.head_temperature_raw,
            sensors.mount_temperature_raw,
            sensors.generator_temperature_raw,
        ) = 9500, 8600, 5000
        sensors.room_temperature_raw, sensors.room_pressure_raw, sensors.room_humidity_raw = (
            -512,
            76543,
            8765,
        )
        self.outputs.lamp_on = 1


# signal: what it should be, within so many counts, so many ticks after it has changed. Beyond the
# half second in which everything has its turn: a conversion of the MAX31865 takes 20 ms, one of the
# BME280 comes every 170 ms and is worked out over three ticks, and the fan is averaged from turn to
# turn. The LM35 has 1.6 counts for 0.01 degC.
SIGNALS: dict[str, tuple[Callable[[Any], float], int, int]] = {
    "switches": (lambda plant: plant.switches, 0, 1),
    "kv_monitor_raw": (lambda plant: plant.kv_monitor_raw, 0, 1),
    "ma_monitor_raw": (lambda plant: plant.ma_monitor_raw, 0, 2),
    "lamp_current_raw": (lambda plant: 2000 * plant.lamp_on, 0, 6),
    "filament_monitor_raw": (lambda plant: plant.filament_monitor_raw, 0, 52),
    "fan_tach_raw": (lambda plant: plant.heat.fan * plant.heat.fan_max_rpm, 3, 100),
    "head_temperature_raw": (lambda plant: plant.sensors.head_temperature_raw, 0, 52),
    "mount_temperature_raw": (lambda plant: plant.sensors.mount_temperature_raw, 0, 52),
    "generator_temperature_raw": (lambda plant: plant.sensors.generator_temperature_raw, 1, 52),
    "room_temperature_raw": (lambda plant: plant.sensors.room_temperature_raw, 1, 70),
    "room_pressure_raw": (lambda plant: plant.sensors.room_pressure_raw, 2, 70),
    "room_humidity_raw": (lambda plant: plant.sensors.room_humidity_raw, 2, 70),
}
# age: longest that it is shown in health, ms
AGES = {
    "adc_age_ms": 20,
    "head_age_ms": 500,
    "mount_age_ms": 500,
    "generator_age_ms": 510,
    "room_age_ms": 500,
}


def assert_right(rig: Rig) -> None:
    """Every signal is the plant's, every age short."""
    for name, (value, within, _) in SIGNALS.items():
        assert getattr(rig.inputs, name) == pytest.approx(value(rig.plant), abs=within), name
    for name, longest_ms in AGES.items():
        assert getattr(rig.inputs, name) <= longest_ms, name
