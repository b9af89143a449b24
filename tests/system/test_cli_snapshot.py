"""Steps, faults and snapshots as a user meets them on the command line."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from twin.recording.reader import load

BENCH = ["bench-short", "--no-mqtt"]


def numbers(out: Path) -> dict[str, object]:
    summary = json.loads((out / "summary.json").read_text())
    return {key: summary[key] for key in summary if key not in ("wall_s", "realtime_factor")}


def test_the_bench_check_is_printed_kept_and_reported(tubetwin, tmp_path):
    status, out, err = tubetwin("run", *BENCH)
    assert (status, err) == (0, "")
    assert out.startswith("PASSED  (bench-short, cu-50w-air, seed 1)\n  expected   6 of 6 met\n")
    assert "limit" not in out and "intensity" not in out
    left = {path.name for path in (tmp_path / "out" / "bench-short").iterdir()}
    assert left == {"report.html", "report.png", "recording.h5", "summary.json"}
    page = (tmp_path / "out" / "bench-short" / "report.html").read_text()
    assert "<h2>Expectations</h2>" in page and page.count("✓ met") == 6
    assert 'class="gauge"' not in page and "nan" not in page.lower().replace("nano", "")
    with h5py.File(tmp_path / "out" / "bench-short" / "recording.h5") as file:
        assert b"25 s: fault generator" in file["entry/parameters/scenario/step"][()][-2]
        assert file["entry/parameters/scenario/settings/preheat_ms"][()] == 2000


def test_what_was_expected_and_is_not_there_is_exit_status_1_and_is_named(tubetwin, tmp_path):
    status, out, _ = tubetwin("run", *BENCH, "--without", "emission")
    assert status == 1
    assert out.startswith("FAILED") and "  expected   3 of 6 met" in out
    assert out.count("  not met    at ") == 3
    page = (tmp_path / "out" / "bench-short" / "report.html").read_text()
    assert page.count("✗ not met") == 3 and "3 of 6 expectations were met" in page


def test_a_fault_from_the_command_line_trips_and_fails_the_run(tubetwin, tmp_path):
    status, out, _ = tubetwin("run", *BENCH, "--fault", "lamp@20+1", "--out", "a")
    assert status == 1
    assert "  tripped    lamp at 20.25 s, not expected" in out
    assert "a trip was not expected: lamp" in (tmp_path / "a" / "report.html").read_text()
    status, out, _ = tubetwin("run", "--hours", "0.1", "--no-mqtt", "--fault", "chain-a@100")
    assert (status, out.partition("\n")[0][:24]) == (1, "TRIPPED: chain-a at 100.")


@pytest.mark.parametrize(
    ("arguments", "at_s"),
    [(["bench-short"], 15.2), (["hvac", "--hours", "0.1", "--seed", "3"], 90)],
)
def test_a_run_that_goes_on_leaves_what_the_whole_one_leaves(tubetwin, tmp_path, arguments, at_s):
    assert tubetwin("snapshot", *arguments, "s.json", "--at", at_s)[0] == 0
    whole = tubetwin("run", *arguments, "--no-mqtt", "--out", "whole")
    rest = tubetwin("run", "--resume", "s.json", "--no-mqtt", "--out", "rest")
    assert whole[0] == rest[0] == 0
    assert numbers(tmp_path / "rest") == numbers(tmp_path / "whole")
    assert f"  resumed    at {at_s:g} s" in rest[1] and "resumed" not in whole[1]
    rows, all_rows = (load(tmp_path / name / "recording.h5") for name in ("rest", "whole"))
    assert rows.now_ms[0] == 1000 * (int(at_s) + 1)
    for name, values in all_rows.columns.items():
        assert (values[-len(rows.now_ms) :] == rows.columns[name]).all()
    assert (rows.frames.measured == all_rows.frames.measured).all()
    assert rows.parameters["resumed_s"] == at_s
    page = (tmp_path / "rest" / "report.html").read_text()
    assert "This run was resumed from a snapshot" in page
    assert sentence_of(page) == sentence_of((tmp_path / "whole" / "report.html").read_text())


def sentence_of(page):
    return page.split("<h1>")[1].split("</div>")[0]


def test_the_scenario_may_be_left_out_and_is_the_ramp(tubetwin, tmp_path):
    status, out, err = tubetwin("snapshot", "s.json", "--at", "-1000")
    assert (status, out, err) == (0, "s.json: ramp, cu-50w-air, seed 1, at -1000 s\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["snapshot"], ["FILE"]),
        (["snapshot", "s.json"], ["--at"]),
        (["snapshot", "ramp", "s.json", "more", "--at", "0"], ["more: give one scenario and one"]),
        (["snapshot", "rmap", "s.json", "--at", "0"], ["rmap", "ramp"]),
        (["snapshot", "s.json", "--at", "20000"], ["--at 20000", "-1200 to 19800"]),
        (["snapshot", "s.json", "--at", "0.001"], ["--at 0.001", "steps of 0.01"]),
        (["snapshot", "s.json", "--at", "nan"], ["--at nan"]),
        (["snapshot", "s.json", "--at", "soon"], ["--at", "a valid number"]),
        (["snapshot", "no/s.json", "--at", "-1200"], ["no/s.json", "can't be written"]),
        (["snapshot", ".", "--at", "-1200"], [".: can't be written"]),
        (["run", "--resume", "none.json"], ["none.json", "no such file"]),
        (["run", "--resume", "."], [".: is a directory"]),
        (["run", "ramp", "--resume", "s.json"], ["scenario is in the snapshot"]),
        (["run", "--seed", "1", "--resume", "s.json"], ["--seed is in the snapshot"]),
        (["run", "--fault", "fan@3", "--resume", "s.json"], ["--fault is in the snapshot"]),
        (["run", "--fault", "fan"], ["--fault 'fan'", "fan@3600+10"]),
        (["run", "--fault", "fin@3"], ["did you mean fan?"]),
        (["run", "--fault", "fan@99999"], ["after the end of the run, 19800 s"]),
        (["run", "bench-short", "--hours", "0.001"], ["too short for its steps"]),
    ],
)
def test_unusable_input_is_one_line_and_exit_status_2(tubetwin, tmp_path, arguments, words):
    status, out, err = tubetwin(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("tubetwin: ") and "Traceback" not in err
    for word in words:
        assert word in err
    assert not list(tmp_path.iterdir())


def test_a_damaged_snapshot_is_one_line_and_leaves_nothing(tubetwin, tmp_path):
    tubetwin("snapshot", "bench-short", "s.json", "--at", "3")
    text = (tmp_path / "s.json").read_text()
    (tmp_path / "s.json").write_text(text.replace('"seed": 1', '"seed": 2'))
    status, out, err = tubetwin("run", "--resume", "s.json", "--no-mqtt")
    assert (status, out) == (2, "")
    assert err.startswith("tubetwin: s.json: is damaged") and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_interrupt_leaves_no_half_of_a_snapshot(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "print(flush=True); from twin.cli.main import main; main()",
            "snapshot",
            "s.json",
            "--at",
            "19800",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout and process.stdout.readline() == "\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert list(tmp_path.iterdir()) == []
    assert "s.json: ramp" not in err
