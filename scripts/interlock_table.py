"""Print docs/board/interlocks.md from the rows of firmware/interlock_table.py.

python scripts/interlock_table.py > docs/board/interlocks.md
"""

from twin.trip_words import Interlock, interlocks

PAGE = "board/interlocks.md"  # in docs/

HEAD = """# Interlocks

What can trip the firmware, and what to check then. Made by `scripts/interlock_table.py` from
`firmware/interlock_table.py`.

A trip switches the high voltage off in the same tick. Its first cause is kept until the next start.
To start again: remove the cause, then `stop` and `run`. The interlocks of the firmware are not the
safety function: that is [the interlock chain](wiring.md#the-interlock-chain), which breaks the
high voltage without passing through the processor.

| trip | code | condition | after |
|---|---|---|---|
"""


def after(row: Interlock) -> str:
    """How long the condition must hold, or how old the reading must be."""
    if not row.delay_ms:
        return "at once"
    return f"{'older than ' if row.is_age else ''}{row.delay_ms} ms"


def section(row: Interlock) -> str:
    """One trip; the heading is its anchor."""
    return "\n".join(
        [
            f"## {row.name}",
            "",
            row.trips,
            "",
            f"* Trips: {after(row)}. It is looked at {row.look}.",
            f"* Reason: {row.cites}",
            f"* Check: {row.check}",
            "",
        ]
    )


def page() -> str:
    """The whole page, in the order of the codes."""
    rows = sorted(interlocks())
    lines = [
        f"| [`{row.name}`](#{row.name}) | {row.code} | {row.trips.rstrip('.')} | {after(row)} |"
        for row in rows
    ]
    return HEAD + "\n".join(lines) + "\n\n" + "\n".join(section(row) for row in rows)


if __name__ == "__main__":
    print(page(), end="")
