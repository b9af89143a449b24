"""The meaning of each trip in words, with its section of docs/board/interlocks.md.

The words are the docstrings of the conditions in firmware/interlock_table.py.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from firmware.interlock_table import ROWS

PAGE = "docs/board/interlocks.md"
LOOKS = (
    "every tick while energised",
    "ten times a second, in every state",
    "ten times a second in ramp and beam",
    "ten times a second while the emission law regulates",
    "whenever the tube voltage breaks down",
)


class Interlock(NamedTuple):
    """One row of the interlock table, in words.

    delay_ms : time that the condition must hold, ms; with is_age the largest age of a reading
    """

    code: int
    name: str
    look: str
    delay_ms: int
    is_age: bool
    trips: str
    cites: str
    check: str

    @property
    def page(self) -> str:
        """The place to read more, such as docs/board/interlocks.md#fan."""
        return f"{PAGE}#{self.name}"


def interlocks() -> tuple[Interlock, ...]:
    """All rows, in the order of the table."""
    found = []
    for look, rows in enumerate(ROWS):
        for code, name, _, delay_ms, age_ms, condition, _ in rows:
            words = _words(inspect.getdoc(condition) or "")
            found.append(Interlock(code, name, LOOKS[look], delay_ms or age_ms, age_ms > 0, *words))
    return tuple(found)


def interlock(name: str) -> Interlock:
    """The row of this name. Raises KeyError for an unknown name."""
    return {row.name: row for row in interlocks()}[name]


def trip_words(name: str) -> str:
    """One sentence about a trip, with its page; "" if no interlock has this name.

    >>> trip_words("fan")
    'The fan turns at less than half of the speed of its program: see docs/board/interlocks.md#fan'
    """
    for row in interlocks():
        if row.name == name:
            return f"{row.trips.rstrip('.')}: see {row.page}"
    return ""


def with_page(trips: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The trips of a run, each with the page of its cause as "see"."""
    return [{**trip, "see": interlock(trip["cause"]).page} for trip in trips]


def _words(doc: str) -> tuple[str, str, str]:
    """Condition, source and advice from a docstring: paragraphs, the last two with a label."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", doc)]
    labelled = dict(part.split(": ", 1) for part in paragraphs[1:])
    return paragraphs[0], labelled.get("Cites", ""), labelled.get("Check", "")
