"""One bench run: a job on a target, and what is measured besides the verdict.

`Figures` is what `tubetwin bench --json` adds to the object of `tubetwin run`.
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

LOOK_MS = 100
WINDOW = 10  # looks, a second
SETTLED = 3  # windows with beam before one that is compared


@dataclass
class Figures:
    """What a target measured. None: there is no such thing there.

    frames, lost_frames : over the link; lost: sent or awaited in vain, and said again
    overruns            : ticks at which the firmware had no fresh sample, or pacing came too late
    worst_difference    : largest difference of any output in any tick to the firmware in this
                          process on the same inputs, counts, and of which signal
    worst_difference_percent : the same of mean voltage or current over a second with beam, to the
                          same run in this process, %
    firmware, source    : version and hash of the source of the firmware that ran, as it answered;
                          source_here: the hash of the source in this process
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


class Course:
    """Tube voltage and current of a run, as means over each second."""

    def __init__(self, world: World):
        self.kv = array("d")
        self.ma = array("d")
        self._plant = world.plant
        self._kv: list[float] = []
        self._ma: list[float] = []
        world.every(LOOK_MS, self._look)

    def _look(self, _now_ms: int) -> None:
        self._kv.append(self._plant.kv)
        self._ma.append(self._plant.ma)
        if len(self._kv) == WINDOW:
            self.kv.append(fmean(self._kv) if min(self._ma) > 0.0 else 0.0)
            self.ma.append(fmean(self._ma) if min(self._ma) > 0.0 else 0.0)
            self._kv.clear()
            self._ma.clear()

    def apart_percent(self, other: "Course") -> float | None:
        """The largest difference to another run; None if the two have no second in common."""
        worst = None
        beam = 0
        for at in range(min(len(self.ma), len(other.ma))):
            both = self.ma[at] > 0.0 and other.ma[at] > 0.0
            beam = beam + 1 if both else 0
            if beam > SETTLED:
                for ours, theirs in ((self.kv, other.kv), (self.ma, other.ma)):
                    worst = max(worst or 0.0, 100.0 * abs(ours[at] / theirs[at] - 1.0))
        return worst


def course_in_process(job: Job, state: dict[str, Any] | None = None) -> Course:
    """The same run in this process."""
    world = build_world(job)
    if state:
        world.load(state["world"])
    course = Course(world)
    simulate(job, world=world, state=state)
    return course


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
    """Version and source of the firmware that ran, and whether that is not the source here."""
    if not summary.get("firmware"):
        return "-"
    source = summary.get("source") or "unknown"
    here = summary.get("source_here")
    return f"{summary['firmware']} {source}" + ("" if source == here else f" (here {here})")


def table_row(summary: dict[str, Any]) -> Sequence[str]:
    """A run's object as cells under HEAD."""

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
