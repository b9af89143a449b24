"""The clock: one order within a tick, and what is scheduled comes before the tick of its time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.controller import BEAM
from firmware.signals import Command
from firmware.ticks import MASK, PERIOD_MS
from tests.kit.variants import DEFAULT
from twin.plant.ambient import Ambient
from twin.plant.plant import TICK_MS, Plant
from twin.world.firmware import LocalFirmware
from twin.world.world import World


class Spies:
    """Plant, controller and board that only write down what they are asked to do."""

    def __init__(self, start_ms=0):
        self.seen = []
        self.now_ms = start_ms
        self.fan_program_raw = 1234

    # the plant
    def advance(self):
        self.seen.append(("advance", self.now_ms))
        self.now_ms += TICK_MS

    # the controller
    def step(self, now_ms, inputs, outputs, command):
        assert now_ms == self.now_ms & MASK
        self.seen.append(("decide", self.now_ms))
        outputs.kv_program_raw += inputs.kv_monitor_raw

    # the board
    def read(self, inputs):
        self.seen.append(("sense", self.now_ms))
        inputs.kv_monitor_raw = 1

    def write(self, outputs):
        self.seen.append(("write", self.now_ms, outputs.kv_program_raw))

    def world(self):
        itself: Any = self
        return World(itself, itself, Command(50.0, 1.0), itself)


def real_world(start_ms=0, seed=1):
    ambient = Ambient((0.0, 3600.0), (20.0, 24.0), (1013.25, 1000.0), (45.0, 45.0))
    plant = Plant(DEFAULT, ambient, 10.0, seed)
    plant.now_ms = start_ms
    settings = DEFAULT.firmware_settings()
    world = World(plant, LocalFirmware(settings), Command(settings.kv, settings.ma))
    return world


def start(world):
    """Switch the beam on: the firmware wants to see the change."""
    world.at(world.plant.now_ms + 10, lambda: setattr(world.command, "run", True))


def everything(world):
    return (
        world.plant.state(),
        world.controller.state(),
        world.inputs.values(),
        world.outputs.values(),
        world.plant.now_ms,
    )


def test_a_tick_is_sense_decide_write_advance():
    spies = Spies()
    spies.world().run(30)
    assert spies.seen == [
        entry
        for now, raw in ((0, 1), (10, 2), (20, 3))
        for entry in (("sense", now), ("decide", now), ("write", now, raw), ("advance", now))
    ]


def test_the_fan_goes_on_as_it_was_until_the_firmware_decides():
    assert Spies().world().outputs.fan_program_raw == 1234


def test_what_is_decided_holds_over_the_whole_tick():
    """The plant sees the outputs of time t from t to t + dt, not a tick later."""
    world = real_world()
    actuated = []
    advance = world.plant.advance

    def spied():
        plant = world.plant
        actuated.append((plant.now_ms, plant.hv_enable, plant.kv_program_raw))
        assert plant.kv_program_raw == world.outputs.kv_program_raw
        advance()

    world.plant.advance = spied
    start(world)
    world.run(8000)
    assert [now for now, *_ in actuated] == list(range(0, 8000, 10))
    assert any(enable for _, enable, _ in actuated)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_all_that_is_due_at_a_time_happens_before_its_tick(order):
    spies = Spies()
    world = spies.world()

    def schedule(which):
        if which == 0:
            world.every(20, lambda now_ms: spies.seen.append(("every", now_ms)))
        elif which == 1:
            world.at(40, lambda: spies.seen.append(("at", 40)))
        else:  # scheduled by an event, for the time of that event
            world.at(40, lambda: world.at(40, lambda: spies.seen.append(("late", 40))))

    for which in order:
        schedule(which)
    world.run(60)
    tick = spies.seen.index(("sense", 40))
    before = spies.seen.index(("advance", 30))
    due = spies.seen[before + 1 : tick]
    assert sorted(due) == [("at", 40), ("every", 40), ("late", 40)]


def test_every_comes_once_a_period_from_one_period_on():
    spies = Spies(start_ms=500)
    world = spies.world()
    calls: list[int] = []
    world.every(100, calls.append)
    world.run(1000)
    assert calls == [600, 700, 800, 900, 1000]
    assert all(type(now_ms) is int for now_ms in calls)


def test_at_happens_once_before_the_first_tick_at_or_after_its_time():
    spies = Spies()
    world = spies.world()
    world.at(25, lambda: spies.seen.append("act"))
    world.run(200)
    assert spies.seen.count("act") == 1
    place = spies.seen.index("act")
    assert spies.seen[place - 1] == ("advance", 20)
    assert spies.seen[place + 1] == ("sense", 30)


def test_a_run_includes_what_is_due_at_its_very_end_and_not_the_tick_of_it():
    spies = Spies()
    world = spies.world()
    world.at(50, lambda: spies.seen.append("act"))
    world.every(50, lambda now_ms: spies.seen.append("every"))
    world.run(50)
    assert sorted(spies.seen[-2:]) == ["act", "every"]
    assert spies.seen[-3] == ("advance", 40)
    world.run(60)
    assert spies.seen.count("act") == 1
    assert spies.seen[-4][0] == "sense"


def test_an_event_may_schedule_others():
    spies = Spies()
    world = spies.world()
    calls: list[int] = []
    world.at(30, lambda: world.every(20, calls.append))
    world.run(100)
    assert calls == [50, 70, 90]


def test_what_goes_wrong_in_an_event_is_not_swallowed():
    world = Spies().world()

    def fail(now_ms):
        raise RuntimeError("the disk is full")

    world.every(1000, fail)
    with pytest.raises(RuntimeError, match="the disk is full"):
        world.run(5000)


SPLIT_TICKS = 1500  # into the beam


@pytest.fixture(scope="module")
def in_one_go():
    return split_run([])


def split_run(points):
    world = real_world()
    samples = []
    world.every(250, lambda now_ms: samples.append((now_ms, world.plant.take_intensity())))
    start(world)
    for point in [*points, SPLIT_TICKS * TICK_MS]:
        world.run(point)
    return samples, everything(world)


@given(points=st.sets(st.integers(1, SPLIT_TICKS * TICK_MS - 1), min_size=1, max_size=8))
def test_a_run_in_pieces_is_the_run_in_one_go(in_one_go, points):
    """Wherever it is split, also between two ticks."""
    assert split_run(sorted(points)) == in_one_go


def test_a_world_resumed_from_its_state_in_another_process_goes_on_the_same():
    world = real_world()
    start(world)
    world.run(12_340)
    assert world.controller.condition == BEAM
    saved = json.loads(json.dumps(everything(world)))
    world.run(40_000)

    other = real_world(start_ms=12_340, seed=99)
    plant, controller, inputs, outputs, _ = saved
    other.plant.load(plant)
    other.controller.load(controller)
    other.inputs.load(inputs)
    other.outputs.load(outputs)
    other.command.run = True
    other.run(40_000)
    assert everything(other) == everything(world)


@pytest.mark.parametrize("wraps", [1, 3])
def test_the_firmwares_counter_wraps_and_nothing_happens(wraps):
    """12.4 days after the start: same beam, tick for tick, as from time 0 in the same room."""
    runs = []
    for start_ms in (0, wraps * PERIOD_MS - 6000):
        ambient = Ambient((0.0, 1e8), (22.0, 22.0), (1013.25, 1013.25), (45.0, 45.0))
        plant = Plant(DEFAULT, ambient, 10.0, 1)
        plant.now_ms = start_ms
        settings = DEFAULT.firmware_settings()
        controller = LocalFirmware(settings)
        world = World(plant, controller, Command(settings.kv, settings.ma))
        start(world)
        world.run(start_ms + 20_000)
        assert plant.now_ms == start_ms + 20_000
        assert plant.ma > 0.5
        runs.append((plant.take_intensity(), world.outputs.values(), world.inputs.values()))
    assert runs[0] == runs[1]


def test_time_before_zero_is_time():
    """A warm tube is switched on before time 0."""
    spies = Spies(start_ms=-1000)
    world = spies.world()
    calls: list[int] = []
    world.every(250, calls.append)
    world.run(0)
    assert calls == [-750, -500, -250, 0]
    assert spies.now_ms == 0
