"""What the firmware can be run on, and whether it can be here and now.

A target makes a world (twin/world.py) for a job: the same plant, with the firmware that steers it
in this process, in another, on an emulated board or at the end of a serial line.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK
from hil.bench import Figures
from hil.interpreters import find_micropython, find_pico_image
from hil.link import Link, LinkError
from hil.real_time import RealTimeLink, RealTimeShadow
from hil.shadow import Shadow, make_safe
from hil.transports import Process, Transport, open_link
from twin.cli_run import DEFAULT_SCENARIO
from twin.errors import InputError
from twin.run import Job, build_world
from twin.toml_input import nearest, shown
from twin.world import World

LOCKSTEP, REAL_TIME = MODES = ("lockstep", "real-time")
PICO_HEAP_BYTES = 240 * 1024  # what an RP2040's firmware leaves to Python
PROCESSES = ("micropython", "micropython-f32")
PATIENCE_S = 3600.0  # on the wall clock, for an emulated board
SLOW_MS = 60_000  # of simulated time, ten minutes or more on the emulated Pico
PRECISIONS = {"micropython": "double", "micropython-f32": "single"}

TARGETS = ("cpython", *PROCESSES)

State = dict[str, Any] | None
Step = Callable[[int, Inputs, Command], tuple[int, ...]]


def command_of(target: str) -> list[str]:
    """The command line that starts the firmware's lockstep on a target.

    "cpython" is this very interpreter in a process of its own, "micropython" calculates in double
    precision on 64 bits, "micropython-f32" in single precision on 32 bits with a heap of
    PICO_HEAP_BYTES, as a microcontroller does. InputError if there is no such interpreter.
    """
    entry = ["-m", "firmware.lockstep"]
    if target == "cpython":
        return [sys.executable, *entry]
    if target == "micropython":
        return [str(find_micropython("double").absolute()), *entry]
    if target == "micropython-f32":
        single = str(find_micropython("single").absolute())
        return [single, "-X", f"heapsize={PICO_HEAP_BYTES}", *entry]
    raise ValueError(f"{target!r} is no target; choose {', '.join(TARGETS)}")


class Target:
    """One of them. modes: which it has, its default first; what: for people."""

    name = ""
    what = ""
    modes: tuple[str, ...] = MODES
    default_scenario = DEFAULT_SCENARIO
    switches_high_voltage = False
    """Whether anything may be attached: a board that is no emulation."""

    def missing(self) -> str | None:
        """Why it can't be used here and now, in one line; None if it can."""
        return None

    @property
    def folder(self) -> str:
        """Its name as that of a folder."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.") or "port"

    def too_long(self, job: Job) -> bool:
        """Whether the target is too slow for this job."""
        return False

    def paced_here(self, mode: str) -> bool:
        """Whether it has no clock of its own in this mode, so that the twin's is made real."""
        return False

    def reads_frames(self, mode: str) -> bool:
        """Whether what its firmware reads is known here, so that a tape can be made of it."""
        return True

    def figures(self, world: World, mode: str) -> Figures:
        """What a run in `world`, which has come to its end, has measured."""
        return Figures(self.name, mode)

    def mode(self, wanted: str | None) -> str:
        """The mode, or the default. InputError if it has no such mode."""
        if wanted and wanted not in self.modes:
            raise InputError(f"--{wanted}: target {self.name} has none; it has {self.modes[0]}")
        return wanted or self.modes[0]

    def world(
        self, job: Job, mode: str | None = None, state: State = None
    ) -> AbstractContextManager[World]:
        """Context: a world whose firmware is on this target. state: see simulate()."""
        raise NotImplementedError

    def firmware(self, settings: Settings, held: Outputs) -> AbstractContextManager[Step]:
        """Context: the firmware alone, for a replay: (now_ms, inputs, command) -> outputs."""
        raise NotImplementedError


class InProcess(Target):
    name = "in-process"
    what = "the firmware in this process, on CPython"

    def paced_here(self, mode: str) -> bool:
        return mode == REAL_TIME

    def figures(self, world: World, mode: str) -> Figures:
        """Nothing is between the twin and this firmware; others differ from it."""
        return Figures(self.name, mode, worst_difference=0, worst_difference_percent=0.0)

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        self.mode(mode)
        yield _world(job, state)

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        controller, outputs = Controller(settings), Outputs()
        outputs.load(held.values())

        def step(now_ms: int, inputs: Inputs, command: Command) -> tuple[int, ...]:
            controller.step(now_ms, inputs, outputs, command)
            return outputs.values()

        yield step


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
        world = _world(job, state)
        here, now_ms = world.controller, world.plant.now_ms & MASK
        memory = here.state() if state else None
        with _told(self.name):
            link: Link
            if mode == LOCKSTEP:
                link = Link(
                    self.transport(),
                    here.settings,
                    world.outputs,
                    state=memory,
                    now_ms=now_ms,
                    **self.options,
                )
                world.controller = Shadow(here, link, peer_drives=True)
            else:
                link = rushed = RealTimeLink(
                    self.transport(),
                    here.settings,
                    world.outputs,
                    state=memory,
                    now_ms=now_ms,
                    **self.options,
                )
                world.controller = RealTimeShadow(here, rushed, peer_drives=True)
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
    default_scenario = "bench-short"

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
        from hil.pico_world import PicoWorld

        with _told(self.name):
            yield PicoWorld(job)

    def transport(self) -> Transport:
        from hil.pico_line import PicoLine

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
    return [InProcess(), *map(MicroPython, PROCESSES), EmulatedPico()]


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


def _world(job: Job, state: State) -> World:
    world = build_world(job)
    if state:
        world.load(state["world"])
    return world


@contextmanager
def _told(name: str) -> Iterator[None]:
    """A link that is lost is one line for whoever typed the command."""
    try:
        yield
    except LinkError as error:
        raise InputError(f"--target {name}: the link is lost: {error}") from None
