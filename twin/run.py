"""One run: a scenario, a tube, the firmware, and the question "does it hold?"."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter
from typing import Any, Protocol

from firmware.calibration import FAN_FULL
from firmware.controller import TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signals import HOLD_COMPENSATION, HOLD_EMISSION, HOLD_THERMAL, Command
from firmware.ticks import MASK, diff
from twin.columns import row
from twin.pace import Pace
from twin.plant import TICK_MS, Plant
from twin.scenario import Scenario
from twin.telemetry import Telemetry
from twin.tube import Tube
from twin.verdict import FRAME_MS, LIMIT_PERCENT, Frames, Spread
from twin.world import World

LAWS = {
    "thermal": HOLD_THERMAL,
    "emission": HOLD_EMISSION,
    "compensation": HOLD_COMPENSATION,
}
SAMPLE_MS = 1000
PRE_ROLL_MS = 1_200_000  # a warm tube is switched on this long before time 0
START_AFTER_MS = 1000
AFTER_TRIP_MS = 120_000  # how much longer a run goes on that a trip has ended
FILAMENT_W = 2.9  # about what the filament adds to a warm tube's rest; it settles in the pre-roll

Progress = Callable[[int, Frames], None]


class Record(Protocol):
    """What keeps a run's numbers: a row of COLUMNS each second, and each frame."""

    def append(self, row: tuple[float, ...], /) -> None: ...
    def flush(self) -> None: ...
    def frame(self, start_ms: int, intensity: float, measured: float, /) -> None: ...


@dataclass(frozen=True)
class Job:
    """Everything that decides a run's numbers."""

    scenario: Scenario
    tube_name: str
    tube: Tube
    calibration: dict[str, float]
    seed: int = 1
    without: tuple[str, ...] = ()

    @property
    def warm_up_ms(self) -> int:
        """When judging begins: a whole number of samples, for frames are made of them."""
        return ceil(3600.0 * self.scenario.warm_up_h - 1e-6) * SAMPLE_MS

    @property
    def end_ms(self) -> int:
        """When the run ends, in whole ticks."""
        return round(3_600_000 * self.scenario.duration_h) // TICK_MS * TICK_MS

    def settings(self) -> Settings:
        """What the firmware is set to: as made, as commissioned, and for this beam path."""
        settings = self.tube.firmware_settings()
        settings.load(self.calibration)
        # The length of the beam path is set by whoever puts the sample there, with a ruler.
        # Helium or vacuum in it absorb nothing that changes with the weather.
        in_air = self.scenario.path_gas == "air"
        settings.beam_path_cm = self.scenario.air_path_cm if in_air else 0.0
        return settings


@dataclass
class Outcome:
    """What came of a run. Percentages of the mean; NaN where there was nothing to judge."""

    job: Job
    frames: Frames
    head_c: Spread = field(default_factory=Spread)
    fan: Spread = field(default_factory=Spread)
    trim: Spread = field(default_factory=Spread)
    trips: list[dict[str, Any]] = field(default_factory=list)
    ticks: int = 0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    overruns: int = 0

    @property
    def passed(self) -> bool:
        return not self.trips and self.frames.held()

    def summary(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "passed": self.passed,
            "limit_percent": LIMIT_PERCENT,
            "rms_true_percent": self.frames.true.rms_percent,
            "rms_measured_percent": self.frames.measured.rms_percent,
            "peak_to_peak_true_percent": self.frames.true.peak_to_peak_percent,
            "tube_temperature_rms_k": self.head_c.deviation,
            "trips": self.trips,
            "frames": self.frames.true.count,
            "ticks": self.ticks,
            "simulated_s": self.simulated_s,
            "wall_s": self.wall_s,
            "realtime_factor": self.simulated_s / self.wall_s if self.wall_s else 0.0,
            "seed": self.job.seed,
            "tube": self.job.tube_name,
            "scenario": self.job.scenario.name,
        }

    def trim_limits_met(self) -> bool:
        """Whether the compensation law would have trimmed further than it may."""
        settings = self.job.tube.firmware_settings()
        low, high = 1.0 - settings.trim_down, 1.0 + settings.trim_up
        return self.trim.low <= low + 1e-9 or self.trim.high >= high - 1e-9

    def fan_authority(self) -> dict[str, float]:
        """How far the fan was used and what was left at the nearer end, %; empty without one."""
        if not self.job.tube.firmware_settings().air_cooled:
            return {}
        low, high = 100.0 * self.fan.low, 100.0 * self.fan.high
        least = 100.0 * self.job.tube.firmware_settings().fan_min
        return {
            "fan_min_percent": low,
            "fan_max_percent": high,
            "fan_left_percent": min(low - least, 100.0 - high),
        }


