"""Runs of some seconds with steps: the room, tube and quick settings of bench-short."""

from typing import Any

from twin.commission.calibrations import calibration_of
from twin.runs.job import Job
from twin.runs.run import Run
from twin.scenarios.scenario import Scenario, load_scenario
from twin.scenarios.steps import Step
from twin.tube.tube import DEFAULT_TUBE, load_tube

START = {"at_s": 1.0, "start": True}
REGULATED_S = 10.0  # then the beam is on and its current has settled


def scenario(*steps: dict[str, Any], end_s: float = 20.0, **changed: Any) -> Scenario:
    """bench-short with other steps; at its end the beam is expected, unless a step expects."""
    document = load_scenario("bench-short").model_dump()
    document["ambient"]["time_h"] = (0.0, 1.0)
    if not any("expect" in step for step in steps):
        steps = (*steps, {"at_s": end_s, "expect": "beam"})
    changed = {"duration_h": end_s / 3600.0, "step": tuple(map(dict, steps)), **changed}
    return Scenario.model_validate({**document, **changed})


def job(*steps: dict[str, Any], seed: int = 1, faults: tuple[Step, ...] = (), **more: Any) -> Job:
    name, tube = load_tube(DEFAULT_TUBE)
    return Job(scenario(*steps, **more), name, tube, calibration_of(name, tube), seed, (), faults)


def begun(*steps: dict[str, Any], **more: Any) -> Run:
    """A run of them, about to begin."""
    run = Run(job(*steps, **more))
    run.begin()
    return run
