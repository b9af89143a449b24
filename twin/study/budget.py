"""The error budget: what each mechanism by itself does to the intensity, and all together.

For each mechanism the tube is made free of all the others and commissioned again; then the scenario
is run with the laws off (uncontrolled) and on (controlled). The mechanisms are not independent in
the firmware's hands, so "all together" is a run of its own and no sum.

Two kinds are not seen with every law off. What the current sense does wrong is carried into the
beam by the emission law, which therefore stays on. What the temperature and air sensors do wrong
is carried by thermal and compensation laws that have something to correct: expansion and air are
there, but the room stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite, log, nan, sqrt

import numpy as np

from twin.commission.commission import commission
from twin.runs.job import LAWS, Job
from twin.study.campaign import Series, run_all, run_series
from twin.tube.tube import Tube
from twin.verdict import FRAME_MS

ALL = "all together"
COUNTING = "counting statistics"
ARCS = "arcs, expected"
AIR = "absorption in the beam path"


EXPANSIONS = tuple(
    f"optics.{part}_expansion_{axis}_um_per_k" for part in ("head", "mount") for axis in "xy"
)


@dataclass(frozen=True)
class Mechanism:
    """Parameters that are 0 without it; those that it needs besides; laws that are never off.

    by_room: whether it follows the room's temperature, so that %/K means anything.
    """

    name: str
    parameters: tuple[str, ...]
    needs: tuple[str, ...] = ()
    keeps_on: tuple[str, ...] = ()
    room_is_constant: bool = False
    by_room: bool = False


MECHANISMS = (
    Mechanism("expansion of the head", EXPANSIONS[:2], by_room=True),
    Mechanism("expansion of the mount", EXPANSIONS[2:], by_room=True),
    Mechanism(AIR, (), by_room=True),
    Mechanism("voltage: temperature", ("generator.kv_ppm_per_k",), by_room=True),
    Mechanism("voltage: drift", ("generator.kv_drift_ppm_per_sqrt_h",)),
    Mechanism(
        "current sense: temperature",
        ("generator.ma_ppm_per_k",),
        keeps_on=("emission",),
        by_room=True,
    ),
    Mechanism(
        "current sense: drift", ("generator.ma_drift_ppm_per_sqrt_h",), keeps_on=("emission",)
    ),
    Mechanism("filament supply", ("cathode.supply_ppm_per_k",), by_room=True),
    Mechanism(
        "cathode: drift and flicker",
        ("cathode.drift_percent_per_sqrt_h", "cathode.flicker_percent"),
    ),
    Mechanism(
        "monitors: noise and ripple",
        ("generator.kv_noise_percent", "generator.ma_noise_percent", "generator.ripple_percent"),
        keeps_on=("emission",),
    ),
    Mechanism(ARCS, ("generator.arcs_per_1000_h",)),
    Mechanism(
        "temperature and air sensors",
        (
            "sensors.head_noise_k",
            "sensors.head_drift_k_per_sqrt_h",
            "sensors.mount_noise_k",
            "sensors.mount_drift_k_per_sqrt_h",
            "sensors.reference_resistor_ppm_per_k",
            "sensors.electronics_noise_k",
            "sensors.room_noise_k",
            "sensors.room_drift_k_per_sqrt_h",
            "sensors.pressure_noise_hpa",
            "sensors.pressure_drift_hpa_per_sqrt_h",
            "sensors.humidity_noise_percent",
        ),
        needs=(*EXPANSIONS, AIR),
        keeps_on=("thermal", "compensation"),
        room_is_constant=True,
    ),
    Mechanism("ageing", ("ageing.loss_percent_per_1000_h",)),
)


@dataclass(frozen=True)
class Line:
    """One line of the budget. NaN where nothing follows the room, or a run tripped."""

    mechanism: str
    percent_per_k: float
    rms_uncontrolled_percent: float
    rms_controlled_percent: float


def alone(job: Job, mechanism: Mechanism) -> Job:
    """The same job with this mechanism only, not commissioned yet."""
    kept = {*mechanism.parameters, *mechanism.needs}
    gone = {name for other in MECHANISMS for name in other.parameters} - kept
    scenario = job.scenario
    if AIR not in (mechanism.name, *mechanism.needs):
        scenario = scenario.model_copy(update={"path_gas": "vacuum"})
    if mechanism.room_is_constant:
        scenario = scenario.in_constant_room()
    return replace(job, tube=without(job.tube, gone), scenario=scenario, without=())


def without(tube: Tube, names: set[str]) -> Tube:
    """The tube with these parameters 0."""
    return tube.changed(dict.fromkeys(names, 0.0))


def off_and_on(task: tuple[Job, tuple[str, ...]]) -> tuple[Series, Series]:
    """Commission the job's tube; its run without these laws, and with all of them."""
    job, laws = task
    job = replace(job, calibration=commission(job.tube))
    return run_series(replace(job, without=laws)), run_series(job)


