"""The tape of a run: what the firmware read and wrote in every tick, for `tubetwin replay`.

A recording like every other (twin/recording/recorder.py), with a row for each tick instead of each
second, and with what the firmware was set to, so that it can be stepped again, anywhere.
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
    Column("run", "1", "whether the operator wants the beam"),
    Column("hold", "bits", "laws whose outputs are frozen, see firmware/signals.py"),
    Column("wanted_kv", "kV", "tube voltage that the operator wants"),
    Column("wanted_ma", "mA", "emission current that the operator wants"),
)
SIGNALS = tuple(Column(signal[0], signal[1], signal[5]) for signal in (*INPUTS, *OUTPUTS))
COLUMNS = (Column("now_ms", "ms", "time of the tick, by the firmware's clock"), *COMMAND, *SIGNALS)


class Tape:
    """Writes `path` as Recorder does: nothing is there before `close`.

    settings, outputs : of the firmware, and what the actuators held, before the first tick
    about             : plain values that say where the tape is from
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
        """One more tick, after the firmware's step."""
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

    def __enter__(self) -> "Tape":
        return self

    def __exit__(self, *_: object) -> None:
        self._recorder.discard()


class Taped:
    """A firmware (twin/world/seam.py), and a tape of all its ticks."""

    def __init__(self, controller: Firmware, tape: Tape):
        self._controller = controller
        self._tape = tape

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
        self._tape.tick(now_ms, inputs, command, outputs)


@dataclass(frozen=True)
class Found:
    """A tape that is open. about: where it is from; ticks: how many there are."""

    path: Path
    about: dict[str, Any]
    settings: Settings
    held: Outputs
    ticks: int
    file: Any

    def play(self) -> Iterator[tuple[int, Inputs, Command, tuple[int, ...]]]:
        """(now_ms, inputs, command, outputs) of each tick. The records are the same each time."""
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
def opened_tape(path: Path) -> Iterator[Found]:
    """Open a tape. InputError if it is none, or of a firmware with other signals."""
    with opened(path) as file:
        parameters = values_of(file.get(PARAMETERS, {}))
        if parameters.get("tape") != FORMAT:
            raise InputError(
                f"{path}: a recording, but no tape; make one with `tubetwin bench --record FILE`"
            )
        there = {name for name in file[CHANNELS] if name != "time"}
        if there != {column.name for column in COLUMNS[1:]}:
            other = ", ".join(sorted(there ^ {column.name for column in COLUMNS[1:]}))
            raise InputError(f"{path}: made with other signals ({other}); record it anew")
        settings, held = Settings(), Outputs()
        try:
            settings.load(parameters["settings"])
        except ValueError as error:
            raise InputError(f"{path}: {error}; record it anew") from None
        held.load([parameters["held"][name] for name in held.NAMES])
        ticks = file[CHANNELS]["time"].shape[0]
        if not ticks:
            raise InputError(f"{path}: there is no tick on this tape; record it anew")
        yield Found(Path(path), parameters["about"], settings, held, ticks, file)
