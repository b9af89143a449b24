"""A tube stepped by hand: time passes only in `step`, and at the end the high voltage is off."""

import math

import pytest

import twin

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def world():
    with twin.World("bench-short") as made:
        yield made


@pytest.fixture
def beam(world):
    world.step(1.0)
    world.command(run=True)
    world.step(8.0)
    return world


def test_time_passes_only_in_step(world):
    assert (world.time_s, world.state, world.trip, world.energised) == (0.0, "off", "", False)
    world.command(run=True)
    assert world.time_s == 0.0
    world.step()
    assert world.time_s == 0.01
    world.step(1.234)
    assert world.time_s == pytest.approx(1.24)


def test_the_beam_comes_when_it_is_requested_and_goes_when_it_is_not(beam):
    assert beam.state == "beam"
    assert repr(beam) == "<twin.World beam at 9.00 s>"
    assert beam.readings()["kv"] == pytest.approx(50.0, abs=0.2)
    assert beam.truth()["ma"] == pytest.approx(beam.readings()["ma"], rel=0.01)
    beam.command(run=False)
    beam.step(0.02)
    assert (beam.state, beam.energised) == ("off", False)


def test_another_voltage_may_be_requested(beam):
    beam.command(kv=45.0)
    beam.step(3.0)
    assert beam.truth()["kv"] == pytest.approx(45.0, rel=0.01)
    assert beam.state == "beam"


def test_a_fault_trips_and_after_it_is_cleared_the_beam_starts_again(beam):
    beam.inject("chain-a")
    beam.step(0.02)
    assert (beam.state, beam.trip, beam.energised) == ("tripped", "chain-a", False)
    beam.clear("chain-a")
    beam.command(run=False)
    beam.step(0.1)
    beam.command(run=True)
    beam.step(8.0)
    assert beam.state == "beam"


def test_at_the_end_of_the_block_the_high_voltage_is_off_even_after_an_error():
    with pytest.raises(ZeroDivisionError), twin.World("bench-short") as world:
        world.step()
        world.command(run=True)
        world.step(8.0)
        assert world.energised
        _ = 1 / 0
    assert not world.energised
    for act in (world.step, world.command, world.clear, lambda: world.inject("fan")):
        with pytest.raises(twin.InputError, match="this world is closed"):
            act()
    world.close()


def test_a_request_that_is_there_at_power_up_starts_nothing(world):
    world.command(run=True)
    world.step(8.0)
    assert (world.state, world.energised) == ("off", False)


def test_the_steps_of_the_scenario_are_not_made(world):
    world.step(12.0)  # the scenario starts the beam at 4 s
    assert world.state == "off"


def test_after_the_end_of_the_scenario_the_room_stays_as_it_was():
    with twin.World(twin.scenario("ramp", hours=0.1)) as world:
        world.step(360.0)
        at_the_end = world.truth()["room_temperature_c"]
        world.step(360.0)
        assert at_the_end == pytest.approx(18.3, abs=0.01)
        assert world.truth()["room_temperature_c"] == pytest.approx(18.3, abs=1e-9)


def test_the_same_commands_give_the_same_numbers():
    def readings():
        with twin.World("ramp", seed=5) as world:
            world.step()
            world.command(run=True)
            world.step(3.0)
            return world.readings()

    assert readings() == readings()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda world: world.step(-1.0), "-1 s: give a number of seconds"),
        (lambda world: world.step(math.nan), "nan s: give a number of seconds"),
        (lambda world: world.command(kv=-1.0), "kv -1: give a number"),
        (lambda world: world.command(ma=math.inf), "ma inf: give a number"),
        (lambda world: world.inject("nothing"), "nothing"),
        (lambda world: twin.World("nowhere"), "nowhere"),
        (lambda world: twin.World(settings={"kvv": 1}), "kvv"),
    ],
)
def test_what_is_not_usable_is_one_line(world, act, words):
    with pytest.raises(twin.InputError, match=words) as caught:
        act(world)
    assert "\n" not in str(caught.value)
