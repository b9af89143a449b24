"""The verdict of a run: the only place that decides it and puts it into words.

`Outcome.verdict()` in twin/runs/outcome.py makes it. The console, the table of the bench, JUnit
XML, the picture and the page of the report only format it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin.number_words import against, duration, number
from twin.trip_words import trip_words

GOOD, BAD = "✓", "✗"
GAUGE_REACH = 1.35  # the length of the gauge over its longest bar, or over the limit


@dataclass(frozen=True)
class Trip:
    """One trip.

    cause    : name of the interlock
    expected : whether a step of the scenario expects it; None without any steps
    """

    time_s: float
    cause: str
    expected: bool | None = None

    @property
    def words(self) -> str:
        """The meaning of the cause, with its page."""
        return trip_words(self.cause)


@dataclass(frozen=True)
class Bar:
    """One bar of the gauge. part: length of the bar over the length of the gauge."""

    name: str
    text: str
    part: float


@dataclass(frozen=True)
class Gauge:
    """The two figures of a run beside the limit. limit_part: where the limit is, as `Bar.part`."""

    bars: tuple[Bar, ...]
    limit_part: float
    label: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on a run.

    Parameters
    ----------
    word : str
        HELD, NOT HELD, TRIPPED or TOO SHORT; for a scenario with expectations PASSED or FAILED.
    sentence : str
        One or two short lines that say why.
    passed : bool
        True for HELD and PASSED: exit status 0.
    lines : tuple of (str, str)
        The figures in words, each with a label and with units.
    limit_percent : float
        Limit of both figures of stability, in %.
    rms_true_percent : float or None
        Standard deviation over mean of the intensity per frame, in %, without counting
        statistics; None without two judged frames.
    rms_measured_percent : float or None
        The same with the counting statistics of the detector, in %.
    head_rms_k : float or None
        Standard deviation of the temperature of the tube head, in K.
    fan : dict or None
        Lowest and highest drive of the fan and its smallest margin to its lowest or highest
        speed, in %: fan_min_percent, fan_max_percent, fan_left_percent. Empty if the intensity
        was not judged, None for a tube without a fan.
    trips : tuple of Trip
        All trips of the run, in order.
    expectations : tuple of dict
        Expectations of the scenario, each with the state found.
    judged : bool
        Whether the intensity was judged.
    """

    word: str
    sentence: str
    passed: bool
    lines: tuple[tuple[str, str], ...]
    limit_percent: float
    rms_true_percent: float | None
    rms_measured_percent: float | None
    head_rms_k: float | None
    fan: Mapping[str, float] | None
    trips: tuple[Trip, ...]
    expectations: tuple[Mapping[str, Any], ...]
    judged: bool

    @property
    def sign(self) -> str:
        """✓ or ✗."""
        return GOOD if self.passed else BAD

    @property
    def in_one_line(self) -> str:
        """Word and sentence."""
        return f"{self.word}: {' '.join(self.sentence.split())}"

    @property
    def fan_margin(self) -> str:
        """The smallest margin of the fan in words; empty without a fan or without judgement."""
        if not self.fan or not self.judged:
            return ""
        return f"smallest margin {number(self.fan['fan_left_percent'], 2)} %"

    def gauge(self) -> Gauge | None:
        """Both figures beside the limit; None if the intensity was not judged."""
        if not self.judged:
            return None
        limit = self.limit_percent
        values = (("true", self.rms_true_percent), ("measured", self.rms_measured_percent))
        reach = GAUGE_REACH * max(limit, *(value or 0.0 for _, value in values))
        texts = ", ".join(f"{name} {number(value)} % rms" for name, value in values)
        return Gauge(
            bars=tuple(
                Bar(name, f"{against(value, limit)} %", (value or 0.0) / reach)
                for name, value in values
            ),
            limit_part=limit / reach,
            label=f"{texts}, limit {number(limit)} % rms",
        )

    def summary(self) -> dict[str, str]:
        """For `--json` and summary.json."""
        return {"word": self.word, "sentence": " ".join(self.sentence.split())}

    def __str__(self) -> str:
        return "\n".join([self.in_one_line, *(f"  {name:10} {text}" for name, text in self.lines)])


