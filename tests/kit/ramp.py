"""The built-in ramp run beside a peer: the same world that `tubetwin run` makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import twin.runs.job
import twin.runs.run
from firmware.controller import Controller
from firmware.signals import Record
from hil.link.link import Peer
from hil.link.shadow import Shadow
from hil.link.transports import SOURCE
from hil.micropython.processes import command_of
from twin.commission.calibrations import calibration_of
from twin.runs.job import Job
from twin.runs.run import START_AFTER_MS, build_world
from twin.scenarios.scenario import load_scenario
from twin.tube.tube import DEFAULT_TUBE, load_tube
from twin.world.world import World

MINUTE_MS = 60_000


def ramp_world(pre_roll_ms: int, seed: int = 1) -> World:
    """The ramp from its switch-on, here only `pre_roll_ms` before time 0; the start is scheduled.

    Time 0 is where the firmware's tick counter wraps.
    """
    name, tube = load_tube(DEFAULT_TUBE)
    job = Job(load_scenario("ramp"), name, tube, calibration_of(name, tube), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twin.runs.job, "PRE_ROLL_MS", pre_roll_ms)
        world = build_world(job)
    run_at(world, START_AFTER_MS, True)
    return world


def fill(record: Record, **values: int) -> None:
    """Set the named signals of a record."""
    for name, value in values.items():
        setattr(record, name, value)


def run_at(world: World, after_ms: int, run: bool) -> None:
    """Give or take the command to run, so long after now."""
    world.at(world.plant.now_ms + after_ms, lambda: setattr(world.command, "run", run))


@contextmanager
def beside(
    world: World,
    target: str,
    peer_drives: bool = False,
    source: Path = SOURCE,
    **changed: float,
) -> Iterator[Shadow]:
    """Put a peer beside the world's controller; `changed` are settings that only the peer has."""
    controller = world.controller
    assert isinstance(controller, Controller)
    settings = type(controller.settings)()
    settings.load({**controller.settings.values(), **changed})
    with Peer(command_of(target), settings, world.outputs, source=source) as peer:
        shadow = Shadow(controller, peer, peer_drives)
        world.controller = shadow
        yield shadow
