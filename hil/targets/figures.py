"""The figures that a bench run measures besides the verdict.

`tubetwin bench --json` adds the fields of `Figures` to the object of `tubetwin run`.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from hil.micropython.build import source_hash
from twin.runs.job import Job
from twin.runs.run import build_world, simulate
from twin.world.world import World

SAMPLE_MS = 100
WINDOW = 10  # samples, a second
SETTLED = 3  # windows with beam before the first compared one


@dataclass
class Figures:
    """The figures of a target; None where the target does not have the figure.

    link_frames, lost_frames : wire frames over the link, and those lost and sent again
    overruns            : ticks without a fresh sample, or in which pacing was late
    worst_difference    : largest difference of any output in any tick from the firmware in this
                          process on the same inputs, counts; worst_signal: its signal
    worst_difference_percent : largest difference of voltage or current, as means over a second
                          with beam, from the same run in this process, %
    firmware, source    : version and source hash that the firmware reported
    source_here         : source hash in this process
    """

    target: str
    mode: str
    link_frames: int = 0
    round_trip_p50_us: float | None = None
    round_trip_p99_us: float | None = None
    jitter_p50_us: float | None = None
    jitter_p99_us: float | None = None
    overruns: int = 0
    worst_overrun_ms: float = 0.0
    lost_frames: int = 0
    corrupt_frames: int = 0
    worst_difference: int | None = None
    worst_signal: str | None = None
    worst_difference_percent: float | None = None
    firmware: str | None = None
    source: str | None = None
    source_here: str = field(default_factory=source_hash)


class TimeSeries:
    """Tube voltage (kV) and emission current (mA) of a run, as means over each second."""

    def __init__(self, world: World):
        self.kv = array("d")
        self.ma = array("d")
        self._plant = world.plant
        self._kv: list[float] = []
        self._ma: list[float] = []
        world.every(SAMPLE_MS, self._sample)

    def _sample(self, _now_ms: int) -> None:
        self._kv.append(self._plant.kv)
        self._ma.append(self._plant.ma)
        if len(self._kv) == WINDOW:
            self.kv.append(fmean(self._kv) if min(self._ma) > 0.0 else 0.0)
            self.ma.append(fmean(self._ma) if min(self._ma) > 0.0 else 0.0)
            self._kv.clear()
            self._ma.clear()

    def difference_percent(self, other: "TimeSeries") -> float | None:
        """The largest difference from another run, %; None without a common second with beam."""
        worst = None
        beam = 0
        for at in range(min(len(self.ma), len(other.ma))):
            both = self.ma[at] > 0.0 and other.ma[at] > 0.0
            beam = beam + 1 if both else 0
            if beam > SETTLED:
                for ours, theirs in ((self.kv, other.kv), (self.ma, other.ma)):
                    worst = max(worst or 0.0, 100.0 * abs(ours[at] / theirs[at] - 1.0))
        return worst


def series_in_process(job: Job, state: dict[str, Any] | None = None) -> TimeSeries:
    """The time series of the same run in this process."""
    world = build_world(job)
    if state:
        world.load(state["world"])
    series = TimeSeries(world)
    simulate(job, world=world, state=state)
    return series


HEAD = (
    "target",
    "scenario",
    "verdict",
    "firmware",
    "apart",
    "apart %",
    "frames",
    "lost",
    "p50 µs",
    "p99 µs",
    "overruns",
    "real time ×",
)


def firmware_words(summary: dict[str, Any]) -> str:
    """Version and source hash of the firmware that ran, and the hash here if it differs."""
    if not summary.get("firmware"):
        return "-"
    source = summary.get("source") or "unknown"
    here = summary.get("source_here")
    return f"{summary['firmware']} {source}" + ("" if source == here else f" (here {here})")


def table_row(summary: dict[str, Any]) -> Sequence[str]:
    """The cells of a run's object, in the columns of HEAD."""

    def shown(key: str, form: str = "{}") -> str:
        value = summary.get(key)
        linked = summary.get("link_frames") or key not in ("link_frames", "lost_frames")
        return "-" if value is None or not linked else form.format(value)

    signal = (summary.get("worst_signal") or "").removesuffix("_program_raw")
    verdict = "BROKEN OFF" if "error" in summary else summary["verdict"]["word"]
    return (
        summary["target"] + (" (real time)" if summary["mode"] == "real-time" else ""),
        summary["scenario"],
        verdict,
        firmware_words(summary),
        f"{shown('worst_difference')} {signal}".rstrip(),
        shown("worst_difference_percent", "{:.3f}"),
        shown("link_frames"),
        shown("lost_frames"),
        shown("round_trip_p50_us", "{:.0f}"),
        shown("round_trip_p99_us", "{:.0f}"),
        shown("overruns"),
        shown("realtime_factor", "{:.0f}" if summary.get("realtime_factor", 0) >= 10 else "{:.2g}"),
    )
