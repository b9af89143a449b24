"""Read room conditions from a CSV file; errors give the line and the correction.

    time_s,temperature_c,pressure_hpa,humidity_percent

The last two columns may be left out, and the order is free. Time counts from the first row.
"""

import csv
import math
import os
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, NoReturn

import numpy as np

from twin.files.errors import InputError
from twin.files.toml import file_name, nearest, open_input, shown
from twin.plant.ambient import Ambient

STANDARD_PRESSURE_HPA = 1013.25
STANDARD_HUMIDITY_PERCENT = 45.0
LONGEST_S = 366 * 86400.0

COLUMNS = ("time_s", "temperature_c", "pressure_hpa", "humidity_percent")
REQUIRED = COLUMNS[:2]
UNITS = "in s, °C, hPa and %"
_LIMITS = ((0.0, LONGEST_S), (-20.0, 60.0), (500.0, 1100.0), (0.0, 100.0))
_BLOCK_LINES = 20_000

Columns = list[np.ndarray]  # one array for each of COLUMNS


def implausible(column: str, value: float) -> str | None:
    """What is wrong with `value` as the air of a room and what to do, or None."""
    low, high = _LIMITS[COLUMNS.index(column)]
    if low <= value <= high:
        return None
    limits = f"{value:.10g} is outside {low:g} to {high:g}"
    if column == "temperature_c":
        return f"{limits} °C; is it kelvin or fahrenheit? give degrees Celsius"
    if column == "pressure_hpa":
        return f"{limits} hPa; is it Pa? give hPa (1 hPa = 100 Pa)"
    return f"{limits} %; give relative humidity in percent"


def read_room(path: str | os.PathLike[str]) -> Ambient:
    """The room that a file describes; docs/user/scenarios.md has its format.

    InputError in one line, with the line of the file, for anything unusable.
    """
    table = _Table(file_name(path))
    with open_input(path) as stream:
        blocks = list(table.read(stream))
    columns = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    time_s, temperature_c, pressure_hpa, humidity_percent = (
        array("d", column.tobytes()) for column in columns
    )
    return Ambient(time_s, temperature_c, pressure_hpa, humidity_percent)


