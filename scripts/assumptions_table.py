"""Print docs/physics/assumptions.md from the default tube's description.

python scripts/assumptions_table.py > docs/physics/assumptions.md
"""

from twin.tube.parameter import Parameter
from twin.tube.tube import DEFAULT_TUBE, load_tube

PAGE = "physics/assumptions.md"  # in docs/
HEAD = """# Assumptions of the default tube

This page lists every assumed number of the default tube with its range and source.

`{name}` has {count} numbers that are assumed, or known only to the tolerance of a data sheet. The
unit is the name's ending. [Tubes](../user/tubes.md) explains the parameters, and
[physics](physics.md) lists the assumptions of the models. `tubetwin sensitivity` computes the
verdict at both ends of every range. `scripts/assumptions_table.py` makes this page from
`twin/tube/built_in/{name}.toml`.
"""


def table(section: str, assumed: list[tuple[str, Parameter]]) -> str:
    """One section's table in Markdown."""
    lines = [f"## `[{section}]`", "", "| parameter | value | range | source |", "|---|---|---|---|"]
    for name, parameter in assumed:
        assert parameter.range
        low, high = parameter.range
        lines.append(
            f"| `{name}` | {parameter.value:g} | {low:g} to {high:g} | {parameter.source} |"
        )
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    name, tube = load_tube(DEFAULT_TUBE)
    sections: dict[str, list[tuple[str, Parameter]]] = {}
    for dotted, parameter in tube.assumptions():
        section, parameter_name = dotted.split(".")
        sections.setdefault(section, []).append((parameter_name, parameter))
    head = HEAD.format(name=name, count=len(tube.assumptions()))
    return "\n".join([head, *(table(section, rows) for section, rows in sections.items())])


if __name__ == "__main__":
    print(page(), end="")
