"""An autotune on a real unit, over its console: the first step of twin/study/autotune.py.

The unit does it all by itself. Here it is told to, watched, and told to stop.
"""

import json
from collections.abc import Callable
from typing import Any

from hil.unit.console import ConsoleClient
from twin.files.errors import InputError
from twin.study.autotune import Measured

LOOK_S = 5.0
TICK_S = 1.0  # for the unit to load the law, while it is off
DEAD_STATES = ("off", "tripped")


def measure_on(
    unit: ConsoleClient,
    wait: Callable[[float], None],
    progress: Callable[[float], None] = lambda part: None,
) -> Measured:
    """Start the beam, wait for the end of the autotune, and stop the beam, whatever happens.

    wait : lets some seconds pass. RefusedError if the unit refuses, LostError if it is gone; a
    unit that is lost goes on by itself and ends with its beam on, for nobody told it to stop.
    """
    unit.ask("tune on")
    try:
        wait(TICK_S)
        unit.ask("run")
        passed_s = 0.0
        had_beam = False
        while True:
            wait(LOOK_S)
            passed_s += LOOK_S
            said = _told(unit)
            progress(float(said["progress"]))
            status = unit.status()
            if said["stage"] == "done":
                capacity, delay_s, _, noise_k = said["answer"]
                return Measured(said["found"], "", passed_s, capacity, delay_s, noise_k)
            if status["state"] in DEAD_STATES:
                return Measured({}, f"the unit is {status['state']} {status['trip']}", passed_s)
            if said["stage"] == "idle" and had_beam:  # a whole look ago
                return Measured({}, "the unit did not begin its autotune", passed_s)
            if said["stage"] == "failed":
                return Measured({}, said["reason"], passed_s)
            had_beam = status["state"] == "beam"
    finally:
        unit.ask("stop")


def keep_on(unit: ConsoleClient, found: dict[str, float]) -> str:
    """Store what was found on the unit, whose beam is off; what it says of the save."""
    return unit.save(found)


def _told(unit: ConsoleClient) -> dict[str, Any]:
    said = json.loads(unit.ask("tune")[1])
    if not isinstance(said, dict):
        raise InputError(f"{unit.name}: answered {said!r} to `tune`")
    return said