class _Table:
    """A CSV file on its way in: blocks of rows the quick way, and row by row where one is odd."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.header: list[str] = []
        self.first_s: float | None = None
        self.last_s = -math.inf  # of the last good row, counted from the first
        self.last_line = 0
        self.rows = 0

    def read(self, stream: BinaryIO) -> Iterator[Columns]:
        """Blocks of rows, their time counted from the file's first."""
        read = 0
        while block := list(islice(stream, _BLOCK_LINES)):
            lines = self._text(b"".join(block), read).split("\n")
            if not self.header:
                self._take_header(lines, read)
            if rows := [line for line in lines if _has_data(line)]:
                values = self._quickly(rows)
                if values is None:
                    values = self._row_by_row(lines, read)
                self.last_s = float(values[0][-1])
                self.last_line = read + max(k for k, line in enumerate(lines, 1) if _has_data(line))
                self.rows += len(rows)
                yield values
            read += len(block)
        if not self.header:
            self._stop(read or 1, f"the file is empty; begin it with {','.join(REQUIRED)}")
        if self.rows < 2:
            found = ("no row", "one row")[self.rows]
            self._stop(read, f"{found} of values; give two or more, from the start to the end")

    def _stop(self, line: int, message: str) -> NoReturn:
        raise InputError(f"{self.name}:{line}: {message}")

    def _text(self, raw: bytes, read: int) -> str:
        if (zero := raw.find(b"\0")) >= 0:
            line = read + raw.count(b"\n", 0, zero) + 1
            self._stop(line, "is binary or UTF-16, not CSV text; save it as CSV in UTF-8")
        try:
            text = raw.decode("utf-8" if read else "utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = read + raw.count(b"\n", 0, error.start) + 1
            self._stop(line, "is not UTF-8 text; save it as CSV in UTF-8")
        if (lone := text.find("\r")) >= 0:
            line = read + text.count("\n", 0, lone) + 1
            self._stop(line, "a carriage return without line feed; save it with ordinary line ends")
        return text

    def _take_header(self, lines: list[str], read: int) -> None:
        """Read the header, if it is in this block, and blank its line."""
        index = next((k for k, line in enumerate(lines) if _has_data(line)), None)
        if index is None:
            return
        line, text = read + index + 1, lines[index]
        lines[index] = ""
        header = [name.strip() for name in _fields(text)]
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in text and "," not in text:
                self._stop(line, f"columns are separated by {name}; use commas, and decimal points")
        if all(_number(name) is not None for name in header):
            self._stop(line, f"no header; put a first line such as {','.join(REQUIRED)}")
        for number, name in enumerate(header, start=1):
            if not name:
                self._stop(line, f"column {number} has no name; name it or delete its comma")
            if name not in COLUMNS:
                self._stop(
                    line, f"{shown(name)}: unknown column; {nearest(name, COLUMNS)} ({UNITS})"
                )
            if name in header[: number - 1]:
                self._stop(line, f"{name}: the column is there twice; delete one")
        for name in REQUIRED:
            if name not in header:
                self._stop(line, f"{name}: the column is missing; add it")
        self.header = header

    def _quickly(self, rows: list[str]) -> Columns | None:
        """All rows at once, or None where anything needs a closer look."""
        commas = len(self.header) - 1
        text = ",".join(rows)
        if '"' in text or "_" in text or any(row.count(",") != commas for row in rows):
            return None
        try:
            table = np.array(list(map(float, text.split(",")))).reshape(len(rows), -1)
        except ValueError:
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            values = self._columns(table)
            rising = np.all(np.diff(values[0], prepend=self.last_s) > 0.0)
        within = (
            np.all((column >= low) & (column <= high))
            for column, (low, high) in zip(values, _LIMITS, strict=True)
        )
        return values if rising and all(within) else None

    def _row_by_row(self, lines: list[str], read: int) -> Columns:
        table = []
        for line, text in enumerate(lines, start=read + 1):
            if not _has_data(text):
                continue
            table.append(self._row(line, text))
            if self.first_s is None:
                self.first_s = table[0][self.header.index("time_s")]
            time_s = table[-1][self.header.index("time_s")] - self.first_s
            if not time_s > self.last_s:
                how = "is repeated" if time_s == self.last_s else "runs backwards"
                self._stop(
                    line,
                    f"time_s: time {how}, {self.first_s + time_s:.15g} after "
                    f"{self.first_s + self.last_s:.15g} in line {self.last_line}; "
                    "give each time once, in rising order",
                )
            if time_s > LONGEST_S:
                self._stop(
                    line,
                    f"time_s: {time_s / 86400:.4g} days after the first row, more than a "
                    "year; is it in ms? give seconds",
                )
            self.last_s, self.last_line = time_s, line
        return self._columns(np.array(table))

    def _row(self, line: int, text: str) -> list[float]:
        fields = _fields(text)
        if len(fields) != len(self.header):
            fix = "give one value per column, with decimal points"
            if len(fields) == 2 * len(self.header):
                fix = "are these decimal commas? use decimal points"
            elif ";" in text:
                fix = "separate values by commas, not semicolons"
            values = "1 value" if len(fields) == 1 else f"{len(fields)} values"
            self._stop(line, f"{values} in {len(self.header)} columns; {fix}")
        row = []
        for name, field in zip(self.header, fields, strict=True):
            value = _number(field)
            if value is None:
                fix = "use a decimal point" if "," in field else "write a plain number"
                if ";" in field:
                    fix = "separate values by commas, not semicolons"
                self._stop(line, f"{name}: {shown(field)} is not a number; {fix}")
            if not math.isfinite(value):
                self._stop(
                    line, f"{name}: {value} is not a usable number; correct or delete the row"
                )
            if name != "time_s" and (wrong := implausible(name, value)):
                self._stop(line, f"{name}: {wrong}")
            row.append(value)
        return row

    def _columns(self, table: np.ndarray) -> Columns:
        """The table's columns in the order of COLUMNS, those left out at their standard values."""
        by_name = dict(zip(self.header, table.T, strict=True))
        if self.first_s is None:
            self.first_s = float(by_name["time_s"][0])
        full = np.ones(len(table))
        return [
            by_name["time_s"] - self.first_s,
            by_name["temperature_c"].copy(),
            by_name.get("pressure_hpa", STANDARD_PRESSURE_HPA) * full,
            by_name.get("humidity_percent", STANDARD_HUMIDITY_PERCENT) * full,
        ]


def _has_data(line: str) -> bool:
    return bool(line) and not line.isspace() and not line.lstrip().startswith("#")


def _fields(line: str) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], skipinitialspace=True))
    except csv.Error:
        return [line]


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
