"""The tables that the commands about tubes print."""

import math
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from twin.catalogue.catalogue import BeamFacts, Facts
from twin.catalogue.sources import Row
from twin.number_words import number
from twin.study.budget import Line
from twin.study.sensitivity import End, Sensitivity
from twin.tube.tube import Tube
from twin.verdict import LIMIT_PERCENT


def show_tubes(facts: Iterable[Facts]) -> None:
    """The catalogue, one line a tube."""
    table = _table("tube", "cooling", "class", words=3)
    for heading in ("W", "kV", "spot µm", "W/µm", "margin K", "emitter h", "after a year"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in facts:
        table.add_row(
            one.name,
            one.cooling,
            one.focal_spot_class,
            number(one.power_w),
            number(one.kv),
            number(one.focal_spot_um, 2),
            number(one.w_per_um, 2),
            "liquid" if one.melting_margin_k is None else f"{one.melting_margin_k:.0f}",
            number(one.emitter_life_h, 2),
            f"{100.0 * one.left_after_a_year:.0f} %",
        )
    _print(table)


def show_tube(facts: Facts, beam: BeamFacts | None, tube: Tube, doubts: list[str]) -> None:
    """What one description amounts to."""
    table = _table("", words=1)
    table.show_header = False
    table.add_column()
    margin = facts.melting_margin_k
    for name, text in (
        ("power", f"{number(facts.power_w)} W at {number(facts.kv)} kV, cooled by {facts.cooling}"),
        ("focal spot", f"{number(facts.focal_spot_um)} µm ({facts.focal_spot_class} focus)"),
        ("loading", f"{number(facts.w_per_um)} W/µm"),
        (
            "hottest place",
            f"{facts.spot_k:.0f} K, "
            + (
                f"{_margin(facts.boiling_margin_k)} boiling"
                if margin is None
                else f"{_margin(margin)} melting"
            ),
        ),
        (
            "emitter",
            f"{number(facts.emitter_k, 4)} K"
            + (f", lasts {number(facts.emitter_life_h)} h" if facts.emitter_life_h else ""),
        ),
        ("after a year", f"{100.0 * facts.left_after_a_year:.0f} % of the intensity"),
        ("assumptions", f"{len(tube.assumptions())} with a range"),
    ):
        table.add_row(name, text)
    if beam:
        table.add_row(
            "beam",
            f"{number(beam.beam_x_um)} x {number(beam.beam_y_um)} µm at the focus, "
            f"{100.0 * beam.part_on_crystal:.0f} % of it on a crystal of "
            f"{number(beam.crystal_um)} µm",
        )
        axes = (f"{axis:.0f} Å at {mrad} mrad" for mrad, axis in beam.resolved_angstrom.items())
        table.add_row("cell axis", f"resolved up to {', '.join(axes)}")
    print(f"{facts.name}: {tube.title}")
    _print(table)
    for doubt in doubts:
        print(f"note: {doubt}")


def show_comparison(rows: Iterable[Row]) -> None:
    """Computed beside published relative intensities."""
    table = _table("tube", words=1)
    for heading in (
        "W/mm²",
        "photons/e⁻ sr",
        "reflectivity",
        "mrad",
        "relative intensity",
        "published",
        "difference",
        "beam µm",
        "published",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.tube,
            number(row.w_per_mm2, 3),
            f"{row.photons_per_electron_sr:.2e}",
            number(row.reflectivity, 2),
            number(row.convergence_mrad),
            number(row.relative_intensity),
            number(row.published),
            _signed(row.difference_percent),
            number(row.beam_um),
            number(row.published_beam_um),
        )
    _print(table)


def show_budget(lines: Iterable[Line], tube: str, scenario: str) -> None:
    """The error budget, one line a mechanism."""
    table = _table("mechanism, alone", words=1)
    for heading in ("%/K", "% rms, laws off", "% rms, laws on"):
        table.add_column(heading, justify="right")
    for line in lines:
        table.add_row(
            line.mechanism,
            number(line.percent_per_k, 2),
            number(line.rms_uncontrolled_percent, 2),
            number(line.rms_controlled_percent, 2),
        )
    print(f"{tube}, {scenario}; limit {LIMIT_PERCENT} % rms")
    _print(table)


def show_sensitivity(found: Iterable[Sensitivity], nominal_percent: float) -> None:
    """The stability figure at both ends of each assumption, the worst first."""
    table = _table("assumption", words=1)
    for heading in ("low", "% rms", "high", "% rms"):
        table.add_column(heading, justify="right")
    for one in found:
        ends = [text for end in (one.low, one.high) for text in (f"{end.value:g}", _figure(end))]
        table.add_row(one.parameter, *ends)
    print(f"as described: {number(nominal_percent, 2)} % rms; limit {LIMIT_PERCENT} % rms")
    _print(table)


def _figure(end: End) -> str:
    if end.failure:
        return end.failure
    return number(end.rms_true_percent, 2)


def _margin(kelvin: float) -> str:
    return f"{abs(kelvin):.0f} K {'below' if kelvin >= 0.0 else 'above'}"


def _signed(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:+.1f} %"


def _table(*headings: str, words: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings[:words]:
        table.add_column(heading, no_wrap=True)
    return table


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:  # a file or a pipe: as wide as it takes
        console = Console(highlight=False, width=200)
    console.print(table)
