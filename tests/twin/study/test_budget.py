"""The error budget: one mechanism at a time, each by itself, and what the laws leave of it.

Commissioning each mechanism's tube is what takes long; all but two tests leave it out.
"""

from dataclasses import replace
from math import exp, isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

import twin.study.budget
from tests.kit.open_loop import QUIET
from tests.kit.variants import DEFAULT, numbers, varied
from twin.commission.calibrations import calibration_of
from twin.plant.generator import NO_ARC
from twin.runs.job import LAWS, Job
from twin.runs.run import build_world
from twin.scenarios.scenario import Room, Scenario
from twin.study.budget import (
    AIR,
    ALL,
    ARCS,
    COUNTING,
    EXPANSIONS,
    MECHANISMS,
    Line,
    Mechanism,
    alone,
    arcs_line,
    budget,
    laws_off,
    off_and_on,
    percent_per_k,
    without,
)
from twin.study.budget_figure import draw_budget
from twin.study.campaign import Series, run_series
from twin.tube.tube import DEFAULT_TUBE, SECTIONS

HALF_HOUR = Scenario(
    name="half an hour",
    title="a room that warms by 3 K",
    duration_h=0.3,
    start="warm",
    air_path_cm=10.0,
    ambient=Room(time_h=(0.0, 0.3), temperature_c=(21.0, 24.0)),
)
JOB = Job(HALF_HOUR, DEFAULT_TUBE, DEFAULT, calibration_of(DEFAULT_TUBE, DEFAULT))
HEAD = MECHANISMS[0]
NOTHING = Mechanism("nothing", ())
WANDERING = ("noise", "drift", "_ppm_", "flicker", "ripple", "arcs_per", "expansion", "loss_per")
by_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)


def values(tube):
    """All numbers of a tube by dotted name."""
    return {
        f"{section}.{name}": value
        for section in SECTIONS
        for name, value in numbers(getattr(tube, section)).items()
    }


# Each alone --------------------------------------------------------------------------------------


@by_mechanism
def test_a_mechanism_alone_has_none_of_the_others(mechanism):
    found, described = values(alone(JOB, mechanism).tube), values(DEFAULT)
    kept = {*mechanism.parameters, *mechanism.needs}
    for other in MECHANISMS:
        for name in other.parameters:
            assert found[name] == (described[name] if name in kept else 0.0), name
    changeable = {name for one in MECHANISMS for name in one.parameters}
    assert {n: v for n, v in found.items() if n not in changeable} == {
        n: v for n, v in described.items() if n not in changeable
    }


@by_mechanism
def test_only_absorption_in_the_air_has_air_in_the_beam_path(mechanism):
    scenario = alone(JOB, mechanism).scenario
    in_air = AIR in (mechanism.name, *mechanism.needs)
    assert scenario.path_gas == ("air" if in_air else "vacuum")


@by_mechanism
def test_the_room_changes_as_the_scenario_says_unless_it_would_hide_the_mechanism(mechanism):
    low_c, high_c = alone(JOB, mechanism).scenario.room().temperature_range_c
    if mechanism.room_is_constant:
        assert low_c == high_c == 22.5
    else:
        assert (low_c, high_c) == (21.0, 24.0)


def test_no_parameter_belongs_to_two_mechanisms_and_every_one_exists():
    names = [name for one in MECHANISMS for name in one.parameters]
    assert len(names) == len(set(names))
    assert set(names) <= set(values(DEFAULT))
    assert set(EXPANSIONS) <= set(names)


def test_all_that_wanders_or_is_noisy_belongs_to_a_mechanism():
    """By their names; what open-loop tests switch off for a quiet tube is among them, too."""
    moving = {name for name in values(DEFAULT) if any(word in name for word in WANDERING)}
    named = {name for one in MECHANISMS for name in one.parameters}
    assert moving | set(QUIET) <= named


@pytest.mark.parametrize("laws", [(), tuple(LAWS)])
def test_with_no_mechanism_at_work_the_intensity_stands_still(laws):
    """In a room that warms by 3 K. So there is no mechanism that the budget does not know."""
    quiet = replace(alone(JOB, NOTHING), calibration={}, without=laws)
    assert run_series(quiet).rms_true_percent < 2e-4


