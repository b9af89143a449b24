"""Steps: what is done happens then, what is expected is found or missed, nonsense is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware.controller import BEAM, OFF, STATES
from firmware.signals import Inputs
from tests.kit.quick_runs import REGULATED_S, START, begun, job, scenario
from twin.files.errors import InputError
from twin.runs.prepare import prepare
from twin.runs.run import START_AFTER_MS, Run, build_world, simulate
from twin.scenarios.expectation import Expectation
from twin.scenarios.scenario import load_scenario
from twin.scenarios.steps import ACTIONS, Step, fault_steps
from twin.trip_words import PAGE
from twin.tube.tube import DEFAULT_TUBE
from twin.world.faults import FAULTS

BEAM_AT_10 = {"at_s": 10, "expect": "beam", "within_percent": 2}
TRIP = {"at_s": 10, "fault": "generator"}
TRIPPED_AT = {"at_s": 10.1, "expect": "tripped", "cause": "generator"}


def outcome(*steps, **more):
    return simulate(job(*steps, **more))


def met(*steps, **more):
    return [one.met for one in outcome(*steps, **more).expectations]


@pytest.fixture(scope="module")
def bench_short():
    return simulate(prepare("bench-short", DEFAULT_TUBE, None, None, 1, ()))


def test_the_bench_check_passes_and_each_trip_in_it_was_expected(bench_short):
    summary = bench_short.summary()
    assert summary["passed"] is True
    assert [one["met"] for one in summary["expectations"]] == [True] * 6
    assert summary["trips"] == [
        {"time_s": 15.0, "cause": "chain-a", "expected": True, "see": f"{PAGE}#chain-a"},
        {"time_s": 25.0, "cause": "generator", "expected": True, "see": f"{PAGE}#generator"},
    ]
    assert (summary["frames"], summary["simulated_s"]) == (0, pytest.approx(25.56))


@pytest.mark.parametrize("seed", range(2, 8))
def test_the_bench_check_passes_whatever_the_noise(seed):
    assert simulate(prepare("bench-short", DEFAULT_TUBE, None, None, seed, ())).passed


def test_the_bench_check_fails_if_nothing_regulates_the_current_after_the_disturbance():
    """The emission law held from just before it: the current stays 2.4 % too low."""
    run = Run(prepare("bench-short", DEFAULT_TUBE, None, None, 1, ()))
    run.world.at(12_450, lambda: setattr(run.world.command, "hold", 2))
    run.world.at(15_600, lambda: setattr(run.world.command, "hold", 0))
    run.begin()
    run.go_on(run.finish_ms)
    assert [one.met for one in run.end().expectations] == [True, True, False, True, True, True]
    assert not run.outcome.passed


@pytest.mark.parametrize("left_out", ["start", "fault"])
def test_the_bench_check_fails_if_a_start_or_a_fault_does_not_come(left_out):
    made = prepare("bench-short", DEFAULT_TUBE, None, None, 1, ())
    run = Run(made)
    act = run._act

    def deaf(step):
        if not getattr(step, left_out):
            act(step)

    run._act = deaf  # type: ignore[method-assign]
    run.begin()
    run.go_on(run.finish_ms)
    assert not run.end().passed


def test_a_cold_or_resting_tube_with_steps_starts_when_a_step_says_so_and_a_warm_one_is_on():
    for begins in ("rest", "cold"):
        run = begun({"at_s": 5, "start": True}, start=begins)
        run.go_on(5000)
        assert (
            run.world.condition == OFF
            and run.world.plant.beam_ms == build_world(run.job).plant.beam_ms
        )
        run.go_on(20_000)
        assert run.world.condition == BEAM
    run = begun({"at_s": 1, "expect": "beam", "within_percent": 2}, start="warm", end_s=5)
    run.go_on(0)
    assert run.world.condition == BEAM
    run.go_on(5000)
    assert run.end().passed


def test_a_start_that_is_not_warm_and_has_no_steps_is_switched_on_after_a_second():
    made = load_scenario("cold-start").model_copy(update={"start": "rest"})
    run = Run(type(job(START))(made, DEFAULT_TUBE, job(START).tube, job(START).calibration))
    run.begin()
    run.go_on(START_AFTER_MS)
    assert run.world.command.run
    assert STATES[run.world.condition] == "off"


def test_a_trip_that_nothing_expects_fails_the_run_and_one_that_is_expected_does_not():
    beam = {"at_s": 9, "expect": "beam"}
    assert not outcome(START, beam, TRIP).passed
    expected = outcome(START, beam, TRIP, TRIPPED_AT)
    assert expected.passed
    assert expected.unexpected_trips() == []


def test_a_second_trip_is_not_covered_by_the_expectation_of_the_first():
    again = ({"at_s": 11, "stop": True}, {"at_s": 12, "start": True})
    result = outcome(START, TRIP, TRIPPED_AT, *again)
    assert [trip["time_s"] for trip in result.trips] == [10.0, 12.0]
    assert result.unexpected_trips() == result.trips[1:]
    assert [trip["expected"] for trip in result.summary()["trips"]] == [True, False]
    assert not result.passed


def test_a_trip_of_less_than_a_second_is_not_missed():
    """A row is kept each second; here stop and start come within one."""
    steps = (
        {"at_s": 10.1, "fault": "chain-a", "for_s": 0.1},
        {"at_s": 10.3, "stop": True},
        {"at_s": 10.4, "start": True},
    )
    assert [trip["time_s"] for trip in outcome(START, *steps).trips] == [pytest.approx(10.1)]


def test_an_expectation_holds_at_its_time_or_at_some_time_within():
    ramp = {"at_s": 1, "expect": "ramp"}
    assert met(ramp, end_s=6) == [False]
    assert met(START, ramp, end_s=6) == [False]
    assert met(START, {**ramp, "within_s": 1.5}, end_s=6) == [False]
    assert met(START, {**ramp, "within_s": 2.5}, end_s=6) == [True]


def test_an_expectation_is_looked_at_at_its_very_end_too():
    one = Expectation(Step.model_validate({"at_s": 1, "expect": "off", "within_s": 0.25}), 50, 1)
    assert one.looks_ms() == [1000, 1100, 1200, 1250]


@pytest.mark.parametrize(
    ("wanted", "is_met"),
    [
        ({}, True),
        ({"within_percent": 2}, True),
        ({"within_percent": 0.1}, False),
        ({"kv": 50.2, "within_percent": 0.1}, True),
        ({"kv": 50.2, "ma": 0.98, "within_percent": 0.1}, False),
        ({"ma": 0.9, "within_percent": 2}, False),
    ],
)
def test_voltage_and_current_are_held_against_the_set_point_or_what_is_given(wanted, is_met):
    step = {"at_s": REGULATED_S, "expect": "beam", **wanted}
    assert met(START, step, end_s=11) == [is_met]


def test_the_cause_of_a_trip_must_be_the_one_expected():
    assert met(START, TRIP, {**TRIPPED_AT, "cause": "chain-a"}) == [False]
    assert met(START, TRIP, {"at_s": 10.1, "expect": "tripped"}) == [True]


def test_a_firmware_that_never_answers_has_met_nothing():
    run = begun(START, BEAM_AT_10)
    world: Any = run.world
    world.ask = lambda answer: None
    run.go_on(run.finish_ms)
    result = run.end()
    assert not result.passed
    assert result.summary()["expectations"][0]["found"] == "no answer"


def test_a_late_answer_counts_for_the_time_of_the_question():
    run = begun(START, {"at_s": 10, "expect": "off", "within_s": 0.2})
    answers: list[Any] = []
    world: Any = run.world
    world.ask = answers.append
    run.go_on(12_000)
    for answer in answers:
        answer(OFF, "")
    one = run.end().expectations[0]
    assert (one.met, one.looked_ms, len(answers)) == (True, 10_000, 3)


def test_a_disturbance_is_a_factor_on_the_emission_at_once():
    run = begun(START, {"at_s": 10.1, "disturb": "emission", "part": 0.5})
    run.go_on(10_090)
    before = run.world.plant.filament.drift
    run.go_on(10_100)
    assert run.world.plant.filament.drift == 0.5 * before


def test_what_is_due_at_one_time_happens_in_the_order_of_the_file():
    off = {"at_s": 10, "stop": True}
    on = {"at_s": 10, "start": True}
    run = begun(START, off, on)  # off and on again between two ticks is no change
    run.go_on(10_020)
    assert run.world.condition == BEAM


def test_frames_are_judged_only_after_a_warm_up_and_then_count():
    wants = {"at_s": 100, "expect": "beam"}
    unjudged = outcome(START, wants, end_s=200)
    assert unjudged.passed and unjudged.frames.true.count == 0
    settled = outcome(START, wants, end_s=400, warm_up_h=220 / 3600)
    assert settled.frames.true.count == 3
    assert settled.passed == settled.frames.held()
    dropped = {"at_s": 300, "disturb": "emission", "part": 0.2}
    spoiled = outcome(START, wants, dropped, end_s=400, warm_up_h=220 / 3600)
    assert spoiled.expectations[0].met and not spoiled.frames.held() and not spoiled.passed


def test_faults_beside_a_scenario_without_steps_end_it_as_any_trip_does():
    made = prepare("ramp", DEFAULT_TUBE, None, 0.2, 1, (), ("chain-a@60+1", "fan@30+2"))
    assert [step.at_s for step in made.faults] == [30, 60]
    result = simulate(made)
    assert [trip["cause"] for trip in result.trips] == ["chain-a"]
    assert result.trips[0]["time_s"] == pytest.approx(60.0)
    assert result.simulated_s == 181.0  # two minutes after the row that shows it
    assert "expectations" not in result.summary()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "give KIND"),
        ("fan", "give KIND"),
        ("fan@", "give KIND"),
        ("fan@-1", "give KIND"),
        ("fan@1e9", "give KIND"),
        ("fan@nan", "give KIND"),
        ("fan@3+", "give KIND"),
        ("fan@3+0", "for_s"),
        ("fann@3", "fault: 'fann' is no fault; did you mean fan?"),
        ("stuck@3", "signal: is missing; stuck needs it"),
        ("stuck:nothing=3@3", "'nothing' is no input signal"),
        ("stuck:switches=9@3", "switches reads from 0 to 7"),
        ("fan:switches=1@3", "takes neither"),
        ("fan@3.00001", "at_s: 3.00001 s is no whole number of milliseconds"),
        ("fan@3\n", "give KIND"),
    ],
)
def test_a_fault_that_cannot_be_used_is_one_line(text, says):
    with pytest.raises(InputError) as caught:
        fault_steps([text])
    assert says in str(caught.value) and "\n" not in str(caught.value)


@given(st.text(max_size=40))
def test_no_text_is_a_fault_by_accident(text):
    try:
        (step,) = fault_steps([text])
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert step.fault and step.at_s >= 0


def test_a_fault_after_the_end_of_the_run_is_refused():
    with pytest.raises(InputError, match=r"one at 360 s comes after the end of the run, 360 s"):
        prepare("ramp", DEFAULT_TUBE, None, 0.1, 1, (), ("fan@360",))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "start": st.booleans(),
    "stop": st.booleans(),
    "fault": st.sampled_from((*FAULTS, "nothing")),
    "clear": st.sampled_from((*FAULTS, "all")),
    "signal": st.sampled_from((*Inputs.NAMES, "nothing")),
    "raw": st.integers(-10, 70_000),
    "for_s": st.floats(allow_nan=True),
    "disturb": st.just("emission"),
    "part": st.floats(-1, 20),
    "expect": st.sampled_from((*STATES, "on")),
    "cause": st.sampled_from(("fan", "nothing")),
    "within_s": st.floats(-1, 10),
    "within_percent": st.integers(-1, 200),
    "kv": st.floats(),
}


@st.composite
def any_steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = []
    for at_ms in sorted(draw(st.lists(st.integers(0, 3000), max_size=5))):
        keys = draw(st.sets(st.sampled_from(tuple(VALUES)), min_size=1, max_size=3))
        steps.append({"at_s": at_ms / 1000} | {key: draw(VALUES[key]) for key in sorted(keys)})
    return steps


@given(any_steps())
def test_any_steps_are_refused_or_run_to_the_end(steps):
    try:
        run = begun(*steps, end_s=4.0)
    except ValidationError:
        return
    run.go_on(run.finish_ms)
    assert all(one.met is not None for one in run.end().expectations)


@pytest.mark.parametrize("faults", [("chain-a@14.9+1",), ("fan@3", "fan@5")])
def test_a_fault_that_is_there_already_is_refused(faults):
    with pytest.raises(InputError, match="is there already; clear it first"):
        prepare("bench-short", DEFAULT_TUBE, None, None, 1, (), faults)


HEAD = """\
title = "steps"
duration_h = 0.01
start = "rest"
[ambient]
time_h = [0, 1]
temperature_c = [20, 20]
"""


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (["at_s = 1"], "step[0]: does nothing; give one of start, stop, fault"),
        (["start = true"], "step[0].at_s: is missing; add it"),
        (["at_s = -1\nstart = true"], "step[0].at_s: -1 must be at least 0"),
        (["at_s = 1\nstart = false"], "step[0]: does nothing"),
        (["at_s = 1\nstart = true\nstop = true"], "step[0].stop: is beside start; give each"),
        (["at_s = 1\nstart = true\nwithin_s = 1"], "within_s: does not go with start; delete"),
        (["at_s = 1\nstart = 1"], "step[0].start: the number 1 instead of true or false"),
        (["at_s = 1\nbegin = true"], "step[0].begin: unknown key;"),
        (["at_s = 1\nstop = true"], "step[0].stop: does nothing: a start must come before it"),
        (["at_s = 1\nstart = true", "at_s = 2\nstart = true"], "step[1].start: does nothing"),
        (["at_s = 2\nstart = true", "at_s = 1\nstop = true"], "step[1].at_s: 1 s does not come"),
        (['at_s = 1\nfault = "lampe"'], "step[0].fault: 'lampe' is no fault; did you mean lamp?"),
        (['at_s = 1\nfault = "stuck"'], "step[0].signal: is missing; stuck needs it"),
        (['at_s = 1\nfault = "stuck"\nsignal = "kv"\nraw = 1'], "'kv' is no input signal"),
        (['at_s = 1\nfault = "fan"\nfor_s = 0'], "step[0].for_s: 0 must be above 0"),
        (['at_s = 1\nfault = "fan"\nfor_s = 0.0004'], "no whole number of milliseconds"),
        (['at_s = 1\nfault = "fan"'] * 2, "step[1].fault: fan is there already; clear it first"),
        (['at_s = 1\nclear = "fan"'], "step[0].clear: there is no fan to clear then"),
        (['at_s = 1\nclear = "all"'], "step[0].clear: there is no fault to clear then"),
        (['at_s = 1\nclear = "fun"'], "step[0].clear: 'fun' is no fault"),
        (
            ['at_s = 1\nfault = "fan"\nfor_s = 1', 'at_s = 3\nclear = "fan"'],
            "step[1].clear: there is no fan to clear then",
        ),
        (['at_s = 1\ndisturb = "emission"'], "step[0].part: is missing; disturb needs it"),
        (['at_s = 1\ndisturb = "tube"\npart = 1'], "step[0].disturb: 'tube' is unknown"),
        (['at_s = 1\ndisturb = "emission"\npart = 0'], "step[0].part: 0 must be above 0"),
        (['at_s = 1\nexpect = "on"'], "step[0].expect: 'on' is unknown; write 'off'"),
        (['at_s = 1\nexpect = "off"\ncause = "fan"'], "cause: does not go with off"),
        (['at_s = 1\nexpect = "tripped"\ncause = "fun"'], "cause: 'fun' is no interlock"),
        (['at_s = 1\nexpect = "beam"\nkv = 50'], "step[0].within_percent: is missing; kv needs"),
        (['at_s = 1\nexpect = "off"\nwithin_percent = 2'], "does not go with off; only a beam"),
        (['at_s = 99\nexpect = "off"'], "duration_h: 0.01 h is too short for its steps; give"),
        (['at_s = 30\nexpect = "off"\nwithin_s = 7'], "0.01 h is too short for its steps"),
        (["at_s = 1\nstart = true"], "step: nothing is expected and nothing judged; add"),
        (["at_s = nan\nstart = true"], "step[0].at_s: nan is not a usable number"),
    ],
)
def test_a_step_that_cannot_be_used_is_one_line_at_its_place(tmp_path, steps, says):
    path = tmp_path / "own.toml"
    path.write_text(HEAD + "".join(f"[[step]]\n{step}\n" for step in steps))
    with pytest.raises(InputError) as caught:
        load_scenario(str(path))
    line = str(caught.value)
    assert says in line and "\n" not in line
    assert int(line.partition("own.toml:")[2].partition(":")[0]) >= 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("preheat = 2000", "settings.preheat: unknown setting; did you mean preheat_ms?"),
        ('preheat_ms = "2"', "settings.preheat_ms: the text '2' instead of a number"),
        ("preheat_ms = true", "settings.preheat_ms: true instead of a number"),
    ],
)
def test_settings_that_there_are_not_are_refused_with_the_file(tmp_path, settings, says):
    path = tmp_path / "own.toml"
    expects = '[[step]]\nat_s = 1\nexpect = "off"\n'
    path.write_text(HEAD + expects + f"[settings]\n{settings}\n")
    with pytest.raises(InputError) as caught:
        load_scenario(str(path))
    assert says in str(caught.value)


def test_settings_that_cannot_be_on_this_tube_are_refused_before_the_run(tmp_path):
    path = tmp_path / "own.toml"
    expects = '[[step]]\nat_s = 1\nexpect = "off"\n'
    path.write_text(HEAD + expects + "[settings]\ntrip_head_c = 500\n")
    with pytest.raises(InputError, match=r"\[settings\] trip_head_c: 500 is outside 30 to 150"):
        prepare(str(path), DEFAULT_TUBE, None, None, 1, ())


def test_settings_are_those_of_the_firmware_of_the_run_and_of_no_other():
    made = prepare("bench-short", DEFAULT_TUBE, None, None, 1, ())
    firmware: Any = build_world(made).controller
    assert firmware.settings.preheat_ms == 2000
    assert made.tube.firmware_settings().preheat_ms == 4000


def test_hours_may_not_cut_a_step_off():
    with pytest.raises(InputError, match=r"--hours 0.005: 0.005 h is too short for its steps"):
        prepare("bench-short", DEFAULT_TUBE, None, 0.005, 1, ())


def test_with_a_room_from_a_file_steps_last_as_long_as_by_themselves(tmp_path):
    (tmp_path / "lab.csv").write_text("time_s,temperature_c\n0,20\n7200,25\n")
    made = load_scenario("bench-short").with_ambient(tmp_path / "lab.csv")
    assert made.duration_h == load_scenario("bench-short").duration_h
    (tmp_path / "short.csv").write_text("time_s,temperature_c\n0,20\n20,25\n")
    with pytest.raises(InputError, match="too short for its steps"):
        load_scenario("bench-short").with_ambient(tmp_path / "short.csv")


def test_every_action_has_words():
    steps = load_scenario("bench-short").step
    clear = Step.model_validate({"at_s": 1, "clear": "stuck", "signal": "switches"})
    assert {step.action for step in (*steps, clear)} == set(ACTIONS)
    assert clear.words() == "clear stuck switches"
    assert [step.words() for step in steps][4:7] == [
        "beam at its set point ± 2 %",
        "fault chain-a for 0.005 s",
        "tripped by chain-a within 0.3 s",
    ]


def test_a_scenario_with_steps_survives_being_dumped():
    made = scenario(START, BEAM_AT_10)
    assert type(made).model_validate(made.model_dump(mode="json")) == made
