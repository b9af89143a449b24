"""What the firmware can be run on, and whether it can be here and now.

A target makes a world (twin/world.py) for a job: the same plant, with the firmware that steers it
in this process, in another, on an emulated board or at the end of a serial line.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from hil.bench import Figures
from hil.interpreters import find_micropython, find_pico_image
from twin.cli_run import DEFAULT_SCENARIO
from twin.errors import InputError
from twin.run import Job, build_world
from twin.world import World

LOCKSTEP, REAL_TIME = MODES = ("lockstep", "real-time")
PICO_HEAP_BYTES = 240 * 1024  # what an RP2040's firmware leaves to Python
PROCESSES = ("micropython", "micropython-f32")
SLOW_MS = 60_000  # more of simulated time than this is an hour on the emulated Pico
PRECISIONS = {"micropython": "double", "micropython-single": "single"}

TARGETS = ("cpython", "micropython", "micropython-single")

State = dict[str, Any] | None
Step = Callable[[int, Inputs, Command], tuple[int, ...]]


def command_of(target: str) -> list[str]:
    """The command line that starts the firmware's lockstep on a target.

    "cpython" is this very interpreter in a process of its own, "micropython" calculates in double
    precision on 64 bits, "micropython-single" in single precision on 32 bits with a heap of
    PICO_HEAP_BYTES, as a microcontroller does. InputError if there is no such interpreter.
    """
    entry = ["-m", "firmware.lockstep"]
    if target == "cpython":
        return [sys.executable, *entry]
    if target == "micropython":
        return [str(find_micropython("double").absolute()), *entry]
    if target == "micropython-single":
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
        """Context: a world whose firmware is on this target."""
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
        world = build_world(job)
        if state:
            world.load(state["world"])
        yield world

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        controller, outputs = Controller(settings), Outputs()
        outputs.load(held.values())

        def step(now_ms: int, inputs: Inputs, command: Command) -> tuple[int, ...]:
            controller.step(now_ms, inputs, outputs, command)
            return outputs.values()

        yield step


class EmulatedPico(Target):
    name = "rp2040"
    what = "the Pico's image on an emulated RP2040, chips on its buses; some seconds are enough"
    modes = (REAL_TIME,)
    default_scenario = "bench-short"

    def missing(self) -> str | None:
        return _missing(find_pico_image)

    def too_long(self, job: Job) -> bool:
        return job.end_ms - job.begin_ms > SLOW_MS

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        self.mode(mode)
        from hil.pico_world import PicoWorld

        yield PicoWorld(job)


def _missing(find: Callable[[], object]) -> str | None:
    try:
        find()
    except InputError as error:
        return str(error)
    return None


def builtin_targets() -> list[Target]:
    """All but ports, whether available or not; the quickest first."""
    return [InProcess(), EmulatedPico()]


def find_target(name: str) -> Target:
    """InProcess, MicroPython's processes, the emulated Pico, or the port of this name."""
    for one in builtin_targets():
        if one.name == name:
            return one
    raise InputError(f"--target {name}: no such target")
