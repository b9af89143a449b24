"""Reading a recording: whole, thinned for a plot, or as CSV.

Reads what twin/recording/recorder.py wrote, a file that is still being written and what a killed
run left.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from twin.files.errors import InputError
from twin.files.whole import whole
from twin.recording.nexus import CHANNELS, FRAMES, PARAMETERS, RESULTS, Column

Array = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class Frames:
    """The intensity integrated per frame. Three arrays of one length."""

    start_ms: Times
    true: Array
    measured: Array


@dataclass(frozen=True)
class Recording:
    """A run. Each array has the length of `now_ms`.

    Where rows were joined to thin them, `columns` holds the mean, `low` and `high` the extremes of
    the rows joined, and `now_ms` the time of the first; otherwise the three are the same.
    """

    now_ms: Times
    columns: dict[str, Array]
    low: dict[str, Array]
    high: dict[str, Array]
    units: dict[str, str]
    meanings: dict[str, str]
    frames: Frames
    parameters: dict[str, Any]
    results: dict[str, Any]


def load(
    path: Path | str, names: Sequence[str] | None = None, most_points: int | None = None
) -> Recording:
    """Read a recording: all channels, or those of `names` that are in it.

    With `most_points`, rows are joined so that no more points than that remain; memory then does
    not grow with the run. Raises InputError if this is not a recording.
    """
    with opened(path) as file:
        declared = _declared(file)
        chosen = [c for c in declared if names is None or c.name in names]
        rows = file[CHANNELS]["time"].shape[0]
        join = 1 if most_points is None else max(1, -(-rows // most_points))
        columns, low, high = {}, {}, {}
        for column in chosen:
            dataset = file[CHANNELS][column.name]["value"]
            columns[column.name], low[column.name], high[column.name] = thin(dataset, rows, join)
        frames = file[FRAMES]
        count = frames["time"].shape[0]
        return Recording(
            now_ms=file[CHANNELS]["time"][:rows:join],
            columns=columns,
            low=low,
            high=high,
            units={column.name: column.unit for column in chosen},
            meanings={column.name: column.meaning for column in chosen},
            frames=Frames(
                frames["time"][:count],
                frames["intensity_true"][:count],
                frames["intensity_measured"][:count],
            ),
            parameters=values_of(file.get(PARAMETERS, {})),
            results=values_of(file.get(RESULTS, {})),
        )


def export_csv(
    recording_path: Path | str, csv_path: Path | str, frames_csv_path: Path | str | None = None
) -> None:
    """Write the channels as CSV, a row per second, and the frames as a second file if asked.

    The header names the columns, units in the names; every number can be read back to the bit.
    Memory does not grow with the run. Raises InputError; then neither file is there.
    """
    with opened(recording_path) as file:
        names = ["now_ms", *(column.name for column in _declared(file))]
        datasets = [file[CHANNELS]["time"], *(file[CHANNELS][n]["value"] for n in names[1:])]
        jobs = [(Path(csv_path), names, datasets)]
        if frames_csv_path is not None:
            names = ["start_ms", "intensity_true", "intensity_measured"]
            datasets = [file[FRAMES][n] for n in ("time", *names[1:])]
            jobs.append((Path(frames_csv_path), names, datasets))
        with ExitStack() as stack:  # all are written before one has its name
            for path, names, datasets in jobs:
                _write_csv(stack.enter_context(whole(path)), names, datasets)


def _write_csv(part: Path, names: Sequence[str], datasets: Sequence[Any]) -> None:
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        rows = datasets[0].shape[0]
        for first in range(0, rows, _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, rows)
            blocks = [_whole_as_int(dataset[first:last]) for dataset in datasets]
            writer.writerows(zip(*blocks, strict=True))


def _whole_as_int(values: npt.NDArray[Any]) -> list[float]:
    """Plain numbers; as int where all of a block are whole, as raw counts are."""
    if np.all(values == np.trunc(values)) and np.all(np.abs(values) < 2**53):
        return values.astype(np.int64).tolist()
    return values.tolist()


def thin(dataset: Any, rows: int, join: int) -> tuple[Array, Array, Array]:
    """Mean, lowest and highest of every `join` rows, read block by block."""
    if join == 1:
        values = dataset[:rows]
        return values, values, values
    means, lows, highs = [], [], []
    block = max(1, _BLOCK_ROWS // join) * join
    for first in range(0, rows, block):
        values = dataset[first : min(first + block, rows)]
        edges = np.arange(0, len(values), join)
        counts = np.diff(np.append(edges, len(values)))
        means.append(np.add.reduceat(values, edges) / counts)
        lows.append(np.minimum.reduceat(values, edges))
        highs.append(np.maximum.reduceat(values, edges))
    return np.concatenate(means), np.concatenate(lows), np.concatenate(highs)


def _declared(file: Any) -> list[Column]:
    """The channels, as they were declared."""
    return [
        Column(name, log["value"].attrs["units"], log["value"].attrs["long_name"])
        for name, log in file[CHANNELS].items()
        if name != "time"
    ]


def values_of(group: Any) -> dict[str, Any]:
    """A group of parameters as nested dicts; what has attributes, as dicts with key `value`."""
    values: dict[str, Any] = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            values[name] = _text(item["data"][()]) if "data" in item else values_of(item)
        elif item.attrs:
            values[name] = {"value": _plain(item[()])}
            for key, attribute in item.attrs.items():
                values[name]["unit" if key == "units" else key] = _plain(attribute)
        else:
            values[name] = _plain(item[()])
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return value.item() if isinstance(value, np.generic) else _text(value)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def opened(path: Path | str) -> Iterator[Any]:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such recording; give the recording of a run")
    try:
        written = _being_written(path)
        file = h5py.File(path, "r", libver="latest", swmr=written, locking="best-effort")
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno is None:  # HDF5's own, often long
            why = why.split("\n")[0]
        raise InputError(f"{path}: cannot read: {why}; give the recording of a run") from None
    with file:
        if CHANNELS not in file or FRAMES not in file:
            raise InputError(f"{path}: not a recording of tubetwin; give the recording of a run")
        yield file


def _being_written(path: Path) -> bool:
    """Whether a writer has it open, or was killed: byte 11 of HDF5's superblock, version 3.

    Only then may it be read as one that grows: HDF5 would wait for the end of one that is cut off.
    """
    with path.open("rb") as stream:
        return any(stream.read(12)[11:])
