"""A recording in memory, for runs from Python: the columns of a run as arrays."""

from array import array
from collections.abc import Sequence

import numpy as np

from firmware.signal_table import INPUTS, OUTPUTS
from twin.recording.columns import COLUMNS
from twin.recording.nexus import Column

FRAME_COLUMNS = (
    Column("start_ms", "ms", "simulated time at which the frame begins"),
    Column("intensity_true", "1", "mean over the frame, relative to the nominal tube, noise-free"),
    Column("intensity_measured", "1", "the same with the counting statistics of the detector"),
)
WHOLE = {"now_ms", "start_ms"} | {signal[0] for signal in (*INPUTS, *OUTPUTS)}


class Kept:
    """What a Recorder is to a file: takes rows of COLUMNS and the frames of the verdict."""

    def __init__(self) -> None:
        self._rows = array("d")
        self._frames = array("d")

    def append(self, row: Sequence[float]) -> None:
        """Keep one row, in the order of COLUMNS."""
        self._rows.extend(row)

    def flush(self) -> None:
        """Nothing is waiting."""

    def frame(self, start_ms: int, true: float, measured: float) -> None:
        """Keep one frame of the verdict."""
        self._frames.extend((start_ms, true, measured))

    def rows(self) -> np.ndarray:
        """Shape (samples, len(COLUMNS)), a sample each second."""
        return np.frombuffer(self._rows).reshape(-1, len(COLUMNS))

    def frames(self) -> np.ndarray:
        """Shape (frames, 3): start in ms, true and measured intensity."""
        return np.frombuffer(self._frames).reshape(-1, len(FRAME_COLUMNS))


def columns_of(values: np.ndarray, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """The columns of a table by name; times in ms and raw counts are integers."""
    return {
        column.name: values[:, at].astype(np.int64 if column.name in WHOLE else np.float64)
        for at, column in enumerate(columns)
    }
