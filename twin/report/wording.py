"""The verdict of a run in words and rounded numbers, the same in the figure and on the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """What a person must grasp in five seconds."""

    word: str  # HELD, NOT HELD or TRIPPED; with expectations PASSED or FAILED
    sign: str
    sentence: str  # one or two short lines
    limit_percent: float
    rms_true_percent: float | None
    rms_measured_percent: float | None
    tube_temperature_rms_k: float | None
    cause: str  # of the first trip
    comparison: str  # what the comparison run is
    fan: str
    judged: bool = True  # whether there are frames, or should be


def verdict_of(
    summary: Mapping[str, Any], room: tuple[float, float], comparison: str, fan_left: float | None
) -> Verdict:
    """The verdict from the summary; `room` is the lowest and highest room temperature, °C."""
    limit = float(summary["limit_percent"])
    true, measured = _figure(summary, "rms_true_percent"), _figure(summary, "rms_measured_percent")
    trips: Sequence[Mapping[str, Any]] = summary["trips"]
    over = f"over {duration(summary['simulated_s'])}"
    if all(math.isfinite(end) for end in room):
        over += f" in a room from {room[0]:.1f} to {room[1]:.1f} °C"
    judged = True
    if "expectations" in summary:
        word, sign = ("PASSED", "✓") if summary["passed"] else ("FAILED", "✗")
        sentence = _expected(summary)
        judged = bool(summary["frames"])
    elif summary["passed"]:
        word, sign = "HELD", "✓"
        sentence = f"Intensity varied by less than {number(limit)} % rms\n{over}."
    elif trips:
        word, sign = "TRIPPED", "✗"
        time_s = trips[0]["time_s"]
        when = f"after {duration(time_s)}" if time_s >= 0 else "while warming up"
        sentence = f"The firmware switched the beam off {when}:\n{trips[0]['cause']}."
    else:
        word, sign = "NOT HELD", "✗"
        worst = max((v for v in (true, measured) if v is not None), default=None)
        times = "" if worst is None or worst < 2 * limit else f", {number(worst / limit, 2)} times"
        times = f"{times} the limit," if times else ""
        sentence = f"Intensity varied by {against(worst, limit)} % rms{times}\n{over}."
        if worst is None:
            sentence = "Too short to judge:\nit takes at least two frames."
    return Verdict(
        word=word,
        sign=sign,
        sentence=sentence,
        limit_percent=limit,
        rms_true_percent=true,
        rms_measured_percent=measured,
        tube_temperature_rms_k=_figure(summary, "tube_temperature_rms_k"),
        cause=str(trips[0]["cause"]) if trips else "",
        comparison=comparison,
        fan=""
        if fan_left is None or not judged
        else f"{number(fan_left, 2)} % left at the nearer end",
        judged=judged,
    )


def _expected(summary: Mapping[str, Any]) -> str:
    """One or two short lines on what was expected and what was not."""
    expectations = summary["expectations"]
    met = sum(bool(one["met"]) for one in expectations)
    text = f"{met} of {len(expectations)} expectations were met"
    surprises = [trip for trip in summary["trips"] if not trip["expected"]]
    if surprises:
        text += f",\nand a trip was not expected: {surprises[0]['cause']}"
    elif summary["frames"]:
        limit = float(summary["limit_percent"])
        worst = _figure(summary, "rms_measured_percent")
        text += f";\nintensity varied by {against(worst, limit)} % rms, limit {number(limit)} %"
    return f"{text}."


def number(value: float | None, digits: int = 3) -> str:
    """A number rounded to significant digits; a dash if there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def against(value: float | None, limit: float) -> str:
    """A number with as many digits as it takes to see that it is not the limit."""
    digits = 3
    while value is not None and value != limit and number(value, digits) == number(limit, digits):
        digits += 1
    return number(value, digits)


def duration(seconds: float) -> str:
    """A time span as people say it."""
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = seconds / 3600
    if hours >= 96:
        return f"{number(hours / 24)} days"
    if minutes % 6 == 0:
        return f"{hours:.1f} h".replace(".0 h", " h")
    return f"{minutes // 60} h {minutes % 60} min"


def _figure(summary: Mapping[str, Any], name: str) -> float | None:
    value = summary.get(name)
    return None if value is None or not math.isfinite(value) else float(value)
