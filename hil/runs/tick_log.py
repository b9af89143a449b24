"""The tick log of a run: inputs and outputs of the firmware in every tick, for `tubetwin replay`.

A recording (twin/recording/recorder.py) with a row for each tick instead of each second, and with
the settings of the firmware, so that the same ticks can be repeated on any target. The keys of the
file ("tape", "wanted_kv", "wanted_ma") keep their names, so that older tick logs can be read.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import firmware
from firmware.settings import Settings
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import Command, Inputs, Outputs
from twin.files.errors import InputError
from twin.recording.nexus import CHANNELS, PARAMETERS, Column
from twin.recording.reader import opened, values_of
from twin.recording.recorder import Recorder
from twin.world.seam import Firmware

FORMAT = 1
BLOCK_TICKS = 4096  # read at a time
COMMAND = (
    Column("run", "1", "1 if the operator requests the beam"),
    Column("hold", "bits", "laws whose outputs are frozen, see firmware/signals.py"),
    Column("wanted_kv", "kV", "requested tube voltage"),
    Column("wanted_ma", "mA", "requested emission current"),
)
SIGNALS = tuple(Column(signal[0], signal[1], signal[5]) for signal in (*INPUTS, *OUTPUTS))
COLUMNS = (Column("now_ms", "ms", "time of the tick, by the firmware's clock"), *COMMAND, *SIGNALS)


class TickLog:
    """A tick log that is being written to `path`; as with Recorder, the file exists after `close`.

    settings : of the firmware
    outputs  : values of the actuators before the first tick
    about    : plain values that describe the run
    """

    def __init__(
        self, path: Path, settings: Settings, outputs: Outputs, about: Mapping[str, object]
    ):
        held = dict(zip(outputs.NAMES, outputs.values(), strict=True))
        parameters = {
            "tape": FORMAT,
            "firmware": firmware.__version__,
            "about": dict(about),
            "settings": settings.values(),
            "held": held,
        }
        self._recorder = Recorder(path, COLUMNS, parameters)

    def tick(self, now_ms: int, inputs: Inputs, command: Command, outputs: Outputs) -> None:
        """Append a tick, after the firmware's step."""
        self._recorder.append(
            (
                now_ms,
                command.run,
                command.hold,
                command.kv,
                command.ma,
                *inputs.values(),
                *outputs.values(),
            )
        )

    def close(self) -> None:
        self._recorder.close()

    def __enter__(self) -> "TickLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._recorder.discard()


class LoggedFirmware:
    """A firmware (twin/world/seam.py) that writes all its ticks to a tick log."""

    def __init__(self, controller: Firmware, tick_log: TickLog):
        self._controller = controller
        self._tick_log = tick_log

    @property
    def condition(self) -> int:
        return self._controller.condition

    @property
    def trip(self) -> int:
        return self._controller.trip

    @property
    def trip_ms(self) -> int:
        return self._controller.trip_ms

    @property
    def trim(self) -> float:
        return self._controller.trim

    def readings(self, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
        return self._controller.readings(inputs, outputs)

    def state(self) -> dict[str, Any]:
        return self._controller.state()

    def load(self, state: dict[str, Any]) -> None:
        self._controller.load(state)

    def step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        self._controller.step(now_ms, inputs, outputs, command)
        self._tick_log.tick(now_ms, inputs, command, outputs)


@dataclass(frozen=True)
class OpenTickLog:
    """A tick log that is open for reading.

    about : the description of the run
    held  : values of the actuators before the first tick
    ticks : number of ticks
    """

    path: Path
    about: dict[str, Any]
    settings: Settings
    held: Outputs
    ticks: int
    file: Any

    def play(self) -> Iterator[tuple[int, Inputs, Command, tuple[int, ...]]]:
        """(now_ms, inputs, command, outputs) of each tick; the two records are reused."""
        inputs, command = Inputs(), Command(0.0, 0.0)
        channels = self.file[CHANNELS]
        datasets = [channels["time"], *(channels[c.name]["value"] for c in COLUMNS[1:])]
        end = 5 + len(INPUTS)
        for first in range(0, self.ticks, BLOCK_TICKS):
            block = [d[first : min(first + BLOCK_TICKS, self.ticks)].tolist() for d in datasets]
            for row in zip(*block, strict=True):
                command.run = row[1] != 0.0
                command.hold = int(row[2])
                command.kv, command.ma = row[3], row[4]
                inputs.load(map(int, row[5:end]))
                yield row[0], inputs, command, tuple(map(int, row[end:]))


@contextmanager
def open_tick_log(path: Path) -> Iterator[OpenTickLog]:
    """Open a tick log. Raises InputError if the file is none, or has other signals."""
    with opened(path) as file:
        parameters = values_of(file.get(PARAMETERS, {}))
        if parameters.get("tape") != FORMAT:
            raise InputError(
                f"{path}: a recording, not a tick log; make one with `tubetwin bench --record FILE`"
            )
        there = {name for name in file[CHANNELS] if name != "time"}
        if there != {column.name for column in COLUMNS[1:]}:
            other = ", ".join(sorted(there ^ {column.name for column in COLUMNS[1:]}))
            raise InputError(f"{path}: made with other signals ({other}); record it again")
        settings, held = Settings(), Outputs()
        try:
            settings.load(parameters["settings"])
        except ValueError as error:
            raise InputError(f"{path}: {error}; record it again") from None
        held.load([parameters["held"][name] for name in held.NAMES])
        ticks = file[CHANNELS]["time"].shape[0]
        if not ticks:
            raise InputError(f"{path}: the tick log is empty; record it again")
        yield OpenTickLog(Path(path), parameters["about"], settings, held, ticks, file)
