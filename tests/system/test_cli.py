"""The command line as a user meets it: verdict, exit status, one line for what is unusable."""

import json
import math
import signal
import subprocess
import sys

import pytest

from twin.tube.tube import TUBES, builtin_tubes

SHORT = ["--hours", "0.1", "--no-mqtt"]
KEYS = {
    "passed",
    "limit_percent",
    "rms_true_percent",
    "rms_measured_percent",
    "peak_to_peak_true_percent",
    "tube_temperature_rms_k",
    "trips",
    "frames",
    "ticks",
    "simulated_s",
    "wall_s",
    "realtime_factor",
    "seed",
    "tube",
    "scenario",
    "verdict",
}


def assert_one_line(answer, *words):
    status, out, err = answer
    assert status == 2
    assert out == ""
    assert err.startswith("tubetwin: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word in err


def test_a_held_limit_is_exit_status_0_and_leaves_report_and_recording(tubetwin, tmp_path):
    status, out, _ = tubetwin("run", *SHORT)
    assert status == 0
    assert out.startswith("HELD")
    assert "0.19 %" in out
    left = {path.name for path in (tmp_path / "out" / "ramp").iterdir()}
    assert left == {"report.html", "report.png", "recording.h5", "laws-off.h5", "summary.json"}


@pytest.mark.parametrize("name", ["recording.csv", "laws-off.h5"])
def test_a_folder_in_the_place_of_a_result_is_one_line_before_the_run(tubetwin, tmp_path, name):
    (tmp_path / "out" / "ramp" / name).mkdir(parents=True)
    assert_one_line(tubetwin("run", *SHORT), f"{name} is a directory; remove it")


def test_json_is_one_object_with_these_keys_and_nothing_else(tubetwin):
    status, out, _ = tubetwin("run", "--json", *SHORT)
    summary = json.loads(out)
    assert status == 0
    assert set(summary) == KEYS
    assert summary["passed"] is True
    assert set(summary["verdict"]) == {"word", "sentence"}
    assert summary["verdict"]["word"] == "HELD"
    assert summary["frames"] == 6
    assert summary["ticks"] == 36_000
    assert summary["simulated_s"] == 360.0
    assert summary["limit_percent"] == 0.19
    assert summary["scenario"] == "ramp"
    assert summary["seed"] == 1


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(tubetwin, tmp_path):
    def numbers(seed, out):
        summary = json.loads(tubetwin("run", "--json", "--seed", seed, "--out", out, *SHORT)[1])
        return {k: v for k, v in summary.items() if k not in ("wall_s", "realtime_factor")}

    first, again, other = numbers(5, "a"), numbers(5, "b"), numbers(6, "c")
    assert first == again
    assert first["rms_true_percent"] != other["rms_true_percent"]
    recordings = [(tmp_path / out / "laws-off.h5").read_bytes() for out in "ab"]
    assert recordings[0] == recordings[1]


def test_a_limit_that_is_missed_is_exit_status_1(tubetwin):
    status, out, _ = tubetwin("run", "--without", "thermal", "--no-mqtt")
    assert status == 1
    assert out.startswith("NOT HELD")


def test_a_trip_is_exit_status_1_and_is_named(tubetwin, tmp_path):
    tube = (TUBES / "cu-50w-air.toml").read_text()
    (tmp_path / "timid.toml").write_text(tube + "trip_head_c = 68\n")
    (tmp_path / "hot.toml").write_text(
        'title = "a room that the tube cannot stand"\nduration_h = 2.0\nstart = "warm"\n'
        "[ambient]\ntime_h = [0, 0.3, 2]\ntemperature_c = [25, 59, 60]\n"
    )
    status, out, err = tubetwin("run", "hot.toml", "--tube", "timid.toml", "--no-mqtt", "--json")
    summary = json.loads(out)
    assert status == 1
    assert [trip["cause"] for trip in summary["trips"]] == ["over-temperature"]
    assert 0.1 * 3600 < summary["trips"][0]["time_s"] < 7200
    assert summary["simulated_s"] < 7200
    assert "the fan holds the head" in err  # and it had said so before


def test_what_is_built_in_is_listed_one_line_each(tubetwin):
    status, out, _ = tubetwin("scenarios")
    names = [line.split()[0] for line in out.splitlines()]
    assert status == 0
    assert names == ["bench-short", "cold-start", "door", "hvac", "long-path", "ramp", "triangle"]
    table = tubetwin("tubes")[1].splitlines()
    assert [line.split()[0] for line in table[2:]] == builtin_tubes()


def test_a_room_from_a_file_lasts_as_long_as_the_file(tubetwin, tmp_path):
    (tmp_path / "lab.csv").write_text("time_s,temperature_c\n0,21\n150,21.2\n300,21\n")
    answer = tubetwin("run", "--ambient", "lab.csv", "--json", "--no-mqtt", "--hours", "5")
    summary = json.loads(answer[1])
    assert summary["simulated_s"] == 300.0
    assert summary["frames"] == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["lab.csv", "empty"]),
        ("time_s,temperature_c\n0,20\n60,20\n30,20\n", ["lab.csv:4"]),
        ("time_s,temperature_c\n0,20\n600,nan\n", ["lab.csv:3"]),
        ("time_s,temperature_c\n0,20\n600,300\n", ["lab.csv:3", "300", "°C"]),
        ("time_s,temperature_c,colour\n0,20,1\n600,20,2\n", ["lab.csv:1", "colour"]),
        ("seconds,temperature_c\n0,20\n600,20\n", ["lab.csv:1", "seconds"]),
        ("time_s;temperature_c\n0;20,5\n600;20,5\n", ["lab.csv:1"]),
    ],
)
def test_an_unusable_room_file_is_one_line_that_names_the_line(tubetwin, tmp_path, content, words):
    (tmp_path / "lab.csv").write_text(content)
    assert_one_line(tubetwin("run", "--ambient", "lab.csv", "--no-mqtt"), *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "rmap"], ["rmap", "ramp"]),
        (["run", "nowhere.toml"], ["nowhere.toml"]),
        (["run", "--tube", "x100"], ["x100", "cu-50w-air"]),
        (["run", "--tube", "nowhere.toml"], ["nowhere.toml"]),
        (["run", "--ambient", "nowhere.csv"], ["nowhere.csv"]),
        (["run", "--without", "termal"], ["termal", "thermal"]),
        (["run", "--hours", "-1"], ["-1"]),
        (["run", "--hours", "nan"], ["nan"]),
        (["run", "--hours", "0"], ["0"]),
        (["run", "--hours", "8"], ["8", "5.5"]),
        (["run", "--hours", "0.01"], ["0.01", "frames"]),
        (["run", "--hours", "many"], ["--hours"]),
        (["run", "--seed", "-4"], ["--seed"]),
        (["run", "--seed", "one"], ["--seed"]),
        (["run", "--rate", "0"], ["--rate 0"]),
        (["run", "--rate", "fast"], ["fast", "max"]),
        (["run", "--broker", "http://localhost"], ["http"]),
        (["run", "--broker", "mqtt://127.0.0.1:1"], ["127.0.0.1:1"]),
        (["run", "--broker", "mqtt://127.0.0.1:99999"], ["99999"]),
        (["run", "--broker", "mqtt://127.0.0.1", "--no-mqtt"], ["--no-mqtt"]),
        (["run", "--nonsense"], ["--nonsense"]),
        (["fly"], ["fly"]),
        (["commission", "nothing"], ["nothing"]),
    ],
)
def test_unusable_input_is_one_line_and_exit_status_2(tubetwin, tmp_path, arguments, words):
    assert_one_line(tubetwin(*arguments), *words)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made_is_one_line(tubetwin, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert_one_line(tubetwin("run", "--out", "file/below", *SHORT), "file/below")


def test_help_teaches_and_a_bare_call_shows_it(tubetwin):
    status, out, _ = tubetwin("run", "--help")
    assert status == 0
    for word in ("--tube", "--ambient", "--without", "--broker", "--rate", "thermal"):
        assert word in out
    assert "Exit status" in tubetwin("--help")[1]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written(tmp_path, how):
    """Ctrl-C in a paced run, as a terminal sends it; or the signal of whoever cancels a job."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from twin.cli.main import main; main()",
            "run",
            "--rate",
            "1",
            "--no-mqtt",
            "--out",
            str(tmp_path / "out"),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    hidden = None
    while hidden is None and process.poll() is None:  # until the recording has begun
        hidden = (
            next((tmp_path / "out").glob(".recording*"), None)
            if (tmp_path / "out").exists()
            else None
        )
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "tubetwin: interrupted"
    assert "Traceback" not in err
    assert out == ""
    assert not list((tmp_path / "out").iterdir())


def test_the_command_in_the_report_has_no_password():
    from twin.runs.perform import _command

    command = _command(["run", "--broker", "mqtts://lab:s3cret@host:8883", "--seed", "2"])
    assert command == "tubetwin run --broker mqtts://lab:***@host:8883 --seed 2"


def test_no_figure_is_null_in_json_when_there_is_nothing_to_judge():
    from twin.files.json import plain

    assert plain({"rms": math.nan, "n": 1}) == {"rms": None, "n": 1}
