"""The recording of a run: an HDF5 file in the NeXus layout, written while the run goes on.

It is written in HDF5's single-writer-multiple-reader mode under a hidden name and gets its own
name on `close`; what a killed run leaves under the hidden name can be read. Nothing in it
depends on the wall clock: the same calls give the same bytes.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py

from twin.files.errors import InputError
from twin.files.whole import not_written, part_of, plain_file, put_in_place
from twin.recording.nexus import (
    LIBVER,
    PARAMETERS,
    RESULTS,
    Column,
    extend,
    lay_out,
    parameters_group,
    write_values,
)

__all__ = ["BATCH_ROWS", "Column", "Recorder"]

BATCH_ROWS = 1800  # rows kept in memory before they are written; also the chunk of each channel
_CACHE_BYTES = 1 << 16  # of written chunks, per channel; by default it is 8 MiB for each
_SLACK_BYTES = 1 << 20  # for the indices of the channels


class Recorder:
    """Writes `path`; nothing appears there before `close`.

    `columns` declares the rows; the first is `now_ms`. `attributes` go to /entry/parameters:
    numbers, flags, texts (a long one becomes an NXnote), lists, None, nested mappings, and
    mappings with the key `value`, whose other keys become attributes of that value.

    Raises InputError where the file cannot be written: no such directory, not writable, disk full.
    In a `with` block, what was not closed at its end is discarded.
    """

    def __init__(
        self, path: Path | str, columns: Sequence[Column], attributes: Mapping[str, object]
    ):
        if not columns or columns[0].name != "now_ms":
            raise ValueError("the first column is now_ms")
        self.path = Path(path)
        if not self.path.name:
            raise InputError(f"{path}: cannot write the recording: that names no file; name one")
        self.columns = tuple(columns)
        self.part = part_of(self.path)
        self._rows: list[Sequence[float]] = []
        self._frames: list[tuple[int, float, float]] = []
        self._batch_bytes = (len(columns) + 3) * (BATCH_ROWS * 8 + 4096) + _SLACK_BYTES
        self._file: Any = None
        self._descriptor = -1
        try:
            with self._writing():
                file = self._create()
                self._reserve(_SLACK_BYTES + 2 * len(repr(attributes)))
                self._channels, self._frame_channels = lay_out(file, self.columns, BATCH_ROWS)
                write_values(parameters_group(file, PARAMETERS), attributes)
                file.swmr_mode = True
        except BaseException:
            self.discard()
            raise

    def append(self, row: Sequence[float]) -> None:
        """Add one row, in the order of the columns; the caller must not change it afterwards."""
        rows = self._rows
        rows.append(row)
        if len(rows) == BATCH_ROWS:
            self.flush()

    def frame(self, start_ms: int, true: float, measured: float) -> None:
        """Add one frame of the verdict: its first instant and the intensity integrated over it."""
        self._frames.append((start_ms, true, measured))

    def flush(self) -> None:
        """Write what is in memory, so that a reader sees it."""
        rows, self._rows = self._rows, []
        frames, self._frames = self._frames, []
        if rows or frames:
            with self._writing():
                self._reserve(self._batch_bytes)
                extend(self._channels, rows)
                extend(self._frame_channels, frames)

    def close(self, attributes: Mapping[str, object] | None = None) -> None:
        """Write the rest, and `attributes` to /entry/results; give the file its name."""
        try:
            self.flush()
            with self._writing():
                self._reserve(_SLACK_BYTES + 2 * len(repr(attributes)))
                self._file.close()
                # Opened again, because groups cannot be added in the mode in which rows are.
                # Closing it then cuts off what was reserved and not used.
                with h5py.File(self.part, "r+", libver=LIBVER, locking="best-effort") as file:
                    write_values(parameters_group(file, RESULTS), attributes or {})
                put_in_place(self.part, self.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the partial file. May be called at any time and again; never raises."""
        file, self._file = self._file, None
        self._rows, self._frames = [], []
        with suppress(OSError, RuntimeError, ValueError):
            if file:
                file.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(OSError):
                self.part.unlink()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.discard()

    def _create(self) -> Any:
        plain_file(self.path)
        self._descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._reserve(_SLACK_BYTES)
        self._file = h5py.File(
            self.part, "w", libver=LIBVER, locking="best-effort", rdcc_nbytes=_CACHE_BYTES
        )
        return self._file

    def _reserve(self, size: int) -> None:
        """Take `size` bytes beyond the end of the data. Raises OSError where the disk is full.

        HDF5 cannot close a file after a failed write: the interpreter crashes at its end. So no
        write may fail.
        """
        if hasattr(os, "posix_fallocate"):
            end = self._file.id.get_filesize() if self._file else 0
            os.posix_fallocate(self._descriptor, end, size)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn the errors of the file system, and HDF5's reports of them, into InputError."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            code = getattr(error, "errno", None)
            if code is None and (found := re.search(r"errno = (\d+)", str(error))):
                code = int(found[1])
            what = os.strerror(code) if code else str(error)
            raise not_written(self.path, OSError(code, what)) from None
