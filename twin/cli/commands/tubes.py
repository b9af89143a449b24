"""The command `tubetwin tubes`."""

from twin.cli import options
from twin.files.json import print_json


def tubes(as_json: options.Json = False) -> None:
    """List the built-in tubes: power, cooling, focal spot, W/µm, melting margin, class, life.

    Example: `tubetwin tubes --json`
    """
    from twin.catalogue.catalogue import facts_of
    from twin.tube.tube import builtin_tubes, load_tube

    facts = [facts_of(*load_tube(name)) for name in builtin_tubes()]
    if as_json:
        print_json([one.listed() for one in facts])
        return
    from twin.cli.tables import show_tubes

    show_tubes(facts)
