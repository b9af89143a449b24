"""What a tick over the link costs, in lockstep over a pty: bare frames, and a whole twin.

    .venv/bin/pytest tests/bench/test_link_speed.py --benchmark-only

The target is 1500 ticks/s for whole ticks (docs/bench/link.md has what was measured).
"""

import pytest

from firmware.settings import Settings
from firmware.signals import Command, Inputs
from hil.link.link import Peer
from hil.link.shadow import Shadow
from hil.micropython.processes import INTERPRETERS, command_of
from tests.kit.hosts import quick_settings, warm_world

TICKS = 5000


@pytest.mark.parametrize("target", INTERPRETERS)
def test_bare_frames(benchmark, target):
    inputs, command = Inputs(), Command(50.0, 0.98)
    with Peer(command_of(target), Settings()) as peer:

        def ticks():
            for tick in range(TICKS):
                peer.exchange(10 * tick, inputs, command)

        benchmark.group = f"{TICKS} ticks"
        benchmark.pedantic(ticks, rounds=5, warmup_rounds=1)
        assert peer.ask_counts().firmware["ticks"] == 6 * TICKS


@pytest.mark.parametrize("target", INTERPRETERS)
def test_whole_ticks_with_the_twin_in_regulation(benchmark, target):
    settings = quick_settings()
    world = warm_world(settings)
    world.at(world.plant.now_ms + 1000, lambda: setattr(world.command, "run", True))
    with Peer(command_of(target), settings, world.outputs) as peer:
        world.controller = Shadow(world.controller, peer, peer_drives=True)
        world.run(world.plant.now_ms + 10_000)

        def ticks():
            world.run(world.plant.now_ms + 10 * TICKS)

        benchmark.group = f"{TICKS} ticks"
        benchmark.pedantic(ticks, rounds=5, warmup_rounds=1)
        assert world.condition == 3  # what was timed was a tube in regulation
