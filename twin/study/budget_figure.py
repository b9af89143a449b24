"""Pictures of an error budget and of the verdict's sensitivity to what is assumed."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from twin.number_words import number
from twin.report.drawing import BLUE, GREY, INK, PALE, VERMILLION, title
from twin.study.budget import Line
from twin.study.sensitivity import Sensitivity
from twin.verdict import LIMIT_PERCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR_PERCENT = 1e-4  # less than this is drawn as this
ROW = 0.3  # inches


def draw_budget(lines: list[Line], heading: str, path: Path) -> None:
    """Two bars a mechanism, uncontrolled and controlled, on a logarithmic scale, as a PNG."""
    figure, axes = _sheet(len(lines), heading)
    for at, line in enumerate(reversed(lines)):
        for value, colour, shift in (
            (line.rms_uncontrolled_percent, VERMILLION, 0.2),
            (line.rms_controlled_percent, BLUE, -0.2),
        ):
            if not isfinite(value):
                axes.text(FLOOR_PERCENT, at + shift, " tripped", va="center", color=colour, size=7)
                continue
            shown = max(value, FLOOR_PERCENT)
            axes.barh(at + shift, shown, height=0.36, color=colour, left=0.0)
            axes.text(1.1 * shown, at + shift, number(value, 2), va="center", size=7, color=INK)
    _names(axes, [line.mechanism for line in reversed(lines)])
    _limit(axes, max(_finite(lines), default=1.0))
    axes.set_xlabel("variation of the intensity, % rms: laws off (red), laws on (blue)", size=8)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def draw_sensitivity(
    found: list[Sensitivity], nominal_percent: float, heading: str, path: Path
) -> None:
    """For each assumption the figure at both ends of its range, worst first, as a PNG."""
    figure, axes = _sheet(len(found), heading)
    largest = LIMIT_PERCENT
    for at, one in enumerate(reversed(found)):
        marks = []
        for end, marker in ((one.low, "<"), (one.high, ">")):
            if end.failure or not isfinite(end.rms_true_percent):
                axes.text(
                    LIMIT_PERCENT * 1.3,
                    at,
                    f"{end.value:g}: {end.failure}"[:60],
                    va="center",
                    size=6,
                    color=VERMILLION,
                )
                continue
            value = max(end.rms_true_percent, FLOOR_PERCENT)
            largest = max(largest, value)
            marks.append(value)
            colour = VERMILLION if value > LIMIT_PERCENT else BLUE
            axes.plot(value, at, marker, color=colour, ms=5, mew=0)
        if len(marks) == 2:
            axes.plot(marks, [at, at], color=PALE, lw=3, zorder=0, solid_capstyle="round")
    axes.axvline(nominal_percent, color=GREY, lw=0.8)
    ends = [f"{one.parameter}  {one.low.value:g} … {one.high.value:g}" for one in found]
    _names(axes, ends[::-1])
    _limit(axes, largest)
    what = "true variation of the intensity, % rms, at the low (<) and the high (>) end"
    axes.set_xlabel(what, size=8)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def _finite(lines: list[Line]) -> list[float]:
    values = [v for e in lines for v in (e.rms_uncontrolled_percent, e.rms_controlled_percent)]
    return [value for value in values if isfinite(value)]


def _sheet(rows: int, heading: str) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    height = 1.2 + ROW * rows
    figure = Figure(figsize=(10.0, height))
    axes = figure.add_axes((0.36, 0.6 / height, 0.6, 1.0 - 1.1 / height))
    title(axes, heading)
    axes.set_ylim(-0.6, rows - 0.4)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _names(axes: "Axes", names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(labelsize=8, colors=INK)
    axes.tick_params(axis="y", length=0)


def _limit(axes: "Axes", largest: float) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(FLOOR_PERCENT, 4.0 * max(largest, LIMIT_PERCENT))
    axes.axvline(LIMIT_PERCENT, color=VERMILLION, lw=1.0, ls="--")
    axes.annotate(
        f"limit {LIMIT_PERCENT} %",
        (LIMIT_PERCENT, axes.get_ylim()[1]),
        (0, 2),
        ha="center",
        textcoords="offset points",
        size=7,
        color=VERMILLION,
    )
