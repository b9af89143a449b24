"""Room conditions over time: temperature, pressure and humidity of the air around the tube.

A table of points, linear between them. Time counts from the first point. At negative times (warm-up
before the run) the first values hold. A time after the last point is an error, unless the table
repeats.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import numpy as np

END_TOLERANCE_S = 0.001  # times are whole milliseconds; the end of a table may be between two


class Ambient:
    """Room conditions as a function of time, fast for increasing times.

    time_s : from 0, strictly rising, two points or more
    temperature_c, pressure_hpa, humidity_percent : as long as time_s
    repeat : start again at the end; first and last values must then be equal

    The object remembers only the last segment, to be fast. The results do not depend on the order
    of the calls.
    """

    def __init__(
        self,
        time_s: Iterable[float],
        temperature_c: Iterable[float],
        pressure_hpa: Iterable[float],
        humidity_percent: Iterable[float],
        repeat: bool = False,
    ) -> None:
        self.time_s = array("d", time_s)
        self.temperature_c = array("d", temperature_c)
        self.pressure_hpa = array("d", pressure_hpa)
        self.humidity_percent = array("d", humidity_percent)
        self.repeat = repeat
        values = (self.temperature_c, self.pressure_hpa, self.humidity_percent)
        times = np.frombuffer(self.time_s)
        if any(len(column) != len(times) for column in values):
            raise ValueError("the columns must be of one length")
        if len(times) < 2 or times[0] != 0.0 or not np.all(np.diff(times) > 0.0):
            raise ValueError("time_s must rise strictly from 0 over two points or more")
        if not all(np.isfinite(np.frombuffer(column)).all() for column in (self.time_s, *values)):
            raise ValueError("all numbers must be finite")
        if repeat and any(column[0] != column[-1] for column in values):
            raise ValueError("to repeat, the last values must equal the first")
        self.duration_s = self.time_s[-1]
        self._first = (values[0][0], values[1][0], values[2][0])
        self._last = (values[0][-1], values[1][-1], values[2][-1])
        self._enter(0)

    def at(self, t_s: float) -> tuple[float, float, float]:
        """Temperature (°C), pressure (hPa) and relative humidity (%) at `t_s`.

        Raises ValueError for a time beyond the end, unless the table repeats.
        """
        if self.repeat and t_s >= self.duration_s:
            t_s = math.fmod(t_s, self.duration_s)
        if not self._from_s <= t_s < self._to_s:
            if t_s < 0.0:
                return self._first
            if not t_s < self.duration_s:
                if t_s <= self.duration_s + END_TOLERANCE_S:
                    return self._last
                raise ValueError(f"room conditions end at {self.duration_s} s; asked for {t_s} s")
            self._enter(bisect_right(self.time_s, t_s) - 1)
        along = (t_s - self._from_s) / self._long_s
        return (
            self._temperature + along * self._temperature_step,
            self._pressure + along * self._pressure_step,
            self._humidity + along * self._humidity_step,
        )

    @property
    def temperature_range_c(self) -> tuple[float, float]:
        """Lowest and highest room temperature of the table (°C)."""
        return min(self.temperature_c), max(self.temperature_c)

    def temperature_range_between_c(self, first_s: float, last_s: float) -> tuple[float, float]:
        """Lowest and highest room temperature (°C) from `first_s` to `last_s`, both >= 0."""
        first_c, last_c = self.at(first_s)[0], self.at(last_s)[0]
        if not self.repeat:
            return self._range_c(first_s, last_s, first_c, last_c)
        if last_s - first_s >= self.duration_s:
            return self.temperature_range_c
        first_s, last_s = math.fmod(first_s, self.duration_s), math.fmod(last_s, self.duration_s)
        if first_s <= last_s:
            return self._range_c(first_s, last_s, first_c, last_c)
        low_c, high_c = self._range_c(first_s, self.duration_s, first_c, self._last[0])
        begun_low_c, begun_high_c = self._range_c(0.0, last_s, self._first[0], last_c)
        return min(low_c, begun_low_c), max(high_c, begun_high_c)

    def _range_c(
        self, first_s: float, last_s: float, first_c: float, last_c: float
    ) -> tuple[float, float]:
        """As above, without repetition; first_c, last_c: temperatures at the two times."""
        inner = slice(bisect_left(self.time_s, first_s), bisect_right(self.time_s, last_s))
        points = (first_c, last_c, *self.temperature_c[inner])
        return min(points), max(points)

    def until(self, end_s: float) -> "Ambient":
        """The same conditions until `end_s`; a table that repeats before `end_s` is unchanged.

        Raises ValueError if `end_s` is not above 0, or is beyond the end of this table.
        """
        if self.repeat and end_s >= self.duration_s:
            return self
        if not 0.0 < end_s <= self.duration_s + END_TOLERANCE_S:
            raise ValueError(f"no room conditions until {end_s} s; they end at {self.duration_s} s")
        if end_s >= self.duration_s:
            return self
        kept = bisect_left(self.time_s, end_s)
        temperature_c, pressure_hpa, humidity_percent = self.at(end_s)
        return Ambient(
            [*self.time_s[:kept], end_s],
            [*self.temperature_c[:kept], temperature_c],
            [*self.pressure_hpa[:kept], pressure_hpa],
            [*self.humidity_percent[:kept], humidity_percent],
        )

    def _enter(self, segment: int) -> None:
        k, n = segment, segment + 1
        self._from_s, self._to_s = self.time_s[k], self.time_s[n]
        self._long_s = self._to_s - self._from_s
        self._temperature = self.temperature_c[k]
        self._temperature_step = self.temperature_c[n] - self._temperature
        self._pressure = self.pressure_hpa[k]
        self._pressure_step = self.pressure_hpa[n] - self._pressure
        self._humidity = self.humidity_percent[k]
        self._humidity_step = self.humidity_percent[n] - self._humidity
