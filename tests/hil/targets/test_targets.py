"""Every target makes the same world, and one that is not here says why."""

import os
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from hil.targets.figures import TimeSeries, series_in_process
from hil.targets.micropython import MicroPython
from hil.targets.target import LOCKSTEP, REAL_TIME, Target
from hil.targets.targets import builtin_targets, find_target
from tests.kit.ramp import fill
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.prepare import prepare
from twin.runs.run import build_world, simulate
from twin.runs.snapshot import take_snapshot
from twin.tube.tube import DEFAULT_TUBE

QUICK = ("in-process", "micropython", "micropython-f32")


def short(fault: tuple[str, ...] = ()) -> Job:
    return prepare("bench-short", DEFAULT_TUBE, None, None, 1, (), fault)


@pytest.mark.parametrize("name", QUICK)
def test_the_bench_check_holds_on_every_quick_target(name: str):
    target = find_target(name)
    with target.world(short()) as world:
        outcome = simulate(world=world, job=short())
        figures = target.figures(world, LOCKSTEP)
    assert outcome.passed
    assert [trip["cause"] for trip in outcome.trips] == ["chain-a", "generator"]
    assert figures.lost_frames == figures.corrupt_frames == 0
    assert figures.worst_difference is not None
    assert figures.worst_difference <= (1 if name == "micropython-f32" else 0)
    assert (figures.link_frames > outcome.ticks) == (name != "in-process")


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_is_the_same_on_every_quick_target(name: str):
    job = short(("stale-monitors@13",))
    with find_target(name).world(job) as world:
        outcome = simulate(world=world, job=job)
    assert not outcome.passed
    assert outcome.trips[0]["cause"] == "stale-monitors"
    assert outcome.trips[0]["time_s"] == pytest.approx(13.05, abs=0.011)


@pytest.mark.parametrize("at_s", [7.31, 13.0])
def test_a_run_goes_on_from_a_snapshot_on_another_target_to_the_bit(at_s: float):
    job = short()
    state = take_snapshot(job, at_s).state
    ends = []
    for name in ("in-process", "micropython"):
        with find_target(name).world(job, None, state) as world:
            outcome = simulate(job, world=world, state=state)
            ends.append((outcome.summary()["expectations"], world.plant.state()))
    assert ends[0] == ends[1]


def test_the_outputs_of_the_other_firmware_drive_the_plant():
    """The negative control: a firmware elsewhere that never enables anything has no beam here."""

    class Asleep(MicroPython):
        def transport(self):
            from hil.link.transports import Process

            return Process(["python3", "-c", "import time; time.sleep(60)"])

    with pytest.raises(InputError, match="the link is lost"), Asleep("micropython").world(short()):
        pass


def test_a_link_that_is_lost_leaves_nothing_energised():
    target, job = find_target("micropython"), short()
    with (
        pytest.raises(InputError, match="--target micropython: the link is lost"),
        target.world(job) as world,
    ):
        shadow: Any = world.controller
        world.at(12_000, lambda: os.kill(shadow.peer.transport.pid, SIGKILL))
        simulate(job, world=world)
    assert world.outputs.values() == Outputs().values()
    assert (world.plant.hv_enable, world.plant.grid_program_raw) == (0, 0)
    assert world.plant.now_ms >= 12_000


@pytest.mark.parametrize("name", QUICK)
def test_the_firmware_alone_steps_as_well(name: str):
    settings, held = Settings(), Outputs()
    fill(held, fan_program_raw=20_000)
    inputs, command = Inputs(), Command(50.0, 0.98)
    with find_target(name).firmware(settings, held) as step:
        said = [step(10 * tick, inputs, command) for tick in range(20)]
    assert said[0][:5] == (0, 0, 0, 0, 0)
    assert said[0][5] == 20_000


def test_a_slow_target_knows_what_is_too_long_for_it():
    ramp = prepare("ramp", DEFAULT_TUBE, None, None, 1, ())
    too_long = {one.name for one in builtin_targets() if one.too_long(ramp)}
    assert too_long == {"rp2040"}
    assert not any(one.too_long(short()) for one in builtin_targets())


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch):
    for name in ("TUBETWIN_MICROPYTHON", "TUBETWIN_MICROPYTHON_F32", "TUBETWIN_PICO_IMAGE"):
        monkeypatch.setenv(name, "/nowhere/at/all")
    reasons = {one.name: one.missing() for one in builtin_targets()}
    assert reasons.pop("in-process") is None
    assert all(reason and "/nowhere/at/all" in reason for reason in reasons.values())
    assert "no port /dev/nothing" in (find_target("/dev/nothing").missing() or "")
    assert find_target("socket://127.0.0.1:1").missing() is None


def test_an_emulator_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hil.targets.emulated_pico.find_spec", lambda _name: None)
    assert "rp2040py is not installed" in (find_target("rp2040").missing() or "")


@pytest.mark.parametrize(
    ("name", "said"),
    [("pdp-11", "choose|known"), ("micropythn", "micropython"), ("", "in-process")],
)
def test_a_target_that_does_not_exist_is_named_with_those_that_do(name: str, said: str):
    with pytest.raises(InputError, match=said):
        find_target(name)


def test_a_mode_that_a_target_has_not_is_refused():

    class Slow(Target):
        name = "slow"
        modes = (REAL_TIME,)

    with pytest.raises(InputError, match="--lockstep: target slow has only real-time"):
        Slow().mode(LOCKSTEP)
    assert Slow().mode(None) == find_target("rp2040").mode(None) == REAL_TIME
    assert Target().mode(None) == LOCKSTEP


def test_only_a_port_may_have_anything_attached():
    assert not any(one.switches_high_voltage for one in builtin_targets())
    assert find_target("/dev/ttyACM0").switches_high_voltage


def test_no_name_of_a_port_leaves_its_folder():
    for name in ("/dev/../../etc", "socket://user:secret@h:1/..", "..", "/"):
        folder = find_target(name if "/" in name else f"/{name}").folder
        assert Path(folder).name == folder
        assert folder not in (".", "..", "")


def test_two_courses_are_compared_where_both_have_beam():
    job = short()
    one, same = series_in_process(job), series_in_process(job)
    assert one.difference_percent(same) == 0.0
    world = build_world(job)
    other = TimeSeries(world)
    world.plant.filament.drift *= 0.9
    world.at(9_000, lambda: setattr(world.command, "ma", 0.97 * world.command.ma))
    simulate(job, world=world)
    apart = one.difference_percent(other)
    assert apart is not None
    assert 2.5 < apart < 6.0
    assert TimeSeries(build_world(job)).difference_percent(one) is None
