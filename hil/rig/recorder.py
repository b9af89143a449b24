"""Values of a test's tube, recorded ten times a second: for the test, the plot and a file."""

from array import array
from collections.abc import Mapping
from pathlib import Path

from hil.rig.channels import values_of
from twin.recording.columns import COLUMNS
from twin.recording.recorder import Recorder
from twin.world.world import World

PERIOD_MS = 100
KEPT = (
    "kv",
    "ma",
    "head_temperature_c",
    "fan_percent",
    "filament_temperature_k",
    "switches",
    "hv_enable",
    "state",
    "trip",
)


class RigRecorder:
    """The recorder of a test: `seconds` since its start, `recorder[name]` for the names in KEPT.

    All columns have the same length. An hour needs 3 MB.
    """

    def __init__(self, world: World, begin_ms: int):
        self.seconds = array("d")
        self._columns = {name: array("d") for name in KEPT}
        self._world = world
        self._begin_ms = begin_ms
        self.add()
        world.every(PERIOD_MS, lambda _: self.add())

    def __getitem__(self, name: str) -> "array[float]":
        return self._columns[name]

    def save(self, path: Path, attributes: Mapping[str, object]) -> None:
        """Write a recording, docs/user/recording.md. Raises InputError if it can't be written."""
        self.add()
        columns = [column for column in COLUMNS if column.name in ("now_ms", *KEPT)]
        with Recorder(path, columns, attributes) as file:
            for at, second in enumerate(self.seconds):
                values = [self._columns[column.name][at] for column in columns[1:]]
                file.append((round(1000.0 * second), *values))
            file.close()

    def add(self) -> None:
        """Record the present values, also between two periods; at most once in a tick."""
        now_s = 0.001 * (self._world.plant.now_ms - self._begin_ms)
        if self.seconds and self.seconds[-1] == now_s:
            return
        self.seconds.append(now_s)
        for name, value in zip(KEPT, values_of(self._world, KEPT), strict=True):
            self._columns[name].append(value)
