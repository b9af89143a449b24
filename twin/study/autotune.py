"""`tubetwin autotune`: the firmware's autotune on the twin of a tube, checked there, then stored.

Four steps, each a function of its own, so that a board may take the place of the twin in the
first: `measure` has the law tune a tube, `margins` calculates the stability margins, `check` runs a
scenario with the result, `store` writes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from firmware.calibration import FAN_FULL, pt100_temperature_c
from firmware.controller import BEAM, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.laws.autotune import DONE, REASONS, STAGES
from firmware.laws.autotune_fit import LEAST_DELAY_S
from firmware.laws.thermal import RATE_FILTER_S
from firmware.settings import Settings
from firmware.signals import TUNE_THERMAL, Command
from twin.commission.calibrations import write_calibration
from twin.files.errors import InputError
from twin.plant.ambient import Ambient
from twin.plant.plant import Plant
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.run import FILAMENT_W, simulate
from twin.runs.run import Progress as RunProgress
from twin.tube.tube import Tube
from twin.world.firmware import LocalFirmware
from twin.world.world import World

ROOM_C = 22.0
ROOM_S = 1e6  # longer than any autotune
PATH_CM = 10.0
START_AFTER_MS = 1000
STRIDE_MS = 10_000  # between two looks at it
POINTS = 2000  # of the loop over frequency: margins to 1 part in 10^8
LEAST_GAIN_MARGIN = 2.5  # customary are 2 to 5 and 30 to 60 degrees: Astrom and Hagglund,
LEAST_PHASE_MARGIN_DEG = 45.0  # PID Controllers, 2nd edition (ISA, 1995), section 4.2


@dataclass(frozen=True)
class Trace:
    """What was seen on the way, every STRIDE_MS."""

    time_s: list[float] = field(default_factory=list)
    head_c: list[float] = field(default_factory=list)
    fan: list[float] = field(default_factory=list)
    beam_w: list[float] = field(default_factory=list)
    stage: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """Result of an autotune: settings by name, or the reason why there are none.

    capacity_j_per_k, delay_s, noise_k : the head as the law saw it
    """

    found: dict[str, float]
    reason: str
    duration_s: float
    capacity_j_per_k: float = float("nan")
    delay_s: float = float("nan")
    noise_k: float = float("nan")
    trace: Trace = field(default_factory=Trace)


@dataclass(frozen=True)
class Margins:
    """Of the thermal loop with the head as the law saw it."""

    gain: float
    phase_deg: float

    @property
    def held(self) -> bool:
        return self.gain >= LEAST_GAIN_MARGIN and self.phase_deg >= LEAST_PHASE_MARGIN_DEG


def measure(
    tube: Tube,
    calibration: dict[str, float],
    seed: int,
    drift_k_per_h: float = 0.0,
    progress: Callable[[float], None] = lambda part: None,
) -> Measured:
    """Have the firmware tune the twin of a tube, from warm, in a room that is steady or drifts.

    InputError for a tube whose head no fan cools.
    """
    settings = tube.firmware_settings()
    if not settings.air_cooled:
        raise InputError(
            "autotune: the head is cooled by water, which the firmware does not control; "
            "choose a tube with a fan (see `tubetwin tubes`)"
        )
    settings.load(calibration)
    last_c = ROOM_C + drift_k_per_h * ROOM_S / 3600.0
    ambient = Ambient((0.0, ROOM_S), (ROOM_C, last_c), (1013.25,) * 2, (45.0,) * 2)
    plant = Plant(tube, ambient, PATH_CM, seed)
    plant.start_warm(settings.head_set_c, settings.kv * settings.ma, FILAMENT_W)
    controller = LocalFirmware(settings)
    command = Command(settings.kv, settings.ma)
    world = World(plant, controller, command)
    return drive(world, controller, command, progress)


def drive(
    world: World,
    controller: Controller,
    command: Command,
    progress: Callable[[float], None] = lambda part: None,
) -> Measured:
    """Switch on with the autotune requested, and wait for its end."""
    trace = Trace()
    command.hold |= TUNE_THERMAL  # while it is off: the law is loaded now
    world.run(world.plant.now_ms + START_AFTER_MS)
    law: Any = controller.tuner.law
    command.run = True
    while law.stage < DONE:
        world.run(world.plant.now_ms + STRIDE_MS)
        progress(law.progress())
        trace.time_s.append(0.001 * world.plant.now_ms)
        trace.head_c.append(pt100_temperature_c(world.inputs.head_temperature_raw))
        trace.fan.append(world.outputs.fan_program_raw / FAN_FULL)
        trace.beam_w.append(world.plant.kv * world.plant.ma)
        trace.stage.append(STAGES[law.stage])
        if controller.condition == TRIPPED:
            cause = NAMES[controller.trip]
            return Measured({}, f"the firmware tripped ({cause})", law.time_s, trace=trace)
    command.hold &= ~TUNE_THERMAL
    if law.stage != DONE or controller.condition != BEAM:
        return Measured({}, REASONS[law.reason], law.time_s, trace=trace)
    found = {name: float(f"{value:.6g}") for name, value in law.found().items()}
    capacity, delay_s, _, noise_k = law.answer
    return Measured(found, "", law.time_s, capacity, delay_s, noise_k, trace)


def margins(found: dict[str, float], capacity_j_per_k: float, delay_s: float) -> Margins:
    """Of the PID found, with its filter, and an integrator with a delay; 0 if there are none."""
    import control  # loads for a second or more

    kp, ki, kd = (
        found[name] for name in ("head_kp_w_per_k", "head_ki_w_per_k_s", "head_kd_w_s_per_k")
    )
    w = np.logspace(-6.0, 2.0, POINTS)  # rad/s
    s = 1j * w
    pid = kp + ki / s + kd * s / (RATE_FILTER_S * s + 1.0)
    head = np.exp(-s * max(delay_s, LEAST_DELAY_S)) / (capacity_j_per_k * s)
    gain, phase_deg, _, _ = control.margin(control.FRD(pid * head, w, smooth=True))
    if not np.isfinite([gain, phase_deg]).all():
        return Margins(0.0, 0.0)
    return Margins(float(gain), float(phase_deg))


def check(job: Job, found: dict[str, float], progress: RunProgress | None = None) -> Outcome:
    """Run the job with what was found. InputError if the settings can't be."""
    calibration = {**job.calibration, **found}
    settings: Settings = job.tube.firmware_settings()
    settings.load(calibration)
    if problem := settings.problem():
        raise InputError(f"autotune: found {problem[0]}, {problem[1]}; nothing is stored")
    return simulate(replace(job, calibration=calibration), progress=progress)


def store(path: Path, job: Job, found: dict[str, float]) -> None:
    """Write calibration and findings together, as `tubetwin commission --out` would."""
    write_calibration(path, job.tube, {**job.calibration, **found})
