"""Runs for the system tests, two at a time, each made once."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from twin.commission.calibrations import calibration_of
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.run import simulate
from twin.scenarios.scenario import Scenario, load_scenario
from twin.tube.tube import DEFAULT_TUBE, load_tube


def job(scenario: str | Scenario, seed: int = 1, without: tuple[str, ...] = ()) -> Job:
    """A job on the default tube."""
    if isinstance(scenario, str):
        scenario = load_scenario(scenario)
    name, tube = load_tube(DEFAULT_TUBE)
    return Job(scenario, name, tube, calibration_of(name, tube), seed, without)


def outcomes(jobs: dict[str, Job]) -> dict[str, Outcome]:
    """Simulate all of them, on two processors."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return dict(zip(jobs, pool.map(simulate, jobs.values()), strict=True))
