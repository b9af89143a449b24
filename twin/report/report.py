"""The report of a run: report.html, which needs nothing else, and report.png."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from twin.files.whole import whole
from twin.number_words import duration, number
from twin.report.drawing import STATE, style
from twin.verdict_words import Gauge, Verdict

# (key of the summary or of `extra`, name, unit, digits, meaning); a digit of 0 means: as it is.
_NUMBERS = (
    (
        "rms_true_percent",
        "Intensity, true",
        "% rms",
        4,
        "Standard deviation over mean of the intensity integrated per frame, over the whole scored "
        "run, not detrended, without counting statistics: what the tube itself does.",
    ),
    (
        "rms_measured_percent",
        "Intensity, measured",
        "% rms",
        4,
        "The same with the counting statistics of the crystal's reflections: what an instrument "
        "would show.",
    ),
    ("limit_percent", "Limit", "% rms", 4, "The published figure to stay below."),
    (
        "peak_to_peak_true_percent",
        "Peak to peak, true",
        "%",
        4,
        "Highest less lowest frame, over the mean.",
    ),
    ("comparison_rms_percent", "For comparison", "% rms", 4, "{comparison}: true intensity."),
    (
        "tube_temperature_rms_k",
        "Tube temperature",
        "K rms",
        4,
        "Standard deviation of the true head temperature over the scored run.",
    ),
    ("fan_min_percent", "Fan, lowest", "%", 4, "The lowest fan drive while scored."),
    ("fan_max_percent", "Fan, highest", "%", 4, "The highest fan drive while scored."),
    (
        "fan_left_percent",
        "Fan, smallest margin",
        "%",
        4,
        "Smallest margin of the fan to its lowest or highest speed.",
    ),
    ("frames", "Frames", "", 0, "How many frames were scored."),
    ("ticks", "Ticks", "", 0, "Steps of the firmware's 100 Hz loop."),
    ("simulated_s", "Simulated time", "s", 0, "Length of the run."),
    ("wall_s", "Wall time", "s", 4, "How long it took to compute."),
    ("realtime_factor", "Faster than real time", "×", 4, "Simulated over wall time."),
    ("seed", "Seed", "", 0, "Of all noise and drift."),
    ("scenario", "Scenario", "", 0, "The room and the procedure."),
    ("tube", "Tube", "", 0, "The tube description."),
    ("target", "Target", "", 0, "What the firmware ran on."),
    ("mode", "Mode", "", 0, "Lockstep: the twin's clock ruled; real-time: the target's own."),
    ("link_frames", "Frames on the link", "", 0, "Exchanged with the target."),
    ("lost_frames", "Lost", "", 0, "Of these, lost on the line and sent again."),
    ("round_trip_p50_us", "Round trip, half", "µs", 4, "Half of all answers came this soon."),
    ("round_trip_p99_us", "Round trip, 99 %", "µs", 4, "99 of 100 answers came this soon."),
    ("overruns", "Overruns", "", 0, "Real time: ticks without a fresh sample."),
    (
        "worst_difference",
        "Apart",
        "counts",
        0,
        "Largest difference of any output in any tick to the firmware in the twin's process.",
    ),
    (
        "worst_difference_percent",
        "Apart over a second",
        "%",
        4,
        "Largest difference of mean voltage or current to the same run in the twin's process.",
    ),
)
_TELEMETRY = {
    "sent": "Messages that the broker has acknowledged.",
    "late": "Of these, sent after they had waited for the broker, with their original time.",
    "dropped": "The oldest, given up when the queue was full.",
    "unsent": "Still waiting when the run ended.",
}


def write_report(
    out_dir: Path,
    summary: Mapping[str, Any],
    verdict: Verdict,
    recording_path: Path,
    comparison_path: Path | None,
    parameters: Mapping[str, object],
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write report.html and report.png into `out_dir`: both, or neither.

    `summary` is the object that --json prints, `verdict` what was decided from it. `parameters`
    nests: name to plain value, to a mapping with the key `value` (and `unit`, `source`, `range`),
    or to a further mapping, which becomes a table. `extra` may have:

    command             the command line that repeats the run
    comparison          what the comparison run is; default "laws off"
    scored_from_ms      where the scored part begins; default: at the first of the last
                        summary["frames"] frames of the recording
    resumed_s           from when on the recording goes, in a run that was resumed
    telemetry           mapping of counts: sent, late, dropped, unsent

    Raises InputError where a file cannot be read or written.
    """
    from twin.report import figure
    from twin.report.trend import load_trend

    extra = dict(extra or {})
    trips = summary["trips"]
    trend = load_trend(
        recording_path,
        figure.CHANNELS,
        summary["frames"],
        extra.get("scored_from_ms"),
        1000.0 * trips[0]["time_s"] if trips and "expectations" not in summary else math.inf,
    )
    other = None
    if comparison_path is not None:
        other = load_trend(comparison_path, figure.CHANNELS, None, trend.scored_ms)
        extra.setdefault("comparison_rms_percent", other.rms_percent)
    extra.setdefault("comparison", "laws off")
    out_dir = Path(out_dir)
    # Both are written before either has its name: no half of a report.
    with whole(out_dir / "report.html") as page, whole(out_dir / "report.png") as picture:
        with style():
            sheet = figure.Sheet(trend, other, verdict, extra["comparison"])
            sheet.save_png(picture)
            svg = _inline(sheet.svg(), verdict)
        text = _page(summary, verdict, svg, parameters, extra)
        # A name from the command line need not be UTF-8.
        page.write_bytes(text.encode("utf-8", "backslashreplace"))


