"""An autotune on a real unit, over its console: the first step of twin/study/autotune.py.

The unit executes the autotune alone. The host starts it, reads its progress and stops the unit.
"""

import json
from collections.abc import Callable
from typing import Any

from hil.unit.console import ConsoleClient
from twin.files.errors import InputError
from twin.study.autotune import Measured

POLL_S = 5.0
LOAD_S = 1.0  # for the unit to load the law, while the beam is off
DEAD_STATES = ("off", "tripped")


def measure_on(
    unit: ConsoleClient,
    wait: Callable[[float], None],
    progress: Callable[[float], None] = lambda part: None,
) -> Measured:
    """Start the beam, wait for the end of the autotune, and stop the beam, also after an error.

    wait     : waits for a number of seconds
    progress : called with the completed fraction, 0 to 1

    Raises RefusedError if the unit refuses a command, LostError if the line is lost. A unit whose
    line is lost completes its autotune and stays with its beam on, because it received no `stop`.
    """
    unit.ask("tune on")
    try:
        wait(LOAD_S)
        unit.ask("run")
        passed_s = 0.0
        had_beam = False
        while True:
            wait(POLL_S)
            passed_s += POLL_S
            report = _report(unit)
            progress(float(report["progress"]))
            status = unit.status()
            if report["stage"] == "done":
                capacity, delay_s, _, noise_k = report["answer"]
                return Measured(report["found"], "", passed_s, capacity, delay_s, noise_k)
            if status["state"] in DEAD_STATES:
                return Measured({}, f"the unit is {status['state']} {status['trip']}", passed_s)
            if report["stage"] == "idle" and had_beam:  # at the last poll already
                return Measured({}, "the unit did not begin its autotune", passed_s)
            if report["stage"] == "failed":
                return Measured({}, report["reason"], passed_s)
            had_beam = status["state"] == "beam"
    finally:
        unit.ask("stop")


def keep_on(unit: ConsoleClient, found: dict[str, float]) -> str:
    """Store the measured constants on the unit, whose beam is off; returns its answer to `save`."""
    return unit.save(found)


def _report(unit: ConsoleClient) -> dict[str, Any]:
    report = json.loads(unit.ask("tune")[1])
    if not isinstance(report, dict):
        raise InputError(f"{unit.name}: answered {report!r} to `tune`")
    return report