def test_the_tube_as_described_does_not_stand_still():
    assert run_series(replace(JOB, without=tuple(LAWS))).rms_true_percent > 0.1


def test_the_given_job_is_not_changed():
    before = values(JOB.tube), JOB.scenario.path_gas, dict(JOB.calibration)
    for mechanism in MECHANISMS:
        alone(JOB, mechanism)
    assert (values(JOB.tube), JOB.scenario.path_gas, dict(JOB.calibration)) == before


def test_without_sets_to_zero_and_touches_nothing_else():
    found, described = values(without(DEFAULT, {"ageing.loss_percent_per_1000_h"})), values(DEFAULT)
    assert found.pop("ageing.loss_percent_per_1000_h") == 0.0
    assert described.pop("ageing.loss_percent_per_1000_h") == 2.0
    assert found == described


def test_laws_off_are_all_but_those_that_a_mechanism_keeps():
    assert set(laws_off()) == set(LAWS)
    assert set(laws_off(("emission",))) == {"thermal", "compensation"}


# What a mechanism does ---------------------------------------------------------------------------


# The shipped calibration's terms that have nothing to do with the head.
OTHERS = (
    "mount_per_k",
    "mount_per_k2",
    "head_mount_per_k2",
    "air_depth_per_cm",
    "kv_ppm_per_k",
    "ma_ppm_per_k",
)


def test_what_the_laws_leave_of_the_heads_expansion_is_a_small_part(monkeypatch):
    """18 minutes: some 0.5 % rms against 0.002. The tube's own commissioning is the slow test's."""
    calibration = dict(JOB.calibration) | dict.fromkeys(OTHERS, 0.0)
    monkeypatch.setattr(twin.study.budget, "commission", lambda tube: calibration)
    off, on = off_and_on((alone(JOB, HEAD), laws_off()))
    assert not off.trip
    assert not on.trip
    assert off.rms_true_percent > 0.2
    assert on.rms_true_percent < 0.02 * off.rms_true_percent
    assert percent_per_k(JOB, off) > 0.3


def test_both_runs_are_of_the_tube_that_was_commissioned(monkeypatch):
    asked, ran = [], []

    def commission(tube):
        asked.append(tube)
        return {"ma": 0.5}

    def run(job):
        ran.append(job)
        return series()

    monkeypatch.setattr(twin.study.budget, "commission", commission)
    monkeypatch.setattr(twin.study.budget, "run_series", run)
    job = alone(JOB, HEAD)
    off_and_on((job, ("thermal",)))
    assert asked == [job.tube]
    assert [one.without for one in ran] == [("thermal",), ()]
    assert all(one.tube == job.tube and one.calibration == {"ma": 0.5} for one in ran)


def test_the_air_absorbs_less_when_it_is_warm_by_what_its_density_says():
    """10 cm at copper K-alpha: +0.0397 %/K for dry air (xraydb 4.5.8). At a constant relative
    humidity of 45 % the vapour that comes in displaces heavier air: 7 % more."""
    off = run_series(replace(alone(JOB, MECHANISMS[2]), calibration={}, without=laws_off()))
    assert MECHANISMS[2].name == AIR
    assert percent_per_k(JOB, off) == pytest.approx(1.07 * 0.0397, rel=0.03)
    assert off.rms_true_percent == pytest.approx(1.07 * 0.0397 * 3.0 / sqrt(12.0), rel=0.03)


def test_ageing_alone_is_the_loss_of_the_hours():
    tube = varied({"ageing.loss_percent_per_1000_h": 90.0})
    mechanism = next(one for one in MECHANISMS if one.name == "ageing")
    off = run_series(replace(alone(replace(JOB, tube=tube), mechanism), calibration={}))
    lost = 1.0 - off.intensities[-1] / off.intensities[0]
    assert lost == pytest.approx(1.0 - 0.1 ** (17.0 / 60.0 / 1000.0), rel=0.02)


# The lines ---------------------------------------------------------------------------------------


