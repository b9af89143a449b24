"""A run from Python: what goes in, what comes out, and that nothing else happens."""

import builtins
import html
import json
import math
import socket
import sys
from dataclasses import replace

import numpy as np
import pytest

import twin
from twin.files.json import plain
from twin.recording.columns import COLUMNS
from twin.recording.reader import load
from twin.runs.prepare import prepare
from twin.runs.run import simulate

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def result():
    return twin.run("ramp", hours=0.1, seed=3)


def test_the_numbers_are_those_of_the_command_line(result):
    outcome = simulate(prepare("ramp", "cu-50w-air", None, 0.1, 3, ()))
    assert result.rms_true_percent == outcome.frames.true.rms_percent
    assert result.rms_measured_percent == outcome.frames.measured.rms_percent
    assert result.held is outcome.passed is True
    assert result.trips == []
    assert result.verdict == outcome.verdict()
    assert str(result).startswith("HELD: Intensity varied by less than 0.19 % rms over 6 min")
    assert repr(result) == "<twin.Result HELD: ramp, cu-50w-air>"


def test_the_frame_has_a_row_each_second_and_the_frames_one_each_minute(result):
    frame, frames = result.frame, result.frames
    assert list(frame.columns) == [column.name for column in COLUMNS] == list(result.units)
    assert frame["now_ms"].iloc[0] == -1_199_000
    assert frame["now_ms"].iloc[-1] == 360_000
    assert set(np.diff(frame["now_ms"])) == {1000}
    assert list(frames["start_ms"]) == list(range(0, 360_000, 60_000))
    spread = 100.0 * frames["intensity_true"].std(ddof=0) / frames["intensity_true"].mean()
    assert spread == pytest.approx(result.rms_true_percent, rel=1e-9)


def test_without_pandas_the_frame_is_a_dict_of_columns(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    other = twin.Result(result._outcome, result._kept, result._call)
    assert isinstance(other.frame, dict)
    assert len(other.frame["kv"]) == len(result.frame)
    np.testing.assert_array_equal(other.frame["kv"], result.frame["kv"])


def test_a_law_a_fault_and_a_setting_arrive_in_the_job():
    made = twin.run(
        "ramp", hours=0.05, without="thermal", faults="fan@60+1", settings={"kv": 48.0}
    ).job
    assert made.without == ("thermal",)
    assert [step.fault for step in made.faults] == ["fan"]
    assert made.settings().kv == 48.0


def test_scenario_and_tube_may_be_objects(result):
    made = twin.run(twin.scenario("ramp", hours=0.1), tube=twin.describe_tube("cu-50w-air"), seed=3)
    assert made.rms_true_percent == result.rms_true_percent
    assert made.job.tube_name == twin.describe_tube("cu-50w-air").title


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scenario": "rampe"}, "not built in"),
        ({"tube": "cu"}, "not built in"),
        ({"hours": 99.0}, "at most 5.5"),
        ({"without": ["termal"]}, "did you mean thermal"),
        ({"seed": -1}, "seed -1: give a whole number"),
        ({"settings": {"kvv": 1.0}}, "settings: 'kvv' is unknown"),
        ({"settings": {"kv": math.nan}}, "settings: kv is not finite"),
        ({"settings": {"kv": "50"}}, "settings: kv is not a number"),
        ({"faults": ["nothing@1"]}, "nothing"),
        ({"ambient": "/no/such/room.csv"}, "room.csv"),
    ],
)
def test_what_is_not_usable_is_one_line(arguments, words):
    with pytest.raises(twin.InputError, match=words) as caught:
        twin.run(**arguments)
    assert "\n" not in str(caught.value)


def test_a_run_opens_no_connection_and_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ordinary = builtins.open

    def only_reading(path, mode="r", *rest, **more):
        assert not set(mode) & set("wax+"), f"{path} is opened for writing"
        return ordinary(path, mode, *rest, **more)

    def refuse(*_arguments, **_more):
        raise AssertionError("a connection")

    monkeypatch.setattr(builtins, "open", only_reading)
    monkeypatch.setattr(socket, "socket", refuse)
    twin.run("bench-short")
    assert list(tmp_path.iterdir()) == []


def test_the_report_leaves_what_the_command_leaves(result, tmp_path):
    page = result.report(tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    assert {path.name for path in page.parent.iterdir()} == {
        "report.html",
        "report.png",
        "recording.h5",
        "summary.json",
    }
    call = "twin.run('ramp', tube='cu-50w-air', seed=3, hours=0.1)"
    assert call in html.unescape(page.read_text())
    assert json.loads((page.parent / "summary.json").read_text()) == plain(result.summary)
    recorded = load(page.parent / "recording.h5")
    np.testing.assert_array_equal(recorded.columns["intensity"], result.frame["intensity"])
    np.testing.assert_array_equal(recorded.frames.measured, result.frames["intensity_measured"])


def test_the_run_with_the_laws_off_stands_beside_it_if_asked_for(tmp_path):
    folder = tmp_path / "out"
    twin.run("ramp", hours=0.05, out=folder)
    assert not (folder / "laws-off.h5").exists()
    assert "for comparison" not in (folder / "report.html").read_text()
    twin.run("ramp", hours=0.05).report(folder, laws_off=True)
    assert (folder / "laws-off.h5").exists()
    assert "for comparison" in (folder / "report.html").read_text()


def test_a_folder_that_cannot_be_written_is_known_before_the_run(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr("twin.runs.result.simulate", None)  # would raise TypeError
    with pytest.raises(twin.InputError, match="taken"):
        twin.run("ramp", out=tmp_path / "taken")


def test_progress_goes_from_nothing_to_all():
    seen: list[float] = []
    twin.run("ramp", hours=0.1, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 6
    assert seen[-1] == 1.0


def test_a_water_cooled_tube_has_no_fan_anywhere_in_its_verdict():
    made = twin.run("ramp", tube="cu-txs-water", hours=0.05)
    assert made.verdict.fan is None
    assert "fan" not in str(made)
    assert "fan's interlock" in made.notes[0]


def test_a_scenario_that_is_a_check_passes_or_fails():
    passed = twin.run("bench-short")
    assert passed.verdict.word == "PASSED"
    assert math.isnan(passed.rms_true_percent)
    failed = twin.run("bench-short", without=["emission"])
    assert failed.verdict.word == "FAILED"
    assert not failed.held
    assert replace(failed.verdict, passed=True).sign != failed.verdict.sign
