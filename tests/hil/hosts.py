"""One scenario of regulation and trips, and what it looks like on each host of the firmware.

Times are milliseconds from the start. The twin's tube is warm, its room stands still, and the
settings make it start quickly; the emulated board takes a minute for these twenty seconds.
"""

from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, CHAIN_A, GENERATOR_OK
from hil.lockstep import Peer, Shadow
from hil.targets import command_of
from twin.calibrations import calibration_of
from twin.plant import Plant
from twin.run import Job, build_world
from twin.scenario import load_scenario
from twin.tube import DEFAULT_TUBE, load_tube
from twin.world import World

HOSTS = ("in-process", "micropython", "micropython-single", "emulated-pico")

# (ms, what, argument); the cathode of "disturb" loses a twentieth of its emission at once.
START_MS, DISTURB_MS, OPEN_MS, AGAIN_MS, FAULT_MS, END_MS = 0, 8500, 11000, 12000, 21000, 21500
EVENTS: tuple[tuple[int, str, float], ...] = (
    (START_MS, "run", 0),
    (6000, "status", 0),
    (8400, "status", 0),
    (DISTURB_MS, "disturb", 0.95),
    (OPEN_MS, "switches", ALL_CLOSED & ~CHAIN_A),
    (OPEN_MS + 5, "switches", ALL_CLOSED),  # shorter than a tick
    (OPEN_MS + 500, "stop", 0),
    (AGAIN_MS, "run", 0),
    (FAULT_MS, "switches", ALL_CLOSED & ~GENERATOR_OK),
    (END_MS, "end", 0),
)
REST_MS = 4000  # from power-up to the start
REGULATED = (7000, 8500)
RECOVERED = (10000, 11000)
REGULATED_AGAIN = (1500, 2500)  # after the current is on its target: it still settles then


def quick_settings(**changed: float) -> Settings:
    """Those of the commissioned default tube, with a start of a few seconds."""
    name, tube = load_tube(DEFAULT_TUBE)
    settings = tube.firmware_settings()
    settings.load(calibration_of(name, tube))
    settings.load(
        {
            "preheat_ms": 2000,
            "filament_slew_a_per_s": 10.0,
            "kv_slew_kv_per_s": 50.0,
            "ma_slew_ma_per_s": 2.0,
            **changed,
        }
    )
    return settings


def warm_world(settings: Settings) -> World:
    """The default tube, warm and at rest, in the room of the ramp's first minute."""
    name, tube = load_tube(DEFAULT_TUBE)
    job = Job(load_scenario("ramp"), name, tube, calibration_of(name, tube), seed=1)
    world = build_world(job)
    world.controller = Controller(settings)
    return world


def warm_plant() -> Plant:
    return warm_world(quick_settings()).plant


def rested_state() -> dict[str, Any]:
    """The plant's state at the start, in-process."""
    world = warm_world(quick_settings())
    world.run(world.plant.now_ms + REST_MS)
    return world.plant.state()


@dataclass
class Trace:
    """What the tube does, once every 10 ms from the start on."""

    kv: list[float] = field(default_factory=list)
    ma: list[float] = field(default_factory=list)
    hv_enable: list[int] = field(default_factory=list)
    head_c: float = 0.0

    def add(self, plant: Plant) -> None:
        self.kv.append(plant.kv)
        self.ma.append(plant.ma)
        self.hv_enable.append(plant.hv_enable)
        self.head_c = plant.heat.head_c

    def columns(self) -> dict[str, object]:
        return {
            "kv": self.kv, "ma": self.ma, "hv_enable": self.hv_enable, "head_c": self.head_c,
        }  # fmt: skip

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

    def when_off(self, after_ms: int) -> int:
        """How long after a time the enable line was still on, ms, by the plant's ticks."""
        at = after_ms // 10
        while self.hv_enable[at]:
            at += 1
        return 10 * at - after_ms


def run_here(host: str) -> tuple[Trace, Shadow | None]:
    """The scenario in-process, or on a MicroPython process whose outputs drive the plant."""
    settings = quick_settings()
    world = warm_world(settings)
    plant, command = world.plant, world.command
    trace = Trace()
    begin_ms = plant.now_ms + REST_MS

    def act(what: str, argument: float) -> None:
        if what in ("run", "stop"):
            command.run = what == "run"
        elif what == "switches":
            plant.switches = int(argument)
        elif what == "disturb":
            plant.filament.drift *= argument

    def begin() -> None:
        world.every(10, lambda _: trace.add(plant))

    for at_ms, what, argument in EVENTS:
        world.at(begin_ms + at_ms, lambda what=what, argument=argument: act(what, argument))  # type: ignore[misc]
    world.at(begin_ms, begin)
    shadow = None
    if host == "in-process":
        world.run(begin_ms + END_MS)
    else:
        with Peer(command_of(host), settings, world.outputs) as peer:
            assert isinstance(world.controller, Controller)
            shadow = world.controller = Shadow(world.controller, peer, peer_drives=True)
            world.run(begin_ms + END_MS)
    return trace, shadow