def budget(
    job: Job,
    progress: Callable[[float], None] = lambda part: None,
    mechanisms: tuple[Mechanism, ...] | None = None,
) -> list[Line]:
    """Each of `mechanisms` (None: all) alone, then all together, then what counting adds."""
    mechanisms = MECHANISMS if mechanisms is None else mechanisms
    tasks = [(alone(job, one), laws_off(one.keeps_on)) for one in mechanisms]
    tasks.append((replace(job, without=()), laws_off()))
    pairs = run_all(off_and_on, tasks, lambda done: progress(done / len(tasks)))
    names = [*(mechanism.name for mechanism in mechanisms), ALL]
    follow_room = [*(mechanism.by_room for mechanism in mechanisms), True]
    lines = [
        Line(name, percent_per_k(task[0], off) if by_room else nan, _rms(off), _rms(on))
        for name, by_room, task, (off, on) in zip(names, follow_room, tasks, pairs, strict=True)
    ]
    lines = [arcs_line(job, line) if line.mechanism == ARCS else line for line in lines]
    frame_percent = 100.0 / sqrt(job.tube.sample.counts_per_frame.value)
    lines.append(Line(COUNTING, nan, frame_percent, frame_percent))
    return lines


def arcs_line(job: Job, line: Line) -> Line:
    """What arcs cost a run on average: too rare for one run to show it.

    Each takes the quench and a lag of the voltage's return (nearly two with the laws on) out of
    one frame. Of all frames a small part p loses a part d each, which is d sqrt(p) rms.
    """
    generator, hours = job.tube.generator, (job.end_ms - job.warm_up_ms) / 3.6e6
    frames = max(1.0, hours * 3.6e6 / FRAME_MS)
    lost_ms = generator.arc_quench_ms.value + 1000.0 * generator.kv_lag_s.value
    hit = generator.arcs_per_1000_h.value * hours / 1000.0 / frames
    rms_percent = 100.0 * lost_ms / FRAME_MS * sqrt(hit)
    return replace(line, rms_uncontrolled_percent=rms_percent, rms_controlled_percent=rms_percent)


def laws_off(keeps_on: tuple[str, ...] = ()) -> tuple[str, ...]:
    """All laws but these."""
    return tuple(law for law in LAWS if law not in keeps_on)


def percent_per_k(job: Job, series: Series) -> float:
    """Slope of the intensity against the room's temperature, %/K; NaN in a constant room."""
    if len(series.intensities) < 2 or series.trip or min(series.intensities) <= 0.0:
        return float("nan")
    room = job.scenario.room()
    room_c = np.array([room.at(0.001 * start_ms + 30.0)[0] for start_ms in series.starts_ms])
    if np.ptp(room_c) < 0.1:
        return float("nan")
    logs = [log(intensity) for intensity in series.intensities]
    return float(100.0 * np.polyfit(room_c, logs, 1)[0])


def _rms(series: Series) -> float:
    rms = series.rms_true_percent
    return rms if isfinite(rms) and not series.trip else float("nan")
