"""The job of a bench test: a scenario's room and settings, without its steps."""

from dataclasses import replace

from twin.defaults import DEFAULT_TUBE, SHORT_SCENARIO
from twin.files.errors import InputError
from twin.plant.plant import Plant
from twin.runs.job import Job
from twin.runs.prepare import prepare
from twin.scenarios.scenario import Room, Scenario


def bench_job(
    scenario: str = SHORT_SCENARIO, tube: str = DEFAULT_TUBE, seed: int = 1, **settings: float
) -> Job:
    """Tube, room and firmware settings of a test. Raises InputError with one line.

    The scenario's steps are not executed; the test decides the actions. A constant room continues
    after the scenario's end; any other room ends with the scenario.

    settings : firmware settings (docs/board/settings.md) that replace those of the scenario
    """
    job = prepare(scenario, tube, None, None, seed, ())
    chosen = _steady(job.scenario)
    values = {**chosen.settings, **settings}
    job = replace(job, scenario=chosen.model_copy(update={"settings": values}))
    try:
        problem = job.settings().problem()
    except ValueError as error:
        raise InputError(f"settings: {error}; docs/board/settings.md lists them") from None
    if problem:
        raise InputError(f"setting {problem[0]}: {problem[1]}")
    return job


def check_room(plant: Plant, until_ms: int) -> None:
    """Raises InputError if the scenario does not describe the room until `until_ms`."""
    room = plant.ambient
    if not room.repeat and until_ms > 1000.0 * room.duration_s:
        raise InputError(
            f"the room is described for {room.duration_s:g} s of scenario time only; choose a "
            "longer scenario, or one whose room repeats or is constant"
        )


def _steady(scenario: Scenario) -> Scenario:
    room = scenario.ambient
    if room is None or any(len(set(values)) > 1 for values in room.columns().values()):
        return scenario
    endless = Room(**{**room.model_dump(), "repeat": True})
    return scenario.model_copy(update={"ambient": endless})
