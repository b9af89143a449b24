"""The scenario bench-short, and its expected results on each host of the firmware.

Times are milliseconds from its first start on. The emulated board takes a minute for these twenty
seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import fmean

from firmware.settings import Settings
from firmware.signals import ALL_CLOSED
from hil.link.link import Peer
from hil.link.shadow import Shadow
from hil.micropython.processes import command_of
from twin.plant.plant import Plant
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.prepare import prepare
from twin.runs.run import build_world, simulate
from twin.scenarios.scenario import load_scenario
from twin.tube.tube import DEFAULT_TUBE
from twin.world.faults import CONTACTS
from twin.world.firmware import LocalFirmware
from twin.world.world import World

HOSTS = ("in-process", "micropython", "micropython-f32", "emulated-pico")
STEPS = load_scenario("bench-short").step


def bench_job(after_ms: int = 0) -> Job:
    """bench-short on the default tube, with its starts so much later."""
    job = prepare("bench-short", DEFAULT_TUBE, None, None, 1, ())
    later = [
        step.model_copy(update={"at_s": step.at_s + 0.001 * after_ms}) if step.start else step
        for step in job.scenario.step
    ]
    return replace(job, scenario=job.scenario.model_copy(update={"step": tuple(later)}))


def lasting(job: Job, hours: float) -> Job:
    """The same in a room that is described for longer."""
    assert job.scenario.ambient
    room = job.scenario.ambient.model_copy(update={"time_h": (0.0, hours)})
    scenario = job.scenario.model_copy(update={"duration_h": hours, "ambient": room})
    return replace(job, scenario=scenario)


def times_ms(action: str) -> list[int]:
    """When the scenario does this, from its beginning on."""
    return [step.at_ms for step in STEPS if step.action == action]


REST_MS = times_ms("start")[0]  # from power-up to the start
START_MS, AGAIN_MS = (at_ms - REST_MS for at_ms in times_ms("start"))
(DISTURB_MS,) = (at_ms - REST_MS for at_ms in times_ms("disturb"))
OPEN_MS, FAULT_MS = (at_ms - REST_MS for at_ms in times_ms("fault"))
END_MS = bench_job().end_ms - REST_MS
REGULATED = (7000, 8500)
RECOVERED = (10000, 11000)
REGULATED_AGAIN = (1500, 2500)  # after the current is on its target: it still settles then


def events() -> Iterator[tuple[int, str, float]]:
    """(ms, what, argument) of all that is done, for whoever does it himself."""
    for step in STEPS:
        at_ms = step.at_ms - REST_MS
        if step.start or step.stop:
            yield at_ms, step.action.replace("start", "run"), 0
        elif step.part:
            yield at_ms, "disturb", step.part
        elif step.fault:
            yield at_ms, "switches", ALL_CLOSED & ~CONTACTS[step.fault]
            if step.for_s:
                yield step.last_ms - REST_MS, "switches", ALL_CLOSED


EVENTS = tuple(events())


def quick_settings(**changed: float) -> Settings:
    """Those of the scenario: the commissioned default tube, with a start of a few seconds."""
    settings = bench_job().settings()
    settings.load(changed)
    return settings


def warm_world(settings: Settings) -> World:
    """The default tube, warm and at rest, under a firmware with these settings, for an hour."""
    world = build_world(lasting(bench_job(), 1.0))
    world.controller = LocalFirmware(settings)
    return world


def warm_plant() -> Plant:
    return warm_world(quick_settings()).plant


@dataclass
class Trace:
    """What the tube does, once every 10 ms from the start on."""

    kv: list[float] = field(default_factory=list)
    ma: list[float] = field(default_factory=list)
    hv_enable: list[int] = field(default_factory=list)
    lamp_on: list[int] = field(default_factory=list)
    head_c: float = 0.0

    def follow(self, world: World) -> None:
        """Add a sample every 10 ms, from the start on. Before the world has got there."""
        add = self.add
        world.at(REST_MS, lambda: world.every(10, lambda _: add(world.plant)))

    def add(self, plant: Plant) -> None:
        self.kv.append(plant.kv)
        self.ma.append(plant.ma)
        self.hv_enable.append(plant.hv_enable)
        self.lamp_on.append(plant.lamp_on)
        self.head_c = plant.heat.head_c

    def columns(self) -> dict[str, object]:
        return {
            "kv": self.kv,
            "ma": self.ma,
            "hv_enable": self.hv_enable,
            "lamp_on": self.lamp_on,
            "head_c": self.head_c,
        }

    def mean(self, column: str, window: tuple[int, int]) -> float:
        return fmean(getattr(self, column)[window[0] // 10 : window[1] // 10])

    def when_on_target(self, after_ms: int) -> int:
        """When the current has first come within 2 % of its mean in the window REGULATED, ms."""
        target = self.mean("ma", REGULATED)
        at = after_ms // 10
        while abs(self.ma[at] - target) > 0.02 * target:
            at += 1
        return 10 * at - after_ms

    def mean_again(self) -> float:
        """The mean current in the window REGULATED_AGAIN after the second start."""
        on_target = AGAIN_MS + self.when_on_target(AGAIN_MS)
        return self.mean("ma", (on_target + REGULATED_AGAIN[0], on_target + REGULATED_AGAIN[1]))

    def when_lit(self, after_ms: int) -> int:
        """How long after a command to start the lamp is on: the firmware has begun, ms."""
        at = after_ms // 10
        while not self.lamp_on[at]:
            at += 1
        return 10 * at - after_ms

    def when_off(self, after_ms: int) -> int:
        """How long after a time the enable line was still on, ms, by the plant's ticks."""
        at = after_ms // 10
        while self.hv_enable[at]:
            at += 1
        return 10 * at - after_ms


def rise_ms(trace: Trace, started_ms: int) -> int:
    """From the beginning of a start to the target."""
    return trace.when_on_target(started_ms) - trace.when_lit(started_ms)


def slowest_rises_ms() -> list[int]:
    """The longest rise of each start in-process, wherever in a turn of 100 ms it is told to."""
    traces = [run_here("in-process", after_ms)[0] for after_ms in range(0, 100, 20)]
    return [max(rise_ms(one, at_ms) for one in traces) for at_ms in (START_MS, AGAIN_MS)]


def run_here(host: str, after_ms: int = 0) -> tuple[Trace, Outcome, Shadow | None]:
    """The scenario in-process, or on a MicroPython process whose outputs drive the plant.

    after_ms : how much later than the scenario says its starts are
    """
    job = bench_job(after_ms)
    world = build_world(job)
    trace = Trace()
    trace.follow(world)
    if host == "in-process":
        return trace, simulate(job, world=world), None
    with Peer(command_of(host), job.settings(), world.outputs) as peer:
        shadow = world.controller = Shadow(world.controller, peer, peer_drives=True)
        return trace, simulate(job, world=world), shadow
