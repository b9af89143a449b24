"""One run: a scenario, a tube, the firmware, and the question "does it hold?"."""

from array import array
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from firmware.calibration import FAN_FULL
from firmware.controller import TRIPPED
from firmware.interlocks import NAMES
from firmware.signals import Command
from firmware.ticks import MASK, diff
from twin.plant.plant import TICK_MS, Plant
from twin.recording.columns import row
from twin.runs.job import LAWS, SAMPLE_MS, Job
from twin.runs.outcome import Outcome
from twin.runs.pace import Pace
from twin.scenarios.expectation import Expectation
from twin.scenarios.steps import Step
from twin.telemetry.telemetry import Telemetry
from twin.verdict import FRAME_MS, Frames
from twin.world.firmware import LocalFirmware
from twin.world.world import World

PER_SAMPLE = 1.0 / (SAMPLE_MS / TICK_MS)
PER_FRAME = 1.0 / (FRAME_MS / TICK_MS)
START_AFTER_MS = 1000
AFTER_TRIP_MS = 120_000  # how much longer a run goes on that a trip has ended
FILAMENT_W = 2.9  # about what the filament adds to a warm tube's rest; it settles in the pre-roll

Progress = Callable[[int, Frames], None]


class Record(Protocol):
    """What keeps a run's numbers: a row of COLUMNS each second, and each frame."""

    def append(self, row: tuple[float, ...], /) -> None: ...
    def flush(self) -> None: ...
    def frame(self, start_ms: int, intensity: float, measured: float, /) -> None: ...


def build_world(job: Job) -> World:
    """Plant, firmware and clock, at the start of the pre-roll (warm) or at time 0."""
    scenario = job.scenario
    settings = job.settings()
    plant = Plant(job.tube, scenario.room(), scenario.air_path_cm, job.seed, scenario.path_gas)
    plant.now_ms = job.begin_ms
    if scenario.start == "cold":
        plant.start_cold()
    else:
        plant.start_warm(settings.head_set_c, settings.kv * settings.ma, FILAMENT_W)
    return World(plant, LocalFirmware(settings), Command(settings.kv, settings.ma))


