"""What every panel of a report's figure shares: colours, style, labels; and the headline.

The colours are Okabe and Ito's, which do not rely on red against green.
"""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from twin.number_words import number
from twin.verdict_words import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, SKY, GREEN, VERMILLION = "#0072B2", "#56B4E9", "#009E73", "#D55E00"
SEA = "#2B83B5"  # SKY, dark enough for text
INK, GREY, PALE = "#222222", "#6E6E6E", "#ECECEC"
STATE = {
    "HELD": "#00795A",
    "NOT HELD": "#C24E00",
    "TRIPPED": "#C24E00",
    "TOO SHORT": "#C24E00",
    "PASSED": "#00795A",
    "FAILED": "#C24E00",
}

_LINE_INCHES = 0.155
_LABEL_CHARACTERS = 20

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlepad": 5.0,
    "font.size": 9.0,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "svg.hashsalt": "tubetwin",  # the same drawing, the same names of its parts
    "text.parse_math": False,  # a cause or a name may have a dollar sign
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults, whatever the user's settings are, and ours on top."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def title(axes: "Axes", text: str) -> None:
    """The heading of a panel."""
    axes.set_title(text, loc="left", fontsize=10, fontweight="bold", color=INK)


def label_right(axes: "Axes", labels: Sequence[tuple[float, str, str]]) -> None:
    """Labels (value, text, colour) beside a panel, each near its value and none on another."""
    low, high = axes.get_ylim()
    inches = axes.get_window_extent().height / cast("Figure", axes.figure).dpi
    placed: list[list[Any]] = []
    for value, text, colour in sorted(labels, reverse=True):
        wrapped = "\n".join(
            line for part in text.split("\n") for line in textwrap.wrap(part, _LABEL_CHARACTERS)
        )
        half = 0.5 * (wrapped.count("\n") + 1.5) * _LINE_INCHES / inches
        placed.append([(value - low) / (high - low), half, wrapped, colour])
    ceiling = 1.0 + 0.1 / inches
    for label in placed:  # from the top down
        label[0] = min(label[0], ceiling - label[1])
        ceiling = label[0] - label[1]
    floor = -0.1 / inches
    for label in reversed(placed):  # and up again, where the lowest was pushed out below
        label[0] = max(label[0], floor + label[1])
        floor = label[0] + label[1]
    for y, _, text, colour in placed:
        axes.text(1.012, y, text, transform=axes.transAxes, color=colour, va="center")


def draw_headline(figure: "Figure", verdict: Verdict) -> None:
    """The verdict across the top of the figure: a word, a sentence, two bars and the limit."""
    inch = 1.0 / figure.get_figheight()
    colour = STATE[verdict.word]
    word = f"{verdict.sign} {verdict.word}"
    figure.text(0.02, 1 - 0.16 * inch, word, size=32, weight="bold", color=colour, va="top")
    figure.text(
        0.022, 1 - 0.8 * inch, verdict.sentence, size=11, color=INK, va="top", linespacing=1.35
    )
    gauge = verdict.gauge()
    if gauge is None:
        return
    axes = figure.add_axes((0.6, 1 - 1.2 * inch, 0.37, 0.8 * inch))
    axes.axis("off")
    axes.set_xlim(-0.25, 1.0)
    axes.set_ylim(1.6, -0.9)
    for y, bar in enumerate(gauge.bars):
        axes.text(-0.02, y, bar.name, ha="right", va="center", color=INK)
        axes.barh(y, bar.part, 0.62, color=colour)
        axes.text(bar.part + 0.02, y, bar.text, va="center", color=INK, weight="bold", zorder=5)
    limit = gauge.limit_part
    axes.plot([limit, limit], [-0.5, 1.5], color=INK, lw=1.5)
    text = f"limit {number(verdict.limit_percent)} % rms"
    axes.text(limit, -0.6, text, ha="center", va="bottom", color=INK)
