"""Make a Job from the inputs of a user; everything is checked before a run."""

import difflib
import math
from pathlib import Path

from twin.commission.calibrations import calibration_of
from twin.files.errors import InputError
from twin.files.toml import EntryError
from twin.runs.job import LAWS, Job
from twin.runs.progress import commissioning
from twin.scenarios.scenario import Scenario, load_scenario
from twin.scenarios.steps import check_steps, fault_steps
from twin.tube.tube import Tube, load_tube


def prepare(
    scenario: str | Scenario,
    tube: str | Tube,
    ambient: str | None,
    hours: float | None,
    seed: int,
    without: tuple[str, ...],
    faults: tuple[str, ...] = (),
) -> Job:
    """Load and check all inputs; commission a new tube. Raises InputError in one line."""
    for law in without:
        if law not in LAWS:
            near = difflib.get_close_matches(law, LAWS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(f"--without {law}: no such law{hint}; choose {', '.join(LAWS)}")
    if hours is not None and not (math.isfinite(hours) and hours > 0.0):
        raise InputError(f"--hours {hours:g}: give a number of hours above 0")
    made = fault_steps(faults)
    chosen = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    name, description = (tube.title, tube) if isinstance(tube, Tube) else load_tube(tube)
    if ambient is not None:
        chosen = chosen.with_ambient(Path(ambient), hours)
    elif hours is not None:
        chosen = chosen.with_hours(hours)
    if "thermal" in without and description.heat.cooling != "air":
        raise InputError(
            f"--without thermal: {name} has no air-cooled head, so that law does not apply to it; "
            "choose emission or compensation"
        )
    with commissioning(name) as progress:
        calibration = calibration_of(name, description, progress)
    job = Job(chosen, name, description, calibration, seed, tuple(dict.fromkeys(without)), made)
    if made and made[-1].at_ms >= job.end_ms:
        raise InputError(
            f"--fault: one at {made[-1].at_s:g} s comes after the end of the run, "
            f"{0.001 * job.end_ms:g} s; give an earlier time"
        )
    together = sorted((*chosen.step, *made), key=lambda step: step.at_ms)
    try:
        check_steps(together, chosen.start == "warm")
    except EntryError as error:
        raise InputError(f"--fault: with those of the scenario, {error}") from None
    if chosen.settings and (wrong := job.settings().problem()):
        raise InputError(
            f"scenario {chosen.name}, tube {name}: [settings] {wrong[0]}: {wrong[1]}; change it"
        )
    return job