def build_world(job: Job) -> World:
    """Plant, firmware and clock, at the start of the pre-roll (warm) or at time 0 (cold)."""
    scenario = job.scenario
    settings = job.settings()
    plant = Plant(job.tube, scenario.room(), scenario.air_path_cm, job.seed, scenario.path_gas)
    if scenario.start == "warm":
        plant.now_ms = -PRE_ROLL_MS
        plant.start_warm(settings.head_set_c, settings.kv * settings.ma, FILAMENT_W)
    else:
        plant.start_cold()
    return World(plant, Controller(settings), Command(settings.kv, settings.ma))


def simulate(
    job: Job,
    recorder: Record | None = None,
    telemetry: Telemetry | None = None,
    progress: Progress | None = None,
    rate: float | None = None,
    world: World | None = None,
) -> Outcome:
    """Run `job` to its end, or until shortly after a trip.

    world: one of build_world(job) whose firmware is elsewhere; a new one if not given.

    rate: simulated seconds per wall second, None for as fast as can be. Time before 0 is never
    paced, not counted and not judged.
    """
    scenario = job.scenario
    world = world or build_world(job)
    plant, command = world.plant, world.command
    outcome = Outcome(job, Frames(job.tube.sample.counts_per_frame.value, job.seed))
    warm_up_ms, end_ms = job.warm_up_ms, job.end_ms
    per_frame = 1.0 / (FRAME_MS / TICK_MS)
    per_sample = 1.0 / (SAMPLE_MS / TICK_MS)
    frame_sum = 0.0
    finish_ms = end_ms

    def tell(now_ms: int, kind: str, **more: Any) -> None:
        if telemetry:
            telemetry.event(now_ms, kind, more)

    def sample(now_ms: int) -> None:
        nonlocal frame_sum, finish_ms
        intensity = plant.take_intensity()
        if recorder:
            recorder.append(row(now_ms, world, intensity * per_sample))
            if rate is not None and now_ms % FRAME_MS == 0:
                recorder.flush()  # a run at this pace is watched, and may be killed
        if telemetry:
            telemetry.sample(now_ms, world.readings())
        if world.condition == TRIPPED and not outcome.trips and now_ms <= finish_ms:
            trip_ms = now_ms - diff(now_ms & MASK, world.trip_ms)
            cause = NAMES[world.trip]
            outcome.trips.append({"time_s": 0.001 * trip_ms, "cause": cause})
            finish_ms = min(end_ms, max(now_ms, 0) + AFTER_TRIP_MS)
            tell(now_ms, "trip", cause=cause, trip_ms=trip_ms)
        if now_ms <= warm_up_ms:
            return
        outcome.head_c.add(plant.heat.head_c)
        outcome.trim.add(world.trim)
        outcome.fan.add(world.outputs.fan_program_raw / FAN_FULL)
        frame_sum += intensity
        if (now_ms - warm_up_ms) % FRAME_MS == 0:
            if not outcome.trips:
                measured = outcome.frames.add(frame_sum * per_frame)
                if recorder:
                    recorder.frame(now_ms - FRAME_MS, frame_sum * per_frame, measured)
            frame_sum = 0.0
            if progress:
                progress(now_ms, outcome.frames)

    def start() -> None:
        command.run = True
        tell(plant.now_ms, "start", tube=job.tube_name, scenario=scenario.name, seed=job.seed)

    def hold() -> None:
        for law in job.without:
            command.hold |= LAWS[law]

    world.every(SAMPLE_MS, sample)
    world.at(plant.now_ms + START_AFTER_MS, start)
    world.at(warm_up_ms, hold)
    if plant.now_ms < 0:
        world.run(0)
    pace = Pace(rate)
    wall = perf_counter()
    while plant.now_ms < finish_ms:
        world.run(min(finish_ms, plant.now_ms + pace.stride_ms(SAMPLE_MS)))
        pace.keep(plant.now_ms)
    outcome.wall_s = perf_counter() - wall
    outcome.ticks = plant.now_ms // TICK_MS
    outcome.simulated_s = 0.001 * plant.now_ms
    outcome.overruns = pace.overruns
    tell(plant.now_ms, "end", passed=outcome.passed)
    return outcome
