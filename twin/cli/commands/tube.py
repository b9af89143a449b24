"""The command `tubetwin tube`."""

from dataclasses import asdict
from typing import Annotated

import typer

from twin.cli import options
from twin.files.json import print_json


def tube(
    file: Annotated[str, typer.Argument(metavar="FILE.toml", help="A description of a tube.")],
    as_json: options.Json = False,
) -> None:
    """Check a description of a tube and print its main figures.

    An error is one line with its place (exit status 2). Notes follow for implausible values,
    such as a target that melts.

    Example: `tubetwin tube mine.toml`
    """
    from twin.tube.tube import load_tube

    name, description = load_tube(file)  # an error is reported before the slow imports
    from twin.catalogue.catalogue import beam_facts_of, doubts_of, facts_of

    facts, doubts = facts_of(name, description), doubts_of(description)
    beam = beam_facts_of(description)
    if as_json:
        print_json(
            {
                **asdict(facts),
                "beam": asdict(beam) if beam else None,
                "assumptions": len(description.assumptions()),
                "doubts": doubts,
            }
        )
        return
    from twin.cli.tables import show_tube

    show_tube(facts, beam, description, doubts)
