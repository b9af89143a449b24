"""Print docs/physics/assumptions.md from the default tube's description.

python scripts/assumptions_table.py > docs/physics/assumptions.md
"""

from twin.tube.parameter import Parameter
from twin.tube.tube import DEFAULT_TUBE, load_tube

HEAD = """# Assumptions of the default tube

The {count} numbers of `{name}` that are assumed, or known to a data sheet's tolerance only, each
with its range; made by `scripts/assumptions_table.py` from `twin/tube/built_in/{name}.toml`. The
unit is the name's ending. What a parameter means is in [tubes](../user/tubes.md), and what the
models assume is in [physics](physics.md). `tubetwin sensitivity` runs the verdict at both ends of
every range.
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
