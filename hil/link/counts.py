"""The counts of a link: wire frames, errors, and durations."""

from dataclasses import dataclass, field
from math import log2
from typing import Any

PER_OCTAVE = 16  # steps of a histogram: 4.4 % each
STEPS = 32 * PER_OCTAVE  # up to an hour, in microseconds
KEPT = 100  # overruns whose time is kept


class Histogram:
    """Counts of positive numbers in steps of 4.4 %; its size does not grow."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0
        self._counts = [0] * STEPS

    def add(self, value: float) -> None:
        step = int(PER_OCTAVE * log2(value)) if value > 1.0 else 0
        self._counts[min(step, STEPS - 1)] += 1
        self.count += 1
        if value > self.largest:
            self.largest = value

    def percentile(self, percent: float) -> float:
        """The value that `percent` of the numbers do not exceed, within a step; NaN if empty."""
        if not self.count:
            return float("nan")
        rank = self.count * percent / 100.0
        below, step = self._counts[0], 0
        while below < rank:
            step += 1
            below += self._counts[step]
        return float(min(2.0 ** ((step + 1) / PER_OCTAVE), self.largest))


@dataclass
class Overruns:
    """Ticks for which the board had no fresh sample."""

    count: int = 0
    worst_ms: int = 0
    first: list[tuple[int, int]] = field(default_factory=list)  # (now_ms of the board, how late)

    def add(self, now_ms: int, late_ms: int) -> None:
        self.count += 1
        self.worst_ms = max(self.worst_ms, late_ms)
        if len(self.first) < KEPT:
            self.first.append((now_ms, late_ms))


@dataclass
class LinkCounts:
    """The counts of the host's end, and the last counts that the firmware reported.

    frames       : frames sent and answered, each counted once; in real time the reported ticks
    resent       : frames sent again, because no answer came in time
    late         : answers to a frame that was answered before or is no longer awaited
    out_of_order : frames that are no answer to a request
    corrupt      : damaged frames
    gaps         : real time: ticks of the board without a report
    safe_said    : SAFE frames of the firmware, sent because it received no frame for 100 ms
    round_trip   : time from the last sending of a frame to its answer (µs)
    jitter       : real time: deviation of the time between two ticks from 10 ms (µs)
    overruns     : real time: ticks without a fresh sample
    firmware     : the counts of the other end, by the names of firmware.link.frame.COUNTED
    """

    frames: int = 0
    resent: int = 0
    late: int = 0
    out_of_order: int = 0
    corrupt: int = 0
    gaps: int = 0
    safe_said: int = 0
    round_trip: Histogram = field(default_factory=Histogram)
    jitter: Histogram = field(default_factory=Histogram)
    overruns: Overruns = field(default_factory=Overruns)
    firmware: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Frames that were lost in either direction."""
        return max(0, self.resent - self.late) + self.gaps + self.firmware.get("lost", 0)

    @property
    def clean(self) -> bool:
        """True if no frame was lost, late, out of order or damaged."""
        return not (self.lost or self.late or self.out_of_order or self.corrupt)

    def summary(self) -> dict[str, Any]:
        """Plain numbers by name; None if not measured."""
        return {
            "frames": self.frames,
            "resent": self.resent,
            "lost_frames": self.lost,
            "late": self.late,
            "out_of_order": self.out_of_order,
            "corrupt": self.corrupt,
            "corrupt_there": self.firmware.get("corrupt"),
            "repeated_there": self.firmware.get("repeated"),
            "out_of_order_there": self.firmware.get("out_of_order"),
            "safe_said": self.safe_said,
            "round_trip_p50_us": microseconds(self.round_trip, 50.0),
            "round_trip_p99_us": microseconds(self.round_trip, 99.0),
            "jitter_p50_us": microseconds(self.jitter, 50.0),
            "jitter_p99_us": microseconds(self.jitter, 99.0),
            "overruns": self.overruns.count,
            "worst_overrun_ms": self.overruns.worst_ms,
            "missed_ticks": self.firmware.get("missed"),
            "worst_tick_us": self.firmware.get("worst_tick_us") or None,
        }


def microseconds(histogram: Histogram, percent: float) -> float | None:
    return round(histogram.percentile(percent), 1) if histogram.count else None
