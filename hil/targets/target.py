"""What every target is: a place where the firmware runs.

A target makes a world (twin/world/world.py) for a job: the same plant, with the firmware that
steers it wherever that is. Each target has a file here, and hil/targets/targets.py lists them.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

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


def world_of(job: Job, state: State) -> World:
    """The world of a job, at its beginning or where `state` is."""
    world = build_world(job)
    if state:
        world.load(state["world"])
    return world
