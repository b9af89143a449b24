"""The command `tubetwin compare`."""

from typing import Annotated

import typer

from twin.cli import options
from twin.files.json import print_json


def compare(
    tubes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TUBE]…", help="Built-in tubes or .toml files; default: published"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Recompute the published comparison of laboratory sources: I = B R α².

    Prints calculated and published relative intensities, with each difference.

    Example: `tubetwin compare cu-50w-air ga-metaljet`
    """
    from twin.catalogue.sources import compare as compare_sources
    from twin.catalogue.sources import published_tubes
    from twin.tube.tube import load_tube

    chosen = [load_tube(name) for name in dict.fromkeys(tubes or published_tubes())]
    rows = compare_sources(chosen)
    if as_json:
        print_json([row.listed() for row in rows])
        return
    from twin.cli.tables import show_comparison

    show_comparison(rows)
