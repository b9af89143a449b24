"""What every target is, and the one that needs nothing: the firmware in this process.

A target makes a world (twin/world/world.py) for a job: the same plant, with the firmware that
steers it wherever that is. hil/targets/targets.py has the others.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from hil.targets.figures import Figures
from twin.defaults import DEFAULT_SCENARIO
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.run import build_world
from twin.world.world import World

LOCKSTEP, REAL_TIME = MODES = ("lockstep", "real-time")
State = dict[str, Any] | None
Step = Callable[[int, Inputs, Command], tuple[int, ...]]


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
        yield world_of(job, state)

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        controller, outputs = Controller(settings), Outputs()
        outputs.load(held.values())

        def step(now_ms: int, inputs: Inputs, command: Command) -> tuple[int, ...]:
            controller.step(now_ms, inputs, outputs, command)
            return outputs.values()

        yield step


def world_of(job: Job, state: State) -> World:
    """The world of a job, at its beginning or where `state` is."""
    world = build_world(job)
    if state:
        world.load(state["world"])
    return world
