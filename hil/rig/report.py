"""The report of bench tests: properties for JUnit XML, and a page with values and plots."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hil.rig.rig import Rig
from hil.targets.figures import Figures
from twin.files.whole import write_whole
from twin.report.drawing import BLUE, GREEN, GREY, INK, PALE, SKY, VERMILLION, style, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 600  # of a curve; a longer one is drawn by the minimum and maximum of its parts
STATE_COLOURS = {
    "off": PALE,
    "preheat": "#F4DDB0",
    "ramp": SKY,
    "beam": GREEN,
    "tripped": VERMILLION,
}
OUTCOMES = ("passed", "failed", "error", "skipped")
CURVES = ("kv", "ma", "head_temperature_c")


def record_figures(rig: Rig, figures: Figures) -> None:
    """Record the figures of the target as values of the test; without a link only those not 0."""
    figures.overruns += rig.pace.overruns
    for name, value in asdict(figures).items():
        if name not in ("target", "mode") and (value or (figures.link_frames and value == 0)):
            rig.record(name, value)


def properties(rig: Rig) -> list[tuple[str, Any]]:
    """(name with unit, value) of all results of a test, for JUnit XML."""
    entries = [
        ("target", rig.target),
        ("mode", rig.mode),
        ("simulated time [s]", round(rig.now_s, 2)),
        ("states", ", ".join(f"{name} {at_s:.2f} s" for at_s, name in rig.states)),
    ]
    return entries + [
        (f"{name} [{unit}]" if unit else name, value) for name, value, unit in rig.values
    ]


def results_of(rig: Rig) -> dict[str, Any]:
    """All results of a test for the page, with the curves, as plain values."""
    recorder = rig.recorder
    recorder.add()
    return {
        "target": f"{rig.target}, {rig.mode}",
        "simulated_s": rig.now_s,
        "states": [list(entry) for entry in rig.states],
        "values": [list(entry) for entry in rig.values],
        "curves": {name: thinned(recorder.seconds, recorder[name]) for name in CURVES},
    }


def thinned(
    seconds: Sequence[float], values: Sequence[float], most: int = MOST_POINTS
) -> list[list[float]]:
    """[times, values], at most `most` points; every spike is kept."""
    each = -(-len(values) // (most // 2))
    if each <= 2:
        return [list(seconds), list(values)]
    times: list[float] = []
    kept: list[float] = []
    for at in range(0, len(values), each):
        part = values[at : at + each]
        times += [seconds[at], seconds[min(at + each, len(values)) - 1]]
        kept += sorted((min(part), max(part)))
    return [times, kept]


def write_page(path: Path, tests: Sequence[Mapping[str, Any]], when: str = "") -> None:
    """Write one self-contained file. Raises InputError if it can't be written.

    tests : name, outcome, wall_s, description and, for tests with a bench, those of `results_of`
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    with style():
        entries = [{**test, **_look_of(test["outcome"]), "plot": _plot(test)} for test in tests]
    found = Counter(test["outcome"] for test in tests)
    counts = {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}
    page = environment.get_template("bench.html.j2").render(
        heading=", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "No tests",
        when=when,
        tests=entries,
        good=not found["failed"] + found["error"],
    )
    write_whole(path, page)


def shown(value: Any) -> str:
    """A measured value as text, floats with 5 digits."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _look_of(outcome: str) -> dict[str, str]:
    if outcome == "passed":
        return {"sign": "✓", "kind": "good"}
    return {"sign": "–", "kind": "idle"} if outcome == "skipped" else {"sign": "✗", "kind": "bad"}


def _plot(test: Mapping[str, Any]) -> str:
    """Voltage, current and head over time, the states below them; SVG as a data URI, or ""."""
    if not test.get("curves") or len(test["curves"]["kv"][0]) < 2:
        return ""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 1.0, 1.0, 0.22))
    words = ("Tube voltage, kV", "Emission current, mA", "Tube head, °C")
    for axes, name, text in zip(panels, CURVES, words, strict=False):
        title(axes, text)
        axes.plot(*test["curves"][name], color=BLUE, lw=1.2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=3)
        axes.grid(True)
        axes.ticklabel_format(axis="y", useOffset=False)
        low, high = min(test["curves"][name][1]), max(test["curves"][name][1])
        room = max(0.08 * (high - low), 0.02)
        axes.set_ylim(low - room, high + room)
    _draw_states(panels[-1], test["states"], test["simulated_s"])
    panels[-1].set_xlabel("s", loc="right", labelpad=1.0)
    drawing = StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(drawing, format="svg", metadata=metadata)
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.getvalue().encode()).decode()


def _draw_states(axes: "Axes", states: Sequence[Sequence[Any]], end_s: float) -> None:
    axes.set_yticks([])
    axes.set_ylim(0.0, 1.0)
    axes.set_xlim(0.0, end_s)
    axes.spines[["top", "right", "left"]].set_visible(False)
    for at, (from_s, name) in enumerate(states):
        to_s = states[at + 1][0] if at + 1 < len(states) else end_s
        axes.axvspan(from_s, to_s, color=STATE_COLOURS[name], lw=0)
        if to_s - from_s > 0.012 * len(name) * end_s:
            axes.text(
                0.5 * (from_s + to_s), 0.46, name, ha="center", va="center", color=INK, fontsize=8
            )
    axes.tick_params(length=3, color=GREY)
