"""Every assumption at both ends of its range: really changed, commissioned anew, and judged."""

from dataclasses import replace
from math import inf, isnan, nan
from typing import Any

import pytest
from matplotlib.image import imread

import twin.study.sensitivity
from tests.kit.variants import DEFAULT, numbers, varied
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.scenarios.scenario import Room, Scenario
from twin.study.budget_figure import draw_sensitivity
from twin.study.campaign import Series
from twin.study.sensitivity import End, Sensitivity, at, end_of, sensitivities
from twin.tube.tube import DEFAULT_TUBE, SECTIONS, Tube

COLD = Scenario(
    name="cold",
    title="six minutes from cold",
    duration_h=0.1,
    start="cold",
    air_path_cm=10.0,
    warm_up_h=0.05,
    ambient=Room(time_h=(0.0, 0.1), temperature_c=(21.0, 22.0)),
)
JOB = Job(COLD, DEFAULT_TUBE, DEFAULT, {"trim_up": 0.01})
RANGES = {name: entry.range for name, entry in DEFAULT.assumptions() if entry.range}


def values(tube):
    return {
        f"{section}.{name}": value
        for section in SECTIONS
        for name, value in numbers(getattr(tube, section)).items()
    }


@pytest.fixture
def made_up(monkeypatch):
    """Commissioning and runs that only this file makes up, in this process; what they were asked.

    A test may put exceptions, or another answer to a job, into it.
    """
    made: dict[str, Any] = {
        "commissioned": [],
        "jobs": [],
        "error": {},
        "series": lambda job: Series(rms_true_percent=0.1),
    }

    def commission(tube):
        made["commissioned"].append(tube)
        for name, error in made["error"].items():
            if values(tube)[name] != values(DEFAULT)[name]:
                raise error
        return {"trim_down": 0.01}

    def run_series(job):
        made["jobs"].append(job)
        return made["series"](job)

    def run_all(work, tasks, progress):
        found = []
        for task in tasks:
            found.append(work(task))
            progress(len(found))
        return found

    for stub in (commission, run_series, run_all):
        monkeypatch.setattr(twin.study.sensitivity, stub.__name__, stub)
    return made


# One parameter at a time -------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANGES)
def test_an_end_differs_from_the_tube_in_that_parameter_alone(name):
    described = values(DEFAULT)
    for end in RANGES[name]:
        changed = values(at(DEFAULT, name, end))
        assert changed.pop(name) == end
        assert changed == {other: value for other, value in described.items() if other != name}


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_are_two_different_tubes_that_can_both_be(name):
    low, high = (at(DEFAULT, name, end) for end in RANGES[name])
    assert low.fingerprint() != high.fingerprint()


def test_the_tube_as_described_stays_as_it_was():
    before = DEFAULT.fingerprint()
    at(DEFAULT, "ageing.loss_percent_per_1000_h", 5.0)
    assert DEFAULT.fingerprint() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("heat.fan_lag_s", 1e9), ("generator.kv_lag_s", nan), ("heat.fan_lag_s", -1)],
)
def test_a_value_that_no_model_is_valid_for_is_refused(name, value):
    with pytest.raises(ValueError, match=r"outside|finite"):
        at(DEFAULT, name, value)


# All of them -------------------------------------------------------------------------------------


def test_every_assumption_is_put_to_both_ends(made_up):
    found = sensitivities(JOB)
    assert {one.parameter for one in found} == set(RANGES)
    assert {(one.low.value, one.high.value) for one in found} == set(RANGES.values())
    assert len(made_up["commissioned"]) == 2 * len(RANGES)


def test_each_end_is_commissioned_anew_and_run_with_what_that_found(made_up):
    sensitivities(JOB, "heat.fan_lag_s")
    assert [tube.heat.fan_lag_s.value for tube in made_up["commissioned"]] == [0.5, 3.0]
    for job, tube in zip(made_up["jobs"], made_up["commissioned"], strict=True):
        assert job.tube == tube
        assert job.calibration == {"trim_down": 0.01}  # and none of the old tube's
        assert (job.scenario, job.seed) == (JOB.scenario, JOB.seed)


@pytest.mark.parametrize(
    ("only", "sections"),
    [("ageing", {"ageing"}), ("optics.", {"optics"}), ("s", {"sensors", "sample"}), ("x", set())],
)
def test_only_takes_those_that_begin_so(made_up, only, sections):
    found = [one.parameter for one in sensitivities(JOB, only)]
    assert sorted(found) == sorted(name for name in RANGES if name.startswith(only))
    assert {name.split(".")[0] for name in found} == sections