class Run:
    """A job under way: what happens at which time, and what has come of it so far.

    Its memory is plain data, `state()`; nothing of it is in what is scheduled, so that a run that
    has taken it over with `load` goes on, in any process, as this one does.
    """

    def __init__(
        self,
        job: Job,
        world: World | None = None,
        recorder: Record | None = None,
        telemetry: Telemetry | None = None,
        progress: Progress | None = None,
        flush: bool = False,
    ):
        self.job = job
        self.world = world or build_world(job)
        self.outcome = Outcome(job, Frames(job.tube.sample.counts_per_frame.value, job.seed))
        self.steps = (*job.scenario.step, *job.faults)
        kv, ma = self.world.command.kv, self.world.command.ma
        self.outcome.expectations = [
            Expectation(step, kv, ma) for step in self.steps if step.expect
        ]
        self._recorder, self._telemetry, self._progress = recorder, telemetry, progress
        self._flush = flush  # each frame
        self.finish_ms = job.end_ms
        self._done_ms = job.begin_ms - 1  # all that is due until then has happened
        self._frame_sum = 0.0
        self._trip_seen: list[int] = []  # code and time of the last one
        self._frames = array("d")  # start, intensity, measured; and so on
        for step in self.steps:
            if step.fault:
                self.world.faults.refuse(step.made())

    def begin(self) -> None:
        """Schedule all that is still to come. Once, after `load`."""
        job, at = self.job, self._at
        if job.scenario.starts_itself:
            at(job.begin_ms + START_AFTER_MS, self._start)
        at(job.warm_up_ms, self._hold)
        expectations = iter(self.outcome.expectations)
        for step in self.steps:
            if step.expect:
                self._schedule_looks(next(expectations))
                continue
            at(step.at_ms, partial(self._act, step))
            if step.for_s:
                at(step.last_ms, partial(self.world.faults.clear, step.made().name))
        # After all of these, so that what is due at the time of a sample comes before it.
        samples = (self._done_ms - job.begin_ms) // SAMPLE_MS + 1
        first_ms = job.begin_ms + max(1, samples) * SAMPLE_MS
        at(first_ms, partial(self._first_sample, first_ms))

    def go_on(self, until_ms: int) -> None:
        """Let time pass until `until_ms`; what is due then has happened."""
        if until_ms > self.world.plant.now_ms:
            self.world.run(until_ms)
            self._done_ms = until_ms

    @property
    def over(self) -> bool:
        return self.world.plant.now_ms >= self.finish_ms

    def end(self) -> Outcome:
        """What came of it until now."""
        now_ms = self.world.plant.now_ms
        self._look_for_a_trip(now_ms)
        self.outcome.ticks = now_ms // TICK_MS
        self.outcome.simulated_s = now_ms / 1000
        self.tell("end", passed=self.outcome.passed)
        return self.outcome

    def tell(self, kind: str, **more: Any) -> None:
        """Say by telemetry what has happened."""
        if self._telemetry:
            self._telemetry.event(self.world.plant.now_ms, kind, more)

    def state(self) -> dict[str, Any]:
        """The whole memory between two ticks, as nested plain values."""
        return {
            "world": self.world.state(),
            "outcome": self.outcome.state(),
            "finish_ms": self.finish_ms,
            "done_ms": self._done_ms,
            "frame_sum": self._frame_sum,
            "trip_seen": list(self._trip_seen),
            "frames": self._frames.tolist(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `state()` gave. The frames so far go to the recorder, too."""
        self.world.load(state["world"])
        self.outcome.load(state["outcome"])
        self.finish_ms = state["finish_ms"]
        self._done_ms = state["done_ms"]
        self._frame_sum = state["frame_sum"]
        self._trip_seen = list(state["trip_seen"])
        self._frames = array("d", state["frames"])
        self.outcome.resumed_s = self.world.plant.now_ms / 1000
        if self._recorder:
            for at in range(0, len(self._frames), 3):
                start_ms, intensity, measured = self._frames[at : at + 3]
                self._recorder.frame(int(start_ms), intensity, measured)

    def _at(self, time_ms: int, act: Callable[[], None]) -> None:
        if time_ms > self._done_ms:
            self.world.at(time_ms, act)

    def _schedule_looks(self, expectation: Expectation) -> None:
        for time_ms in expectation.looks_ms():
            self._at(time_ms, partial(expectation.look, self.world))

    def _start(self) -> None:
        self._look_for_a_trip(self.world.plant.now_ms)  # the start will clear it
        self.world.command.run = True
        job = self.job
        self.tell("start", tube=job.tube_name, scenario=job.scenario.name, seed=job.seed)

    def _hold(self) -> None:
        for law in self.job.without:
            self.world.command.hold |= LAWS[law]

    def _act(self, step: Step) -> None:
        world = self.world
        if step.start:
            self._start()
            return
        if step.stop:
            world.command.run = False
        elif step.fault:
            world.faults.make(step.made())
        elif step.clear:
            world.faults.clear(step.cleared)
        elif step.part:
            world.plant.filament.drift *= step.part
        self.tell("step", step=step.words())

    def _first_sample(self, now_ms: int) -> None:
        self._sample(now_ms)
        self.world.every(SAMPLE_MS, self._sample)

    def _sample(self, now_ms: int) -> None:
        job, world, outcome = self.job, self.world, self.outcome
        intensity = world.plant.take_intensity()
        if self._recorder:
            self._recorder.append(row(now_ms, world, intensity * PER_SAMPLE))
            if self._flush and now_ms % FRAME_MS == 0:
                self._recorder.flush()
        if self._telemetry:
            self._telemetry.sample(now_ms, world.readings())
        self._look_for_a_trip(now_ms)
        if now_ms <= job.warm_up_ms:
            return
        outcome.head_c.add(world.plant.heat.head_c)
        outcome.trim.add(world.trim)
        outcome.fan.add(world.outputs.fan_program_raw / FAN_FULL)
        self._frame_sum += intensity
        if (now_ms - job.warm_up_ms) % FRAME_MS == 0:
            self._frame(now_ms - FRAME_MS, self._frame_sum * PER_FRAME)
            self._frame_sum = 0.0
            if self._progress:
                self._progress(now_ms, outcome.frames)
        elif self._progress and job.scenario.step:  # often too short for a frame
            self._progress(now_ms, outcome.frames)

    def _frame(self, start_ms: int, intensity: float) -> None:
        if self.outcome.trips or not self.job.scenario.judged:
            return
        measured = self.outcome.frames.add(intensity)
        self._frames.extend((start_ms, intensity, measured))
        if self._recorder:
            self._recorder.frame(start_ms, intensity, measured)

    def _look_for_a_trip(self, now_ms: int) -> None:
        world = self.world
        if world.condition != TRIPPED or self._trip_seen == [world.trip, world.trip_ms]:
            return
        self._trip_seen = [world.trip, world.trip_ms]
        trip_ms = now_ms - diff(now_ms & MASK, world.trip_ms)
        cause = NAMES[world.trip]
        self.outcome.trips.append({"time_s": 0.001 * trip_ms, "cause": cause})
        if not self.job.scenario.step:
            self.finish_ms = min(self.job.end_ms, max(now_ms, 0) + AFTER_TRIP_MS)
        self.tell("trip", cause=cause, trip_ms=trip_ms)


def simulate(
    job: Job,
    recorder: Record | None = None,
    telemetry: Telemetry | None = None,
    progress: Progress | None = None,
    rate: float | None = None,
    world: World | None = None,
    state: dict[str, Any] | None = None,
) -> Outcome:
    """Run `job` to its end, or until shortly after a trip that ends it.

    world : one of build_world(job) whose firmware is elsewhere; a new one if not given
    state : of a Run of the same job, from where on it goes on
    rate  : simulated seconds per wall second, None for as fast as can be. Time before 0 is never
            paced, not counted and not judged.
    """
    # A run at a pace is watched, and may be killed: its frames are written at once.
    run = Run(job, world, recorder, telemetry, progress, flush=rate is not None)
    if state:
        run.load(state)
    run.begin()
    run.go_on(0)
    plant = run.world.plant
    pace = Pace(rate)
    wall, begin_ms = perf_counter(), plant.now_ms
    while not run.over:
        run.go_on(min(run.finish_ms, plant.now_ms + pace.stride_ms(SAMPLE_MS)))
        pace.keep(plant.now_ms - begin_ms)
    outcome = run.end()
    outcome.wall_s = perf_counter() - wall
    outcome.overruns = pace.overruns
    return outcome
