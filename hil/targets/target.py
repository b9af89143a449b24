"""The base class of all targets: a target is a place where the firmware runs.

A target makes a world (twin/world/world.py) for a job: the same plant, controlled by the firmware
on the target. Each target has a file here, and hil/targets/targets.py lists them.
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
    """One target. modes: its modes, the default first; what: description for people."""

    name = ""
    what = ""
    modes: tuple[str, ...] = MODES
    default_scenario = DEFAULT_SCENARIO
    switches_high_voltage = False
    """True for a physical board: a generator may be connected to it."""

    def missing(self) -> str | None:
        """The reason, in one line, why the target is not available here; None if it is."""
        return None

    @property
    def folder(self) -> str:
        """The target's name as the name of a folder."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.") or "port"

    def too_long(self, job: Job) -> bool:
        """True if the target is too slow for this job."""
        return False

    def paced_here(self, mode: str) -> bool:
        """True if the target has no clock in this mode, so that the twin's clock is paced."""
        return False

    def reads_frames(self, mode: str) -> bool:
        """True if the inputs of its firmware are known here, so that a tick log can be made."""
        return True

    def figures(self, world: World, mode: str) -> Figures:
        """The figures of a completed run in `world`."""
        return Figures(self.name, mode)

    def mode(self, name: str | None) -> str:
        """The mode, or the default. Raises InputError if the target does not have this mode."""
        if name and name not in self.modes:
            raise InputError(f"--{name}: target {self.name} has only {self.modes[0]}")
        return name or self.modes[0]

    def world(
        self, job: Job, mode: str | None = None, state: State = None
    ) -> AbstractContextManager[World]:
        """A context: a world whose firmware is on this target. state: see simulate()."""
        raise NotImplementedError

    def firmware(self, settings: Settings, held: Outputs) -> AbstractContextManager[Step]:
        """The firmware alone, for a replay, as a context: (now_ms, inputs, command) -> outputs."""
        raise NotImplementedError


def world_of(job: Job, state: State) -> World:
    """The world of a job, at its beginning or at `state`."""
    world = build_world(job)
    if state:
        world.load(state["world"])
    return world
