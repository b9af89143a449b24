"""The description of a bench when a test fails."""

from typing import Any

from firmware.interlocks import NAMES
from twin.trip_words import trip_words

MOST_STATES = 12  # the last ones are listed


def description_of(rig: Any) -> str:
    """A Rig in a few lines: past states, trip, present values, faults, target."""
    cause = ""
    passed = [f"{name} {at_s:.2f} s" for at_s, name in rig.states[-MOST_STATES:]]
    if len(rig.states) > MOST_STATES:
        passed.insert(0, "…")
    if rig.states[-1][1] == "tripped":
        cause = NAMES.get(rig.world.trip, "")
        passed[-1] += f" by {cause!r}"
    return (
        f"  states  {', '.join(passed)}\n"
        + (f"  trip    {words}\n" if (words := trip_words(cause)) else "")
        + f"  now     {rig.now_s:.2f} s: {rig.kv:.2f} kV, {rig.ma:.4f} mA, "
        f"head {rig.world.plant.heat.head_c:.2f} °C, "
        f"high voltage {'enabled' if rig.energised else 'not enabled'}\n"
        f"  faults  {', '.join(rig.faults.active) or 'none'}\n"
        f"  target  {rig.target}, {rig.mode}"
    )