def decide(
    summary: Mapping[str, Any],
    judged: bool = True,
    room_c: tuple[float, float] = (math.nan, math.nan),
    head_c: float | None = None,
    fan: Mapping[str, float] | None = None,
    trim_limited: bool = False,
) -> Verdict:
    """The verdict on a run.

    summary      : the object that `--json` prints, without its verdict
    judged       : whether the scenario judges the intensity
    room_c       : lowest and highest temperature of the room, °C
    head_c       : mean temperature of the tube head, °C
    fan          : see Verdict; None for a tube without a fan
    trim_limited : whether the compensation law needed more trim than it is allowed
    """
    limit = float(summary["limit_percent"])
    true, measured = _figure(summary, "rms_true_percent"), _figure(summary, "rms_measured_percent")
    passed, frames = bool(summary["passed"]), int(summary["frames"])
    trips = tuple(
        Trip(float(trip["time_s"]), str(trip["cause"]), trip.get("expected"))
        for trip in summary["trips"]
    )
    over = f"over {duration(summary['simulated_s'])}"
    if all(math.isfinite(end) for end in room_c):
        over += f" in a room from {room_c[0]:.1f} to {room_c[1]:.1f} °C"
    if "expectations" in summary:
        word = "PASSED" if passed else "FAILED"
        sentence = _expected(summary, trips)
    elif passed:
        word = "HELD"
        sentence = f"Intensity varied by less than {number(limit)} % rms\n{over}."
    elif trips:
        word = "TRIPPED"
        time_s = trips[0].time_s
        when = f"after {duration(time_s)}" if time_s >= 0 else "while warming up"
        sentence = f"The firmware switched the beam off {when}:\n{trips[0].cause}."
    elif frames < 2:
        word = "TOO SHORT"
        sentence = "Too short to judge:\nit takes at least two frames."
    elif true is None or measured is None:
        word = "NOT HELD"
        sentence = f"There was no beam\n{over}."
    else:
        word = "NOT HELD"
        worst = max(true, measured)
        times = f", {number(worst / limit, 2)} times the limit," if worst >= 2 * limit else ""
        sentence = f"Intensity varied by {against(worst, limit)} % rms{times}\n{over}."
    head_rms_k = _figure(summary, "tube_temperature_rms_k")
    return Verdict(
        word=word,
        sentence=sentence,
        passed=passed,
        lines=(
            *(("cause", trip.words) for trip in trips[:1] if word == "TRIPPED"),
            *_expectation_lines(summary, trips),
            *_intensity_line(summary, judged),
            *(_head_line(head_c, head_rms_k, fan) if judged else ()),
            *((TRIM_LINE,) if trim_limited else ()),
        ),
        limit_percent=limit,
        rms_true_percent=true,
        rms_measured_percent=measured,
        head_rms_k=head_rms_k,
        fan=fan,
        trips=trips,
        expectations=tuple(summary.get("expectations", ())),
        judged=bool(frames) if "expectations" in summary else True,
    )


TRIM_LINE = ("trim", "reached its limit; [settings] trim_up and trim_down set it")


def _figure(summary: Mapping[str, Any], name: str) -> float | None:
    value = summary.get(name)
    return None if value is None or not math.isfinite(value) else float(value)


def _met(summary: Mapping[str, Any]) -> tuple[int, int]:
    """Number of expectations that were met, and number of all."""
    expectations = summary["expectations"]
    return sum(bool(one["met"]) for one in expectations), len(expectations)


def _expected(summary: Mapping[str, Any], trips: Sequence[Trip]) -> str:
    """One or two short lines: how many expectations were met, and the first unexpected trip."""
    met, count = _met(summary)
    text = f"{met} of {count} expectations were met"
    surprises = [trip for trip in trips if not trip.expected]
    if surprises:
        text += f",\nand a trip was not expected: {surprises[0].cause}"
    elif summary["frames"]:
        limit = float(summary["limit_percent"])
        worst = _figure(summary, "rms_measured_percent")
        text += f";\nintensity varied by {against(worst, limit)} % rms, limit {number(limit)} %"
    return f"{text}."


def _expectation_lines(summary: Mapping[str, Any], trips: Sequence[Trip]) -> list[tuple[str, str]]:
    """How many expectations were met, those that were not, and unexpected trips."""
    if not summary.get("expectations"):
        return []
    met, count = _met(summary)
    lines = [("expected", f"{met} of {count} met")]
    for one in summary["expectations"]:
        if not one["met"]:
            lines.append(
                (
                    "not met",
                    f"at {one['at_s']:g} s: {one['expect']}; "
                    f"found at {one['found_at_s']:g} s: {one['found']}",
                )
            )
    return lines + [
        ("tripped", f"{trip.cause} at {trip.time_s:.2f} s, not expected")
        for trip in trips
        if not trip.expected
    ]


def _intensity_line(summary: Mapping[str, Any], judged: bool) -> list[tuple[str, str]]:
    frames = summary["frames"]
    if frames > 1:
        text = (
            f"{_fixed(summary, 'rms_true_percent')} % rms true, "
            f"{_fixed(summary, 'rms_measured_percent')} % rms measured; "
            f"limit {summary['limit_percent']:.2f} % rms "
            f"over {summary['simulated_s'] / 3600.0:.3g} h, {frames} frames"
        )
    elif judged:
        text = "too few frames to judge"
    else:
        return []
    return [("intensity", text)]


def _fixed(summary: Mapping[str, Any], name: str) -> str:
    """A figure with three decimals, or with more if it would print the same as the limit."""
    value, limit = _figure(summary, name), float(summary["limit_percent"])
    if value is None:
        return "–"
    decimals = 3
    while value != limit and f"{value:.{decimals}f}" == f"{limit:.{decimals}f}":
        decimals += 1
    return f"{value:.{decimals}f}"


def _head_line(
    head_c: float | None, rms_k: float | None, fan: Mapping[str, float] | None
) -> list[tuple[str, str]]:
    if head_c is None:
        return []
    text = f"{head_c:.2f} °C, {'–' if rms_k is None else f'{rms_k:.3f}'} K rms"
    if fan:
        text += (
            f"; fan {fan['fan_min_percent']:.0f}-{fan['fan_max_percent']:.0f} %, "
            f"smallest margin {fan['fan_left_percent']:.0f} %"
        )
    return [("tube head", text)]
