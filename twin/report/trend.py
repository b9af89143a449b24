"""A recording made ready to be drawn: intensity in per cent from its mean, few enough points."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.recording.reader import Array, Recording, load, thin

MOST_POINTS = 1200
_DEFAULT_FRAME_MS = 60_000


@dataclass(frozen=True)
class Curve:
    """Values over time in ms; `low` and `high` where points were joined, else the same values."""

    now_ms: Array
    mid: Array
    low: Array
    high: Array

    def __bool__(self) -> bool:
        return bool(np.isfinite(self.mid).any())

    def between(self, first_ms: float, last_ms: float) -> "Curve":
        """The part with first_ms ≤ time ≤ last_ms."""
        inside = (self.now_ms >= first_ms) & (self.now_ms <= last_ms)
        return Curve(*(part[inside] for part in (self.now_ms, self.mid, self.low, self.high)))

    def range(self) -> tuple[float, float]:
        """Lowest and highest value; nan, nan if there is none."""
        if not self:
            return np.nan, np.nan
        return float(np.nanmin(self.low)), float(np.nanmax(self.high))


_EMPTY = Curve(*(np.empty(0) for _ in range(4)))


@dataclass(frozen=True)
class Trend:
    """A run as it is drawn. Intensities are in per cent from the mean of the scored frames.

    After a trip there is no beam: then the mean is that of the frames before the first trip.
    `rms_percent` is the standard deviation over the mean of all scored frames, as the verdict's.
    """

    recording: Recording
    first_ms: float
    last_ms: float
    scored_ms: float  # what is earlier is warm-up
    trip_ms: float  # inf if there was none
    frame_ms: float
    true: Curve  # per frame
    measured: Curve  # per frame
    second: Curve  # per second, warm-up included
    rms_percent: float

    def steady(self, curve: Curve) -> Curve:
        """The scored part of a curve before the first trip."""
        points = len(curve.now_ms)
        spacing = (curve.now_ms[-1] - curve.now_ms[0]) / (points - 1) if points > 1 else 0.0
        return curve.between(self.scored_ms, self.trip_ms - spacing)

    def channel(self, name: str) -> Curve:
        """A channel of the recording; empty if it is not there."""
        recording = self.recording
        if name not in recording.columns:
            return _EMPTY
        return Curve(
            recording.now_ms.astype(float),
            recording.columns[name],
            recording.low[name],
            recording.high[name],
        )


def load_trend(
    path: Path,
    names: Sequence[str],
    scored_frames: int | None = None,
    scored_ms: float | None = None,
    trip_ms: float = np.inf,
) -> Trend:
    """Read a recording for drawing, with the channels of `names` that it has.

    The scored part begins at `scored_ms`; without it, at the first of the last `scored_frames`
    frames; without that, at the first frame that does not begin before time 0.
    Raises InputError if `path` is not a recording.
    """
    recording = load(path, [*names, "intensity"], MOST_POINTS)
    frames = recording.frames
    start = frames.start_ms.astype(float)
    frame_ms = float(np.median(np.diff(start))) if len(start) > 1 else _DEFAULT_FRAME_MS
    if scored_ms is None:
        if scored_frames is not None and 0 < scored_frames <= len(start):
            scored_ms = float(start[-scored_frames])
        else:
            scored_ms = float(min(start[start >= 0], default=0.0))
    scored = start >= scored_ms
    steady = scored & (start + frame_ms <= trip_ms)
    middle_ms = start[scored] + 0.5 * frame_ms
    kept = steady if steady.any() else scored
    spread = float(np.std(frames.true[scored])) if scored.any() else np.nan
    now_ms = recording.now_ms.astype(float)
    second = _EMPTY
    if "intensity" in recording.columns and len(now_ms):
        steady_row = (now_ms > scored_ms) & (now_ms < trip_ms)
        row_mean = _mean(recording.columns["intensity"][steady_row])
        bands = (recording.columns, recording.low, recording.high)
        second = Curve(now_ms, *(100.0 * (band["intensity"] / row_mean - 1.0) for band in bands))
    ends = np.concatenate([now_ms, start[scored], start[scored] + frame_ms])
    return Trend(
        recording=recording,
        first_ms=float(min(ends, default=0.0)),
        last_ms=float(max(ends, default=_DEFAULT_FRAME_MS)),
        scored_ms=scored_ms,
        trip_ms=trip_ms,
        frame_ms=frame_ms,
        true=_frame_curve(middle_ms, frames.true[scored], _mean(frames.true[kept])),
        measured=_frame_curve(middle_ms, frames.measured[scored], _mean(frames.measured[kept])),
        second=second,
        rms_percent=100.0 * spread / _mean(frames.true[scored]),
    )


def _mean(values: Array) -> float:
    """The mean; nan if there is none, or it is not positive."""
    mean = float(np.mean(values)) if len(values) else np.nan
    return mean if mean > 0.0 else np.nan


def _frame_curve(middle_ms: Array, values: Array, mean: float) -> Curve:
    deviation = 100.0 * (values / mean - 1.0)
    join = max(1, -(-len(values) // MOST_POINTS))
    return Curve(middle_ms[::join], *thin(deviation, len(deviation), join))
