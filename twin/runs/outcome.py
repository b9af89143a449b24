"""The outcome of a run: frames, spreads, trips and expectations, and from them the verdict."""

import math
from dataclasses import dataclass, field
from typing import Any

from twin.runs.job import Job
from twin.scenarios.expectation import Expectation
from twin.trip_words import with_page
from twin.verdict import LIMIT_PERCENT, Frames, Spread
from twin.verdict_words import Verdict, decide


@dataclass
class Outcome:
    """Results of a run. Percentages of the mean; NaN if nothing was judged.

    resumed_s : the simulated time from which on it ran here, for a run that was resumed
    added     : what else belongs into the summary: a bench's figures
    """

    job: Job
    frames: Frames
    head_c: Spread = field(default_factory=Spread)
    fan: Spread = field(default_factory=Spread)
    trim: Spread = field(default_factory=Spread)
    trips: list[dict[str, Any]] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    ticks: int = 0
    simulated_s: float = 0.0
    resumed_s: float | None = None
    wall_s: float = 0.0
    overruns: int = 0
    added: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return (
            all(expectation.met for expectation in self.expectations)
            and not self.unexpected_trips()
            and (self.frames.held() or not self.job.scenario.judged)
        )

    def unexpected_trips(self) -> list[dict[str, Any]]:
        """The trips that no expectation was met by: each is met by the last one before it."""
        expected = []
        for one in self.expectations:
            if one.met and one.step.expect == "tripped":
                before = [trip for trip in self.trips if trip["time_s"] <= 0.001 * one.looked_ms]
                expected += before[-1:]
        return [trip for trip in self.trips if trip not in expected]

    def verdict(self) -> Verdict:
        """The verdict on the run."""
        head = self.head_c
        return decide(
            self._numbers(),
            judged=self.job.scenario.judged,
            room_c=self._room_c(),
            head_c=head.mean if head.count else None,
            fan=self.fan_authority() if self.job.settings().air_cooled else None,
            trim_limited=bool(self.trim.count) and self.trim_limits_met(),
        )

    def summary(self) -> dict[str, Any]:
        """The object that `--json` prints.

        For a scenario with steps it also has "expectations", and for each trip whether it was
        expected.
        """
        return self._numbers() | {"verdict": self.verdict().summary()} | self.added

    def _room_c(self) -> tuple[float, float]:
        """Lowest and highest temperature of the room while judged, °C; NaN if that was never."""
        first_s, last_s = 0.001 * self.job.warm_up_ms, self.simulated_s
        if not last_s > first_s:
            return math.nan, math.nan
        return self.job.scenario.room().temperature_range_between_c(first_s, last_s)

    def _numbers(self) -> dict[str, Any]:
        here_s = self.simulated_s - max(self.resumed_s or 0.0, 0.0)
        summary: dict[str, Any] = {
            "passed": self.passed,
            "limit_percent": LIMIT_PERCENT,
            "rms_true_percent": self.frames.true.rms_percent,
            "rms_measured_percent": self.frames.measured.rms_percent,
            "peak_to_peak_true_percent": self.frames.true.peak_to_peak_percent,
            "tube_temperature_rms_k": self.head_c.deviation,
            "trips": self.trips,
            "frames": self.frames.true.count,
            "ticks": self.ticks,
            "simulated_s": self.simulated_s,
            "wall_s": self.wall_s,
            "realtime_factor": here_s / self.wall_s if self.wall_s else 0.0,
            "seed": self.job.seed,
            "tube": self.job.tube_name,
            "scenario": self.job.scenario.name,
        }
        if self.job.scenario.step:
            unexpected = self.unexpected_trips()
            summary["trips"] = [{**trip, "expected": trip not in unexpected} for trip in self.trips]
            summary["expectations"] = [one.summary() for one in self.expectations]
        summary["trips"] = with_page(summary["trips"])
        return summary

    def trim_limits_met(self) -> bool:
        """Whether the compensation law would have trimmed further than it may."""
        settings = self.job.settings()
        low, high = 1.0 - settings.trim_down, 1.0 + settings.trim_up
        return self.trim.low <= low + 1e-9 or self.trim.high >= high - 1e-9

    def fan_authority(self) -> dict[str, float]:
        """The range of the fan and its smallest margin to its lowest or highest speed, %.

        Empty for a tube without a fan, and before anything was judged.
        """
        settings = self.job.settings()
        if not settings.air_cooled or not self.fan.count:
            return {}
        low, high = 100.0 * self.fan.low, 100.0 * self.fan.high
        least = 100.0 * settings.fan_min
        return {
            "fan_min_percent": low,
            "fan_max_percent": high,
            "fan_left_percent": min(low - least, 100.0 - high),
        }

    def state(self) -> dict[str, Any]:
        """What has come of it so far, as plain data; not what the process has measured."""
        return {
            "frames": self.frames.state(),
            "head_c": self.head_c.state(),
            "fan": self.fan.state(),
            "trim": self.trim.state(),
            "trips": [dict(trip) for trip in self.trips],
            "expectations": [one.state() for one in self.expectations],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `state()` gave."""
        for name in ("frames", "head_c", "fan", "trim"):
            getattr(self, name).load(state[name])
        self.trips = [dict(trip) for trip in state["trips"]]
        for one, saved in zip(self.expectations, state["expectations"], strict=True):
            one.load(saved)
