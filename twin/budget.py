"""The error budget: what each mechanism by itself does to the intensity, and all together.

For each mechanism the tube is made free of all the others, and the firmware of the compensation
terms against them; then the scenario is run with the laws off (uncontrolled) and on (controlled).
The mechanisms are not independent in the firmware's hands, so "all" is a run of its own and no sum.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot, isfinite, log, sqrt

import numpy as np

from twin.campaign import Series, run_all, run_series
from twin.run import LAWS, Job
from twin.tube import Tube

ALL = "all together"
COUNTING = "counting statistics"
AIR = "absorption in the beam path"


@dataclass(frozen=True)
class Mechanism:
    """Parameters that are 0 without it, and the firmware's settings that are then 0 as well."""

    name: str
    parameters: tuple[str, ...]
    settings: tuple[str, ...] = ()


MECHANISMS = (
    Mechanism(
        "expansion of the head",
        ("optics.head_expansion_x_um_per_k", "optics.head_expansion_y_um_per_k"),
        ("head_per_k", "head_per_k2", "head_mount_per_k2"),
    ),
    Mechanism(
        "expansion of the mount",
        ("optics.mount_expansion_x_um_per_k", "optics.mount_expansion_y_um_per_k"),
        ("mount_per_k", "mount_per_k2", "head_mount_per_k2"),
    ),
    Mechanism(AIR, (), ("air_depth_per_cm",)),
    Mechanism("voltage: temperature", ("generator.kv_ppm_per_k",), ("kv_ppm_per_k",)),
    Mechanism("voltage: drift", ("generator.kv_drift_ppm_per_sqrt_h",)),
    Mechanism("current sense: temperature", ("generator.ma_ppm_per_k",), ("ma_ppm_per_k",)),
    Mechanism("current sense: drift", ("generator.ma_drift_ppm_per_sqrt_h",)),
    Mechanism("filament supply", ("cathode.supply_ppm_per_k",)),
    Mechanism(
        "cathode: drift and flicker",
        ("cathode.drift_percent_per_sqrt_h", "cathode.flicker_percent"),
    ),
    Mechanism(
        "monitors: noise and ripple",
        ("generator.kv_noise_percent", "generator.ma_noise_percent", "generator.ripple_percent"),
    ),
    Mechanism("arcs", ("generator.arcs_per_1000_h",)),
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
    ),
    Mechanism("ageing", ("ageing.loss_percent_per_1000_h",)),
)


@dataclass(frozen=True)
class Line:
    """One line of the budget. NaN where the room was constant, or a run tripped."""

    mechanism: str
    percent_per_k: float
    rms_uncontrolled_percent: float
    rms_controlled_percent: float


def alone(job: Job, mechanism: Mechanism) -> Job:
    """The same job with this mechanism only. Sensors have no part in it unless they are meant."""
    kept = set(mechanism.parameters)
    gone = {name for other in MECHANISMS for name in other.parameters} - kept
    calibration = dict(job.calibration)
    for other in MECHANISMS:
        for name in other.settings:
            if name not in mechanism.settings:
                calibration[name] = 0.0
    scenario = job.scenario
    if mechanism.name != AIR:
        scenario = scenario.model_copy(update={"path_gas": "vacuum"})
    tube = without(job.tube, gone)
    return replace(job, tube=tube, calibration=calibration, scenario=scenario)


def without(tube: Tube, names: set[str]) -> Tube:
    """The tube with these parameters 0."""
    document = tube.model_dump()
    for name in names:
        section, parameter = name.split(".")
        document[section][parameter] = {"value": 0.0}
    return Tube.model_validate(document)


def budget(job: Job, progress: Callable[[float], None] = lambda part: None) -> list[Line]:
    """Every mechanism alone, then all together, then what counting adds to a measurement."""
    on = [*(alone(job, mechanism) for mechanism in MECHANISMS), replace(job, without=())]
    off = [replace(one, without=tuple(LAWS)) for one in on]
    jobs = [*on, *off]
    series = run_all(run_series, jobs, lambda done: progress(done / len(jobs)))
    names = [*(mechanism.name for mechanism in MECHANISMS), ALL]
    lines = [
        Line(name, percent_per_k(job, loose), _rms(loose), _rms(held))
        for name, held, loose in zip(names, series[: len(on)], series[len(on) :], strict=True)
    ]
    frame_percent = 100.0 / sqrt(job.tube.sample.counts_per_frame.value)
    lines.append(Line(COUNTING, 0.0, frame_percent, frame_percent))
    return lines


def measured_percent(lines: list[Line]) -> float:
    """What all together and the counting give a detector, controlled, % rms."""
    by_name = {line.mechanism: line.rms_controlled_percent for line in lines}
    return hypot(by_name[ALL], by_name[COUNTING])


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
