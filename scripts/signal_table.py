"""Print docs/contributing/signals.md from the one declaration in firmware/signal_table.py.

python scripts/signal_table.py > docs/contributing/signals.md
"""

from firmware.signal_table import INPUTS, OUTPUTS

PAGE = "contributing/signals.md"  # in docs/
HEAD = """# Signals

This page lists every signal between the firmware and the world, with its unit and raw range.

All signals are raw counts. `firmware/calibration.py` has the full scales. `scripts/signal_table.py`
makes this page from the declaration in `firmware/signal_table.py`.
"""


def table(title: str, signals: tuple[tuple[object, ...], ...]) -> str:
    """One table in Markdown."""
    lines = [
        f"## {title}",
        "",
        "| signal | unit | raw range | meaning | age |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {unit} | {low} to {high} | {meaning} | {f'`{age}_age_ms`' if age else ''} |"
        for name, unit, low, high, _code, meaning, age in signals
    ]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            table("Inputs: `board.read(inputs)`", INPUTS),
            table("Outputs: `board.write(outputs)`", OUTPUTS),
        ]
    )


if __name__ == "__main__":
    print(page(), end="")