def _inline(svg: str, verdict: Verdict) -> str:
    """The drawing as an element of the page: no prologue, no metadata, no address."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'( [dxy])="([^"]*)"', lambda found: _rounded(*found.groups()), svg)
    # Without its size in points it takes the width of the page.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    fan = "" if verdict.fan is None else "fan, "
    label = f"Beam intensity, temperatures, {fan}voltage and current over time: {verdict.word}"
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _rounded(name: str, numbers: str) -> str:
    """Coordinates to a hundredth of a point: half the size, and nothing to be seen."""
    short = re.sub(r"([.][0-9]{2})[0-9]+", r"\1", numbers)
    return f'{name}="{short}"'


def _page(
    summary: Mapping[str, Any],
    verdict: Verdict,
    svg: str,
    parameters: Mapping[str, object],
    extra: Mapping[str, Any],
) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration)
    return environment.get_template("report.html.j2").render(
        verdict=verdict,
        colour=STATE[verdict.word],
        gauge=_gauge(verdict.gauge()),
        svg=svg,
        scenario=_printable(summary["scenario"]),
        tube=_printable(summary["tube"]),
        seed=summary["seed"],
        mode=summary.get("mode"),
        resumed_s=extra.get("resumed_s"),
        numbers=list(_numbers({**(verdict.fan or {}), **extra, **summary})),
        command=_printable(extra.get("command") or _command(summary)),
        parameters=list(_tables("", parameters)),
    )


def _gauge(gauge: Gauge | None) -> dict[str, Any] | None:
    """The gauge with its lengths in per cent of the track, as a style sheet needs them."""
    if gauge is None:
        return None
    return {
        "label": gauge.label,
        "limit": f"{100.0 * gauge.limit_part:.2f}",
        "bars": [
            {"name": bar.name, "text": bar.text, "width": f"{100.0 * bar.part:.2f}"}
            for bar in gauge.bars
        ],
    }


def _numbers(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for key, name, unit, digits, meaning in _NUMBERS:
        if key in values:
            value = values[key]
            text = number(value, digits) if digits else _shown(value)
            yield {
                "key": key,
                "name": name,
                "value": _printable(value),
                "text": f"{text} {unit}".strip(),
                "meaning": meaning.format(comparison=values["comparison"].capitalize()),
            }
    for key, value in values.get("telemetry", {}).items():
        name = f"Telemetry, {key.replace('_', ' ')}"
        text = _printable(value)
        yield {
            "key": f"telemetry_{key}",
            "name": name,
            "value": text,
            "text": text,
            "meaning": _TELEMETRY.get(key, ""),
        }


def _tables(title: str, values: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """A table of each mapping's plain values, then those of the mappings in it."""
    rows, inner = [], []
    for name, value in values.items():
        if isinstance(value, Mapping) and "value" not in value:
            inner.append((f"{title} / {name}" if title else name, value))
        else:
            rows.append(_row(name, value if isinstance(value, Mapping) else {"value": value}))
    if rows:
        columns = [name for name in ("unit", "range", "source") if any(row[name] for row in rows)]
        yield {"title": title, "rows": rows, "columns": columns}
    for name, further in inner:
        yield from _tables(name, further)


def _row(name: str, value: Mapping[str, Any]) -> dict[str, str]:
    text = _shown(value["value"])
    span: Sequence[Any] | None = value.get("range")
    return {
        "name": name,
        "value": text,
        "note": text if "\n" in text else "",
        "unit": _printable(value.get("unit") or ""),
        "range": "" if span is None else " to ".join(_shown(end) for end in span),
        "source": _printable(value.get("source") or ""),
    }


def _command(summary: Mapping[str, Any]) -> str:
    return f"tubetwin run {summary['scenario']} --tube {summary['tube']} --seed {summary['seed']}"


def _shown(value: object) -> str:
    """A value as a person reads it: whole numbers without a point, lists without brackets."""
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "none" if value in ("", [], {}) else _printable(value)


def _printable(value: object) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