def series(*intensities, rms=1.0, trip=""):
    starts_ms = [60_000 * n for n in range(len(intensities))]
    return Series(starts_ms, list(intensities), rms, trip)


def budget_of(monkeypatch, job=JOB, answer=lambda task: (series(rms=2.0), series(rms=0.5))):
    """The budget with runs that only this file makes up; also the tasks that it asked for."""
    tasks: list[Any] = []
    done: list[float] = []

    def run_all(work, given, progress):
        assert work is off_and_on
        tasks.extend(given)
        for number in range(len(given)):
            progress(number + 1)
        return [answer(task) for task in given]

    monkeypatch.setattr(twin.study.budget, "run_all", run_all)
    lines = budget(job, done.append)
    assert done[-1] == 1.0
    return lines, tasks


def test_there_is_a_line_for_each_mechanism_then_all_together_then_the_counting(monkeypatch):
    lines, tasks = budget_of(monkeypatch)
    assert [line.mechanism for line in lines] == [
        *(one.name for one in MECHANISMS),
        ALL,
        COUNTING,
    ]
    assert len(tasks) == len(MECHANISMS) + 1
    for line in lines[:-1]:
        figures = line.rms_uncontrolled_percent, line.rms_controlled_percent
        assert figures == (2.0, 0.5) or line.mechanism == ARCS


def test_all_together_is_a_run_of_the_tube_as_described(monkeypatch):
    _, tasks = budget_of(monkeypatch, replace(JOB, without=("thermal",)))
    together, laws = tasks[-1]
    assert together.tube == DEFAULT
    assert together.scenario == HALF_HOUR
    assert together.without == ()
    assert set(laws) == set(LAWS)


@pytest.mark.parametrize(("counts", "percent"), [(1e4, 1.0), (1e6, 0.1), (1e7, 0.0316)])
def test_counting_is_a_hundred_over_the_root_of_the_counts(monkeypatch, counts, percent):
    job = replace(JOB, tube=varied({"sample.counts_per_frame": counts}))
    line = budget_of(monkeypatch, job)[0][-1]
    assert line.rms_uncontrolled_percent == pytest.approx(percent, rel=1e-3)
    assert line.rms_controlled_percent == line.rms_uncontrolled_percent
    assert isnan(line.percent_per_k)


def test_a_run_that_trips_has_no_figure_and_leaves_the_others_theirs(monkeypatch):
    def answer(task):
        tripped = task[0].tube.ageing.loss_percent_per_1000_h.value > 0.0
        trip = "arcing" if tripped else ""
        return series(1.0, 1.1, rms=2.0, trip=trip), series(rms=0.5)

    lines = {line.mechanism: line for line in budget_of(monkeypatch, answer=answer)[0]}
    assert isnan(lines["ageing"].rms_uncontrolled_percent)
    assert isnan(lines["ageing"].percent_per_k)
    assert lines["ageing"].rms_controlled_percent == 0.5
    assert lines[HEAD.name].rms_uncontrolled_percent == 2.0


def test_only_what_follows_the_room_has_a_slope_against_it(monkeypatch):
    steady = [exp(0.005 * 3.0 * n / 18.0) for n in range(18)]
    lines, _ = budget_of(monkeypatch, answer=lambda task: (series(*steady), series(*steady)))
    with_slope = {line.mechanism for line in lines if not isnan(line.percent_per_k)}
    assert with_slope == {one.name for one in MECHANISMS if one.by_room} | {ALL}
    assert {HEAD.name, AIR, "voltage: temperature"} <= with_slope
    assert not {"voltage: drift", "ageing", ARCS} & with_slope


@pytest.mark.parametrize(("arcs_per_1000_h", "quench_ms"), [(10.0, 100.0), (1000.0, 400.0)])
def test_arcs_cost_on_average_what_chance_puts_into_the_frames(arcs_per_1000_h, quench_ms):
    """Against 300 000 frames with arcs drawn at random, each without its quench and one lag."""
    tube = varied(
        {
            "generator.arcs_per_1000_h": arcs_per_1000_h,
            "generator.arc_quench_ms": quench_ms,
        }
    )
    line = arcs_line(replace(JOB, tube=tube), Line(ARCS, nan, nan, nan))
    struck = np.random.default_rng(1).poisson(arcs_per_1000_h / 60_000.0, 300_000)
    frames = 1.0 - struck * (quench_ms + 50.0) / 60_000.0
    expected = 100.0 * frames.std() / frames.mean()
    assert line.rms_controlled_percent == pytest.approx(expected, rel=0.15)
    assert line.rms_uncontrolled_percent == line.rms_controlled_percent


