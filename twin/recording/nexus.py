"""The NeXus layout of a recording: which group holds what, and how values get there.

NeXus (https://www.nexusformat.org) is HDF5 with agreed names: each group gives its class in the
attribute NX_class. The tree is drawn in docs/user/recording.md.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

CHANNELS = "entry/instrument/channels"
SOURCE = "entry/instrument/source"
FRAMES = "entry/frames"
PARAMETERS = "entry/parameters"
RESULTS = "entry/results"

# Superblock 3, the oldest format that knows single-writer-multiple-reader.
LIBVER = ("v110", "v110")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")
_NOTE_CHARACTERS = 200  # a longer text, or one of several lines, becomes an NXnote
# What NXsource calls a channel of ours.
_SOURCE_FIELDS = {
    "kv": "voltage",
    "ma": "emission_current",
    "filament_current_a": "filament_current",
}


@dataclass(frozen=True)
class Column:
    """One channel. `unit` is in UDUNITS spelling (degC, kV, mA, percent, 1), `count` or `bits`."""

    name: str
    unit: str
    meaning: str


def lay_out(file: Any, columns: Sequence[Column], chunk: int) -> tuple[list[Any], list[Any]]:
    """Make the whole tree; return the growing datasets of the channels and of the frames.

    Of either, the first is the time. Raises ValueError on a name that NeXus does not allow.
    """
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "frames"
    entry["title"] = "A simulated run of a microfocus X-ray tube and its control firmware"
    entry["program_name"] = "tubetwin"
    instrument = _group(entry, "instrument", "NXinstrument")
    instrument["name"] = "tubetwin: digital twin, not a measurement"
    source = _group(instrument, "source", "NXsource")
    source["name"] = "sealed microfocus X-ray tube, simulated"
    source["type"] = "Fixed Tube X-ray"
    source["probe"] = "x-ray"
    return _channels(file, instrument, columns, chunk), _frames(entry, chunk)


def write_values(group: Any, values: Mapping[str, object]) -> None:
    """Write a mapping into a group; see Recorder for the allowed values."""
    for name, value in values.items():
        _check(name)
        if not isinstance(value, Mapping):
            _write(group, name, value)
        elif "value" in value:
            dataset = _write(group, name, value["value"])
            for key, attribute in value.items():
                if key != "value" and attribute is not None:
                    dataset.attrs["units" if key == "unit" else key] = _plain(attribute)
        else:
            write_values(_group(group, name, "NXparameters"), value)


def extend(datasets: Sequence[Any], rows: Sequence[Sequence[float]]) -> None:
    """Append rows to datasets, one column to each. Raises ValueError on rows of another length."""
    if not rows:
        return
    table = np.array(rows, dtype=np.float64)
    if table.shape != (len(rows), len(datasets)):
        raise ValueError(f"a row has {len(datasets)} columns; these rows make {table.shape}")
    first = datasets[0].shape[0]
    for dataset, values in zip(datasets, table.T.copy(), strict=True):
        dataset.resize((first + len(rows),))
        dataset[first:] = values
    # Time last: a row that a reader sees has all its values.
    for dataset in reversed(datasets):
        dataset.flush()


def parameters_group(file: Any, path: str) -> Any:
    """The group at `path`, made as an NXparameters if it is not there yet."""
    parent, _, name = path.rpartition("/")
    return file[path] if path in file else _group(file[parent], name, "NXparameters")


def _channels(file: Any, instrument: Any, columns: Sequence[Column], chunk: int) -> list[Any]:
    """The NXlog of each column, all with the same dataset as their time."""
    channels = _group(instrument, "channels", "NXcollection")
    time = _growing(channels, "time", "i8", "ms", columns[0].meaning, chunk)
    datasets = [time]
    for column in columns[1:]:
        _check(column.name)
        log = _group(channels, column.name, "NXlog")
        log["time"] = time
        log["description"] = column.meaning
        value = _growing(log, "value", "f8", column.unit, column.meaning, chunk)
        datasets.append(value)
        if column.name in _SOURCE_FIELDS:
            file[SOURCE][_SOURCE_FIELDS[column.name]] = value
    return datasets


def _frames(entry: Any, chunk: int) -> list[Any]:
    """The NXdata of the frames, which is what a NeXus viewer plots first."""
    frames = _group(entry, "frames", "NXdata")
    frames.attrs["signal"] = "intensity_measured"
    frames.attrs["auxiliary_signals"] = ["intensity_true"]
    frames.attrs["axes"] = ["time"]
    frames.attrs["time_indices"] = [0]
    frames["title"] = "Intensity integrated per frame"
    return [
        _growing(frames, "time", "i8", "ms", "simulated time at the start of the frame", chunk),
        _growing(frames, "intensity_true", "f8", "1", "without counting statistics", chunk),
        _growing(frames, "intensity_measured", "f8", "1", "as counted", chunk),
    ]


def _growing(group: Any, name: str, kind: str, unit: str, meaning: str, chunk: int) -> Any:
    dataset = group.create_dataset(
        name,
        shape=(0,),
        maxshape=(None,),
        chunks=(chunk,),
        dtype=kind,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        track_times=False,
    )
    dataset.attrs["units"] = unit
    dataset.attrs["long_name"] = meaning
    dataset.attrs["target"] = dataset.name  # NeXus: the path of the original, for all links to it
    return dataset


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name, track_order=True)  # members stay in the order of writing
    group.attrs["NX_class"] = nx_class
    return group


def _write(group: Any, name: str, value: object) -> Any:
    if isinstance(value, str) and ("\n" in value or len(value) > _NOTE_CHARACTERS):
        note = _group(group, name, "NXnote")
        note["type"] = "text/plain"
        note["data"] = _plain(value)
        return note
    return group.create_dataset(name, data=_plain(value), track_times=False)


def _plain(value: object) -> object:
    """The value as HDF5 can hold it: number, flag, text, array of one kind, else JSON text."""
    if value is None:
        return h5py.Empty("f8")
    if isinstance(value, (bool, float, np.generic, np.ndarray)):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else str(value)
    if isinstance(value, (list, tuple)):
        if all(isinstance(item, float | int) and not isinstance(item, bool) for item in value):
            return np.array(value, dtype=np.float64)
        if all(isinstance(item, str) for item in value):
            return [_plain(item) for item in value]
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    # HDF5's texts are UTF-8 and end at a zero; a name from the command line may be neither.
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a NeXus field")