def test_progress_goes_up_to_one(made_up):
    parts: list[float] = []
    sensitivities(JOB, "heat", parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_the_worst_comes_first_by_its_worse_end(made_up):
    def series(job):
        heat = job.tube.heat
        rms = {("lag", 0.5): 0.3, ("stall", 0.07): 0.2}
        keys = ("lag", heat.fan_lag_s.value), ("stall", heat.fan_stall.value)
        return Series(rms_true_percent=max(rms.get(key, 0.1) for key in keys))

    made_up["series"] = series
    found = sensitivities(JOB, "heat.fan_")
    assert [(one.parameter, one.worst_percent) for one in found][:2] == [
        ("heat.fan_lag_s", 0.3),
        ("heat.fan_stall", 0.2),
    ]
    assert {one.worst_percent for one in found[2:]} == {0.1}


# What fails --------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [InputError("no beam:\n the gun"), ValueError("no beam: the")])
def test_an_end_that_cannot_be_commissioned_is_reported_and_the_rest_goes_on(made_up, error):
    made_up["error"] = {"ageing.loss_percent_per_1000_h": error}
    found = sensitivities(JOB, "ageing") + sensitivities(JOB, "heat.fan_lag_s")
    failed, well = found
    for end in (failed.low, failed.high):
        assert end.failure.startswith("no beam: the")
        assert "\n" not in end.failure
        assert isnan(end.rms_true_percent)
    assert failed.worst_percent == inf
    assert well.low.failure == well.high.failure == ""
    assert well.worst_percent == 0.1


def test_a_long_complaint_is_cut_to_a_line_of_a_table(made_up):
    made_up["error"] = {"heat.fan_lag_s": InputError("why " * 1000)}
    assert len(end_of((JOB, "heat.fan_lag_s", 3.0)).failure) <= 120


def test_an_end_outside_what_the_models_are_valid_for_is_reported(made_up):
    end = end_of((JOB, "heat.fan_lag_s", 1e9))
    assert "outside" in end.failure
    assert made_up["jobs"] == []


def test_an_end_that_trips_is_a_failure_with_its_cause_and_comes_first(made_up):
    def series(job):
        trip = "arcing" if job.tube.generator.arcs_per_1000_h.value == 100.0 else ""
        return Series(rms_true_percent=0.1, trip=trip)

    made_up["series"] = series
    found = sensitivities(JOB, "generator")
    assert found[0].parameter == "generator.arcs_per_1000_h"
    assert (found[0].low.failure, found[0].high.failure) == ("", "arcing")
    assert found[0].worst_percent == inf
    assert all(one.worst_percent == 0.1 for one in found[1:])


# Really run --------------------------------------------------------------------------------------


def test_two_ends_of_the_ageing_give_two_figures_and_the_faster_the_larger(made_up):
    """Only commissioning is left out. A tube that wanders in nothing else, over six minutes."""
    from tests.kit.open_loop import IDEAL
    from twin.study.campaign import run_series

    document = varied(IDEAL).model_dump()
    document["ageing"]["loss_percent_per_1000_h"] = {"value": 60.0, "range": (30.0, 90.0)}
    job = replace(JOB, tube=Tube.model_validate(document), scenario=COLD.in_constant_room())
    job = replace(job, scenario=job.scenario.model_copy(update={"path_gas": "vacuum"}))
    made_up["series"] = run_series
    [one] = sensitivities(job, "ageing")
    assert one.low.failure == one.high.failure == ""
    assert one.high.rms_true_percent > 1.5 * one.low.rms_true_percent > 0.0


# Its picture -------------------------------------------------------------------------------------


def one(name, low, high):
    return Sensitivity(name, End(name, 1.0, *low), End(name, 2.0, *high))


FOUND = [
    one("generator.arcs_per_1000_h", (0.1, ""), (nan, "arcing")),
    one("optics.focus_offset_x_um", (0.05, ""), (0.5, "")),
    one("heat.fan_lag_s", (nan, "no beam " * 12), (nan, "the cathode is too small")),
    one("sensors.room_noise_k", (0.0, ""), (1e-9, "")),
]


@pytest.mark.parametrize("found", [FOUND, FOUND[2:3], FOUND[:1], FOUND * 15])
@pytest.mark.parametrize("nominal", [0.06, nan])
def test_the_picture_can_be_drawn_of_any_figures_and_is_the_same_each_time(
    tmp_path, found, nominal
):
    for name in ("a.png", "b.png"):
        draw_sensitivity(found, nominal, "Sensitivity of the verdict: a tube", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert imread(tmp_path / "a.png").shape[1] == 1200