def test_that_is_what_an_arc_costs_with_the_firmware_in_the_loop():
    """It costs somewhat more: while the voltage comes back, current and yield come with it."""
    lost_ms = []
    for quench_ms in (100.0, 400.0):
        taken, arcs = [], 0
        for arcs_per_1000_h in (0.0, 2e4):
            tube = varied(
                {
                    "generator.arcs_per_1000_h": arcs_per_1000_h,
                    "generator.arc_quench_ms": quench_ms,
                }
            )
            world = build_world(replace(JOB, tube=tube, calibration={}))
            world.command.run = False
            world.run(world.plant.now_ms + 1000)
            world.command.run = True
            world.run(world.plant.now_ms + 60_000)
            world.plant.take_intensity()
            for _ in range(1800):
                world.run(world.plant.now_ms + 500)
                arcs += world.plant.generator.quench_ticks != NO_ARC
            taken.append(world.plant.take_intensity())
        assert arcs >= 3
        lost_ms.append((1.0 - taken[1] / taken[0]) * 900_000.0 / arcs)
    assert lost_ms == pytest.approx([150.0, 450.0], rel=0.35)
    assert lost_ms[0] > 150.0


def test_the_slope_is_that_of_the_logarithm_against_the_rooms_temperature():
    """3 K in 18 minutes; half a per cent a kelvin."""
    intensities = [exp(0.005 * 3.0 * n / 18.0) for n in range(18)]
    assert percent_per_k(JOB, series(*intensities)) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize(
    "bad", [series(), series(1.0), series(1.0, 0.0), series(1.0, 1.1, trip="fan")]
)
def test_what_has_no_slope_is_not_a_number(bad):
    assert isnan(percent_per_k(JOB, bad))


def test_a_constant_room_gives_no_slope():
    constant = replace(JOB, scenario=HALF_HOUR.in_constant_room())
    assert isnan(percent_per_k(constant, series(1.0, 1.1, 1.2)))


# Its picture -------------------------------------------------------------------------------------

LINES = [Line("head", 1.7, 3.2, 0.002), Line("arcs", nan, nan, nan), Line("nothing", 0.0, 0.0, 0.0)]


@pytest.mark.parametrize("lines", [LINES, LINES[1:2], LINES[2:], LINES * 20])
def test_the_picture_can_be_drawn_of_any_figures_and_is_the_same_each_time(tmp_path, lines):
    for name in ("a.png", "b.png"):
        draw_budget(lines, "Error budget: a tube, a room", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    height, width = imread(tmp_path / "a.png").shape[:2]
    assert width == 1200
    assert height == pytest.approx(120 * (1.2 + 0.3 * len(lines)), abs=1)


# The whole ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_budget_of_the_default_tube(pytestconfig):
    """Commissioned and run, off and on: as many mechanisms as --mechanisms says."""
    count = pytestconfig.getoption("--mechanisms")
    lines = {line.mechanism: line for line in budget(JOB, mechanisms=MECHANISMS[:count])}
    assert not any(isnan(line.rms_uncontrolled_percent) for line in lines.values())
    assert not any(isnan(line.rms_controlled_percent) for line in lines.values())
    together = lines[ALL]
    assert together.rms_controlled_percent < 0.1 * together.rms_uncontrolled_percent
    uncontrolled = {
        name: line.rms_uncontrolled_percent
        for name, line in lines.items()
        if name not in (ALL, COUNTING)
    }
    assert max(uncontrolled, key=lambda name: uncontrolled[name]) == HEAD.name
    for name in (HEAD.name, "expansion of the mount"):
        line = lines[name]
        assert line.rms_controlled_percent < 0.5 * line.rms_uncontrolled_percent, name
