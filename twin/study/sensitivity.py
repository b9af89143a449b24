"""How much the verdict depends on assumptions: every range of a tube, end by end.

Each assumption is put to either end of its range while all others stay, the tube so changed is
commissioned again, as its owner would, and the scenario is run.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from twin.commission.commission import commission
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.study.campaign import run_all, run_series
from twin.tube.tube import Tube


@dataclass(frozen=True)
class End:
    """One end of one range: the stability figure there, or why there is none."""

    parameter: str
    value: float
    rms_true_percent: float
    failure: str = ""


@dataclass(frozen=True)
class Sensitivity:
    """What the two ends of one assumption make of the verdict."""

    parameter: str
    low: End
    high: End

    @property
    def worst_percent(self) -> float:
        """The larger figure; infinite where one end has none."""
        ends = (self.low, self.high)
        return max(float("inf") if end.failure else end.rms_true_percent for end in ends)


def at(tube: Tube, parameter: str, value: float) -> Tube:
    """The tube with one parameter changed, its range with it. ValueError if it cannot be so."""
    return tube.changed({parameter: value})


def end_of(task: tuple[Job, str, float]) -> End:
    """Commission and run the job's tube with one parameter at this value."""
    job, parameter, value = task
    try:
        tube = at(job.tube, parameter, value)
        series = run_series(replace(job, tube=tube, calibration=commission(tube)))
    except (InputError, ValueError) as error:
        return End(parameter, value, float("nan"), " ".join(str(error).split())[:120])
    return End(parameter, value, series.rms_true_percent, series.trip)


def sensitivities(
    job: Job, only: str = "", progress: Callable[[float], None] = lambda part: None
) -> list[Sensitivity]:
    """For every assumption whose dotted name begins with `only`, the worst first."""
    found = [
        (name, parameter.range)
        for name, parameter in job.tube.assumptions()
        if name.startswith(only) and parameter.range
    ]
    tasks = [(job, name, value) for name, ends in found for value in ends]
    ends = run_all(end_of, tasks, lambda done: progress(done / len(tasks)))
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return sorted(
        (Sensitivity(low.parameter, low, high) for low, high in pairs),
        key=lambda one: one.worst_percent,
        reverse=True,
    )
