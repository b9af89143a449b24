"""The picture of an autotune: head, fan and beam over the stages."""

from itertools import groupby
from pathlib import Path

from twin.report.drawing import BLUE, GREEN, GREY, INK, PALE, VERMILLION, title
from twin.study.autotune import Measured

WORDS = {
    "approach": "",
    "settle": "fan relay, full range, until at rest",
    "middle": "closer speeds",
    "less": "less power",
    "fit": "",
    "fan": "slopes by the fan",
    "power": "slopes by the beam",
    "refit": "",
}


def draw_autotune(measured: Measured, head_set_c: float, heading: str, path: Path) -> None:
    """Three panels over one time axis, the stages named, as a PNG."""
    from matplotlib.figure import Figure

    trace = measured.trace
    minutes = [time_s / 60.0 for time_s in trace.time_s]
    figure = Figure(figsize=(9.0, 5.0), layout="constrained")
    head, fan, beam = figure.subplots(3, 1, sharex=True, height_ratios=(2.0, 1.2, 1.0))
    title(head, heading)
    head.axhline(head_set_c, color=GREY, lw=0.8)
    head.plot(minutes, trace.head_c, color=VERMILLION, lw=0.8)
    head.set_ylabel("head, °C")
    fan.plot(minutes, [100.0 * part for part in trace.fan], color=BLUE, lw=0.9, ds="steps-post")
    fan.set_ylabel("fan, %")
    fan.set_ylim(0.0, 105.0)
    beam.plot(minutes, trace.beam_w, color=GREEN, lw=0.9)
    beam.set_ylabel("beam, W")
    beam.set_ylim(0.0)
    beam.set_xlabel("minutes")
    at = 0
    low = min(trace.head_c, default=head_set_c)
    for number, (stage, entries) in enumerate(groupby(trace.stage)):
        count = len(list(entries))
        first, last = minutes[at], minutes[at + count - 1]
        at += count
        if number % 2:
            for axes in (head, fan, beam):
                axes.axvspan(first, last, color=PALE, zorder=0, lw=0)
        if WORDS.get(stage):
            head.text(
                first,
                low - 0.1,
                " " + WORDS[stage].replace(", ", ",\n "),
                size=7,
                color=INK,
                va="top",
            )
    head.set_ylim(low - 0.7)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})
