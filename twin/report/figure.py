"""The figure of a report: intensity, temperatures, fan, voltage and current over one time axis.

Drawn with Matplotlib's objects, without pyplot and its global state.
"""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.number_words import against, number
from twin.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    SEA,
    SKY,
    VERMILLION,
    draw_headline,
    label_right,
    title,
)
from twin.report.trend import Curve, Trend
from twin.verdict_words import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHANNELS = (
    "room_temperature_c",
    "room_pressure_hpa",
    "room_humidity_percent",
    "head_temperature_c",
    "fan_percent",
    "kv",
    "ma",
)

_WIDTH = 10.0  # inches, as all below
_LEFT, _RIGHT, _HALF = 0.7, 1.45, 3.95
_TITLE, _GAP, _TICKS, _BOTTOM = 0.34, 0.1, 0.22, 0.3
_HEADLINE = 1.5
_UNITS = (
    (0.05, "seconds", 1e3),
    (1.5, "minutes", 60e3),
    (96.0, "hours", 3600e3),
    (np.inf, "days", 86400e3),
)

Draw = Callable[["Axes"], None]


class Sheet:
    """One figure: panels below a headline, which the HTML page leaves out."""

    def __init__(
        self,
        trend: Trend,
        comparison: Trend | None,
        verdict: Verdict,
        comparison_name: str = "laws off",
    ):
        # Here and not above: the command line starts without Matplotlib.
        from matplotlib.figure import Figure

        self.trend = trend
        self.comparison = comparison
        self.comparison_name = comparison_name
        self.verdict = verdict
        hours = (trend.last_ms - trend.first_ms) / 3600e3
        self.unit, self.unit_ms = next((name, ms) for most, name, ms in _UNITS if hours <= most)
        wide, small = self._wide_panels(), self._small_panels()
        pairs = [small[i : i + 2] for i in range(0, len(small), 2)]
        height = _HEADLINE + sum(_TITLE + panel for panel, _ in wide) + _GAP * len(wide) + _TICKS
        height += len(pairs) * (_TITLE + 1.05 + _GAP) + _TICKS + _BOTTOM
        self.figure = Figure(figsize=(_WIDTH, height))
        draw_headline(self.figure, verdict)
        top = height - _HEADLINE
        for panel, draw in wide:
            top -= _TITLE + panel
            self._draw(draw, _LEFT, top, _WIDTH - _LEFT - _RIGHT, panel, draw == wide[-1][1])
            top -= _GAP
        top -= _TICKS
        for pair in pairs:
            top -= _TITLE + 1.05
            for column, draw in enumerate(pair):
                left = _LEFT if column == 0 else _WIDTH - 0.2 - _HALF
                self._draw(draw, left, top, _HALF, 1.05, draw in small[-2:])
            top -= _GAP

    def save_png(self, path: Path) -> None:
        """The whole figure, headline and all."""
        self.figure.savefig(path, format="png", dpi=120, metadata={"Software": None})

    def svg(self) -> str:
        """The panels only."""
        from matplotlib.transforms import Bbox

        box = Bbox([[0.0, 0.0], [_WIDTH, self.figure.get_figheight() - _HEADLINE]])
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        text = StringIO()
        self.figure.savefig(text, format="svg", bbox_inches=box, metadata=metadata)
        return text.getvalue()

    def _wide_panels(self) -> list[tuple[float, Draw]]:
        """Height and drawing of each panel over the whole width; without data, left out."""
        trend = self.trend
        panels: list[tuple[float, Draw]] = [(2.3, self._draw_intensity)]
        if not self.verdict.judged:
            panels = [(1.6, self._draw_kv), (1.6, self._draw_ma)]
        if self.comparison is not None or trend.trip_ms < np.inf:
            panels.append((1.45, self._draw_full_scale))
        if trend.channel("room_temperature_c") or trend.channel("head_temperature_c"):
            panels.append((1.6, self._draw_temperatures))
        return panels

    def _small_panels(self) -> list[Draw]:
        trend = self.trend
        panels: list[tuple[str, Draw]] = [("head_temperature_c", self._draw_head)]
        if self.verdict.fan is not None:
            panels.append(("fan_percent", self._draw_fan))
        if self.verdict.judged:
            panels += [("kv", self._draw_kv), ("ma", self._draw_ma)]
        weather = (("room_pressure_hpa", 1.0), ("room_humidity_percent", 5.0))
        if any(np.ptp(trend.channel(name).range()) > least for name, least in weather):
            panels += [
                ("room_pressure_hpa", self._draw_pressure),
                ("room_humidity_percent", self._draw_humidity),
            ]
        return [draw for name, draw in panels if trend.channel(name)]

    def _draw(
        self, draw: Draw, left: float, bottom: float, width: float, height: float, lowest: bool
    ) -> None:
        """Make axes at a place in inches, and let `draw` fill them."""
        trend, total = self.trend, self.figure.get_figheight()
        place = (left / _WIDTH, bottom / total, width / _WIDTH, height / total)
        axes = self.figure.add_axes(place)
        axes.set_xlim(trend.first_ms / self.unit_ms, trend.last_ms / self.unit_ms)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelbottom=lowest, length=3)
        axes.grid(True)
        axes.ticklabel_format(axis="y", useOffset=False)
        if trend.first_ms < trend.scored_ms:
            span = (trend.first_ms / self.unit_ms, trend.scored_ms / self.unit_ms)
            axes.axvspan(*span, color=PALE, lw=0, zorder=0)
        if trend.trip_ms < np.inf:
            axes.axvline(trend.trip_ms / self.unit_ms, color=INK, lw=1.0, ls=(0, (3, 2)), zorder=4)
        if lowest:
            # At the end of the axis, where it costs no height.
            axes.set_xlabel(f"time, {self.unit}", loc="right", labelpad=1.0)
        draw(axes)

    def _draw_intensity(self, axes: "Axes") -> None:
        trend, verdict, limit = self.trend, self.verdict, self.verdict.limit_percent
        ends = [*trend.steady(trend.true).range(), *trend.steady(trend.measured).range()]
        reach = max(1.15 * max(np.abs(np.nan_to_num(ends))), 2.0 * limit)
        axes.set_ylim(-reach, reach)
        axes.axhspan(-limit, limit, color=GREEN, alpha=0.13, lw=0, zorder=1)
        for edge in (-limit, limit):
            axes.axhline(edge, color=GREEN, lw=1.0, zorder=1)
        self._line(axes, trend.second.between(-np.inf, trend.scored_ms), GREY, 0.8)
        if np.array_equal(trend.measured.low, trend.measured.high):
            x = trend.measured.now_ms / self.unit_ms
            size = 4.5 if len(x) > 30 else 9.0
            axes.plot(x, trend.measured.mid, ".", color=SKY, ms=size, mew=0, zorder=2)
        else:
            self._line(axes, trend.measured, SKY, 0.0)
        self._line(axes, trend.true, BLUE, 1.8)
        tripped = trend.trip_ms < np.inf
        title(axes, f"Beam intensity, % from its mean{' before the trip' if tripped else ''}")
        measured = f"measured, per {number(0.001 * trend.frame_ms)} s"
        labels = [
            (limit, f"limit ±{number(limit)} %\n(applies to the rms)", GREEN),
            (0.0, f"true\n{self._rms(verdict.rms_true_percent)}", BLUE),
            (-limit, f"{measured}\n{self._rms(verdict.rms_measured_percent)}", SEA),
        ]
        label_right(axes, labels)
        warm_up = (trend.scored_ms - trend.first_ms) / (trend.last_ms - trend.first_ms)
        if warm_up > 0.15:
            self._note(axes, trend.first_ms, "warm-up,\nnot scored", GREY)
        elif warm_up > 0.03:
            self._note(axes, trend.first_ms, "warm-up", GREY, rotation=90.0)
        if tripped:
            self._note(axes, trend.trip_ms, f"trip: {verdict.trips[0].words}", INK)

    def _draw_full_scale(self, axes: "Axes") -> None:
        trend, other, verdict = self.trend, self.comparison, self.verdict
        limit = verdict.limit_percent
        labels = [(_last(trend.true), f"this run\n{self._rms(verdict.rms_true_percent)}", BLUE)]
        ends = [-2 * limit, 2 * limit, *trend.true.range()]
        heading = "The same at full scale, %"
        if other is not None:
            self._line(axes, other.true, VERMILLION, 1.8)
            ends += other.true.range()
            label = f"{self.comparison_name}\n{self._rms(other.rms_percent)}"
            labels.append((_last(other.true), label, VERMILLION))
            heading += f"; for comparison: {self.comparison_name}"
        axes.axhspan(-limit, limit, color=GREEN, alpha=0.35, lw=0, zorder=1)
        self._line(axes, trend.true, BLUE, 1.8)
        low, high = np.nanmin(ends), np.nanmax(ends)
        axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        axes.locator_params(axis="y", nbins=7)
        title(axes, heading)
        label_right(axes, labels)

    def _draw_temperatures(self, axes: "Axes") -> None:
        labels = []
        for trend, name, text, colour in (
            (self.comparison, "head_temperature_c", f"tube, {self.comparison_name}", VERMILLION),
            (self.trend, "head_temperature_c", "tube", BLUE),
            (self.trend, "room_temperature_c", "room", INK),
        ):
            if trend is not None and (curve := trend.channel(name)):
                self._line(axes, curve, colour, 1.8)
                labels.append((_last(curve), text, colour))
        axes.margins(y=0.12)
        title(axes, "Temperatures, °C")
        label_right(axes, labels)

    def _draw_head(self, axes: "Axes") -> None:
        tripped = self.trend.trip_ms < np.inf
        text = "" if tripped else f"{number(self.verdict.head_rms_k)} K rms"
        self._draw_small(axes, "head_temperature_c", "Tube temperature, close up, °C", 0.1, text)

    def _draw_fan(self, axes: "Axes") -> None:
        self._draw_small(axes, "fan_percent", "Fan, %", 0.0, self.verdict.fan_margin)
        axes.set_ylim(0.0, 100.0)
        axes.set_yticks([0, 50, 100])

    def _draw_kv(self, axes: "Axes") -> None:
        self._draw_small(axes, "kv", "Tube voltage, kV", 0.1)

    def _draw_ma(self, axes: "Axes") -> None:
        self._draw_small(axes, "ma", "Emission current, mA", 0.01)

    def _draw_pressure(self, axes: "Axes") -> None:
        self._draw_small(axes, "room_pressure_hpa", "Air pressure, hPa", 2.0)

    def _draw_humidity(self, axes: "Axes") -> None:
        self._draw_small(axes, "room_humidity_percent", "Relative humidity, %", 5.0)

    def _draw_small(
        self, axes: "Axes", name: str, heading: str, least_range: float, text: str = ""
    ) -> None:
        """A channel over at least `least_range`; what is the tube's, scaled to the steady beam."""
        curve = self.trend.channel(name)
        room = name.startswith("room")
        self._line(axes, curve, INK if room else BLUE, 1.2)
        low, high = (curve if room else self.trend.steady(curve) or curve).range()
        half = max(0.6 * (high - low), 0.5 * least_range) or 1.0
        middle = 0.5 * (low + high)
        axes.set_ylim(middle - half, middle + half)
        axes.locator_params(axis="y", nbins=4, steps=[1, 2, 5, 10])
        title(axes, heading)
        if text:
            axes.set_title(text, loc="right", color=GREY, fontsize=9)

    def _line(self, axes: "Axes", curve: Curve, colour: str, width: float) -> None:
        x = curve.now_ms / self.unit_ms
        if not np.array_equal(curve.low, curve.high, equal_nan=True):
            axes.fill_between(x, curve.low, curve.high, color=colour, alpha=0.35, lw=0, zorder=2)
        if width:
            marker = "o" if len(x) < 3 else "none"
            axes.plot(x, curve.mid, marker=marker, ms=4, color=colour, lw=width, zorder=3)

    def _note(
        self, axes: "Axes", now_ms: float, text: str, colour: str, rotation: float = 0.0
    ) -> None:
        """A word at the top of the panel, at a time."""
        late = now_ms > 0.5 * (self.trend.first_ms + self.trend.last_ms)
        axes.annotate(
            text,
            (now_ms / self.unit_ms, 0.97),
            (-4 if late else 4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if late else "left",
            va="top",
            color=colour,
            rotation=rotation,
            zorder=5,
        )

    def _rms(self, value: float | None) -> str:
        return f"{against(value, self.verdict.limit_percent)} % rms"


def _last(curve: Curve) -> float:
    finite = curve.mid[np.isfinite(curve.mid)]
    return float(finite[-1]) if len(finite) else 0.0
