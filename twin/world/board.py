"""The twin's side of the seam: the same two methods that a real board has.

A signal of firmware/signal_table.py is copied from the attribute of the same name of the plant
(twin/plant/plant.py), or else of its slow sensors (twin/plant/sensors.py). Both methods are
plain functions generated from the table: they run in every tick.
"""

from collections.abc import Callable, Iterable
from typing import Any

from firmware.signal_table import INPUTS, OUTPUTS, ages
from firmware.signals import Inputs, Outputs
from twin.plant.plant import Plant
from twin.plant.sensors import Sensors

LAMP_RAW = 2000  # the lamp's current, when it is switched on and works

# New in every tick. All other readings are converted twice a second, as on a real board.
EVERY_TICK = ("switches", "kv_monitor_raw", "ma_monitor_raw", "lamp_current_raw")
# What is no attribute of the plant.
CALCULATED = {
    "lamp_current_raw": f"{LAMP_RAW} if plant.lamp_on else 0",
    "fan_tach_raw": "int(plant.heat.fan * plant.heat.fan_max_rpm)",
}
NOT_DRIVEN = ("state", "trip")  # outputs that move nothing
AGES = ages(INPUTS)  # they stay 0: what the twin offers is fresh


def source_of(name: str) -> str:
    """Where an input comes from, as an expression of `plant`. LookupError if from nowhere."""
    if name in CALCULATED:
        return CALCULATED[name]
    if name in Plant.STATE:
        return f"plant.{name}"
    if name in Sensors.STATE:
        return f"plant.sensors.{name}"
    raise LookupError(f"input {name}: neither Plant.STATE nor Sensors.STATE has this name")


def _maker(statements: Iterable[str]) -> Callable[[Plant], Callable[[Any], None]]:
    """Makes, for a plant, a plain function of a record with these statements."""
    body = "\n        ".join(statements)
    source = f"def make(plant):\n    def copy(record):\n        {body}\n    return copy"
    found: dict[str, Any] = {}
    exec(source, found)
    make: Callable[[Plant], Callable[[Any], None]] = found["make"]
    return make


def _reads() -> list[str]:
    copies = {
        signal[0]: f"record.{signal[0]} = {source_of(signal[0])}"
        for signal in INPUTS
        if signal[0] not in AGES
    }
    slow = [f"    {copy}" for name, copy in copies.items() if name not in EVERY_TICK]
    return [*(copies[name] for name in EVERY_TICK), "if not plant.tick:", *slow]


def _writes() -> list[str]:
    names = [signal[0] for signal in OUTPUTS if signal[0] not in NOT_DRIVEN]
    return [f"plant.{name} = record.{name}" for name in names]


_reader, _writer = _maker(_reads()), _maker(_writes())


class TwinBoard:
    """Copies raw counts between the firmware's records and the plant.

    read(inputs)   : fill raw counts and switch states; slow sensors change every half second
    write(outputs) : apply the actuator values; they hold until the next tick
    """

    def __init__(self, plant: Plant):
        self.plant = plant
        self.read: Callable[[Inputs], None] = _reader(plant)
        self.write: Callable[[Outputs], None] = _writer(plant)
