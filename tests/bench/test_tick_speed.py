"""What a tick costs, in bare SimPy timeouts measured beside it in the same process.

    .venv/bin/pytest tests/bench --benchmark-only

prints both; the tick's target is 8 timeouts, its goal 5 (docs/user/performance.md).
"""

import pytest
import simpy

from tests.kit.jobs import job
from twin.recording.columns import COLUMNS, row
from twin.recording.recorder import Recorder
from twin.runs.job import SAMPLE_MS
from twin.runs.run import build_world

TICKS = 20_000


@pytest.fixture
def settled(tmp_path):
    """A world in regulation that records at the default rate."""
    world = build_world(job("ramp"))
    world.at(world.plant.now_ms + 1000, lambda: setattr(world.command, "run", True))
    with Recorder(tmp_path / "recording.h5", COLUMNS, {}) as recorder:
        world.every(
            SAMPLE_MS,
            lambda now_ms: recorder.append(row(now_ms, world, world.plant.take_intensity())),
        )
        world.run(0)
        yield world


def test_a_bare_simpy_timeout(benchmark):
    def timeouts():
        env = simpy.Environment()

        def process():
            while True:
                yield env.timeout(10)

        env.process(process())
        env.run(until=10 * TICKS)

    benchmark.group = f"{TICKS} ticks"
    benchmark.pedantic(timeouts, rounds=10, warmup_rounds=2)


def test_the_whole_tick(benchmark, settled):
    def ticks():
        settled.run(settled.plant.now_ms + 10 * TICKS)

    benchmark.group = f"{TICKS} ticks"
    benchmark.pedantic(ticks, rounds=10, warmup_rounds=2)
    assert settled.outputs.state == 3  # what was timed was a tube in regulation
