"""bench, targets and replay as their user meets them."""

import json
from xml.etree import ElementTree

import pytest

from tests.system.test_cli import KEYS, assert_one_line

ADDED = {
    "target",
    "round_trip_p50_us",
    "round_trip_p99_us",
    "overruns",
    "lost_frames",
    "worst_difference",
}
SHORT = ["bench-short", "--no-mqtt"]


@pytest.mark.parametrize("target", ["in-process", "micropython", "micropython-f32"])
def test_json_is_the_object_of_run_with_what_the_link_measured(tubetwin, target):
    status, out, _ = tubetwin("bench", *SHORT, "--target", target, "--json")
    summary = json.loads(out)
    assert status == 0
    assert set(summary) >= KEYS | ADDED
    assert summary["passed"] is True
    assert summary["target"] == target
    assert summary["lost_frames"] == summary["overruns"] == 0
    if target != "in-process":
        assert summary["link_frames"] > summary["ticks"]
        assert 0 < summary["round_trip_p50_us"] <= summary["round_trip_p99_us"]
        assert summary["worst_difference"] <= (1 if target == "micropython-f32" else 0)
        assert summary["worst_difference_percent"] < 0.19


def test_without_a_scenario_it_is_that_of_run(tubetwin):
    status, out, _ = tubetwin("bench", "--hours", "0.1", "--no-mqtt", "--json")
    summary = json.loads(out)
    assert (status, summary["scenario"], summary["frames"]) == (0, "ramp", 6)


def test_the_numbers_of_a_double_precision_target_are_those_of_run(tubetwin):
    options = ["bench-short", "--no-mqtt", "--json", "--seed", "7"]
    here = json.loads(tubetwin("run", *options)[1])
    there = json.loads(tubetwin("bench", *options, "--target", "micropython")[1])
    for key in KEYS - {"wall_s", "realtime_factor"}:
        assert here[key] == there[key]
    assert here["expectations"] == there["expectations"]


def test_several_runs_end_with_one_table(tubetwin, tmp_path):
    status, out, _ = tubetwin(
        "bench", *SHORT, "--target", "in-process", "--target", "micropython", "--junit", "j.xml"
    )
    assert status == 0
    rows = out.splitlines()[-3:]
    assert [row.split()[0] for row in rows] == ["target", "in-process", "micropython"]
    assert [row.split()[2] for row in rows[1:]] == ["PASSED", "PASSED"]
    suites = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("in-process.bench-short", "7", "0"),
        ("micropython.bench-short", "7", "0"),
    ]
    for target in ("in-process", "micropython"):
        assert (tmp_path / "out" / "bench" / target / "bench-short" / "report.html").exists()


@pytest.mark.parametrize("others", [[], ["in-process"]])
def test_a_run_that_breaks_off_is_in_the_results_of_all(tubetwin, tmp_path, others):
    """A serial line without anybody at its other end; the file is that of a run before."""
    (tmp_path / "j.xml").write_text("held")
    options = [option for name in ("loop://", *others) for option in ("--target", name)]
    status, out, err = tubetwin("bench", *SHORT, *options, "--junit", "j.xml", "--json")
    assert (status, "no answer" in err) == (2, True)
    cases = list(ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase"))
    assert (cases[0].get("classname"), cases[0].get("name")) == ("loop://.bench-short", "verdict")
    assert cases[0].find("failure") is not None
    if others:
        first, second = json.loads(out)
        assert (first["target"], first["passed"], second["passed"]) == ("loop://", False, True)
        assert "no answer" in first["error"]
        rows = tubetwin("bench", *SHORT, *options)[1].splitlines()[-2:]
        assert [row.split()[0] for row in rows] == ["loop://", "in-process"]
        assert "BROKEN OFF" in rows[0]


def test_the_table_is_whole_however_narrow_the_terminal(tubetwin, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    head, row = tubetwin("bench", *SHORT)[1].splitlines()[-2:]
    assert head.split()[-3:] == ["real", "time", "×"]
    assert row.split()[:3] == ["in-process", "bench-short", "PASSED"]


def test_two_interpreters_are_compared_output_by_output_with_the_plant_driven_here(
    tubetwin, tmp_path
):
    status, out, _ = tubetwin("bench", *SHORT, "--target", "micropython", "--compare")
    assert status == 0
    assert "ticks with micropython: every output is the same" in out
    single = ["--target", "micropython-f32", "--compare", "--junit", "j.xml"]
    status, out, _ = tubetwin("bench", *SHORT, *single)
    assert status == 1
    assert "first difference in tick" in out
    assert "grid_program_raw" in out
    failed = ElementTree.parse(tmp_path / "j.xml").getroot().findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["comparison"]


def test_the_firmware_here_is_not_compared_with_itself(tubetwin):
    status, _, err = tubetwin("bench", *SHORT, "--compare")
    assert (status, err.count("\n")) == (2, 1)
    assert "--compare: in-process" in err


def test_what_must_fail_fails_on_a_target_too(tubetwin, tmp_path):
    status, out, _ = tubetwin(
        "bench", *SHORT, "--target", "micropython", "--fault", "lamp@10", "--junit", "j.xml"
    )
    assert status == 1
    assert out.startswith("FAILED")
    assert "FAILED" in out.splitlines()[-1]
    assert "lamp" in out
    failures = list(ElementTree.parse(tmp_path / "j.xml").getroot().iter("failure"))
    assert len(failures) > 1


def test_what_was_recorded_on_one_target_is_replayed_on_another(tubetwin, tmp_path):
    assert tubetwin("bench", *SHORT, "--target", "micropython", "--record", "tape.h5")[0] == 0
    for target in ("in-process", "micropython"):
        status, out, _ = tubetwin("replay", "tape.h5", "--target", target)
        assert (status, "every output is the same" in out) == (0, True)
    status, out, _ = tubetwin("replay", "tape.h5", "--target", "micropython-f32", "--json")
    found = json.loads(out)
    assert (status == 0) == (found["first"] is None)
    assert found["ticks"] == 2556
    assert max(found["worst"].values()) <= 1


def test_a_tape_of_another_start_is_found_to_differ(tubetwin, tmp_path):
    """The negative control: the same tape with one setting changed by a ten-thousandth."""
    import h5py

    assert tubetwin("bench", *SHORT, "--record", "tape.h5")[0] == 0
    with h5py.File(tmp_path / "tape.h5", "r+") as file:
        setting = file["entry/parameters/settings/grid_ma_per_v"]
        setting[()] = setting[()] * 1.0001
    status, out, _ = tubetwin("replay", "tape.h5")
    assert status == 1
    assert "first difference in tick" in out


def test_a_snapshot_goes_on_on_another_target(tubetwin):
    options = ["bench-short", "--seed", "3"]
    whole = json.loads(tubetwin("run", *options, "--no-mqtt", "--json")[1])
    assert tubetwin("snapshot", *options, "s.json", "--at", "13.37")[0] == 0
    status, out, _ = tubetwin(
        "bench", "--resume", "s.json", "--target", "micropython", "--no-mqtt", "--json"
    )
    assert status == 0
    rest = json.loads(out)
    for key in ("expectations", "trips", "ticks", "seed", "tube_temperature_rms_k"):
        assert rest[key] == whole[key]


def test_a_tape_that_is_cut_off_is_refused_wherever_it_is_cut(tubetwin, tmp_path):
    assert tubetwin("bench", *SHORT, "--record", "tape.h5")[0] == 0
    whole = (tmp_path / "tape.h5").read_bytes()
    for part in (0, 11, 12, 500, len(whole) // 2, len(whole) - 1):
        (tmp_path / "tape.h5").write_bytes(whole[:part])
        assert_one_line(tubetwin("replay", "tape.h5"), "tape.h5", "cannot read")


def test_a_resumed_run_has_no_tape_for_its_firmware_would_begin_without_memory(tubetwin):
    assert tubetwin("snapshot", "bench-short", "s.json", "--at", "13")[0] == 0
    said = tubetwin("bench", "--resume", "s.json", "--record", "t.h5", "--no-mqtt")
    assert_one_line(said, "--record with --resume", "record the whole run")


def test_the_report_says_on_what_and_promises_no_bits_in_real_time(tubetwin, tmp_path):
    (tmp_path / "seconds.toml").write_text(
        'title = "some seconds at rest"\nduration_h = 0.001\nstart = "rest"\n'
        "[ambient]\ntime_h = [0, 0.001]\ntemperature_c = 20\n"
        '[[step]]\nat_s = 0.5\nexpect = "off"\n'
    )
    for mode, promised in (("--lockstep", True), ("--real-time", False)):
        run = ("seconds.toml", "--no-mqtt", "--target", "micropython", "--out", "o")
        assert tubetwin("bench", *run, mode)[0] == 0
        page = (tmp_path / "o" / "report.html").read_text()
        assert '<data id="target" value="micropython">' in page
        assert ("bit for bit" in page) is promised


def test_targets_says_what_is_here_and_what_is_missing_and_why(tubetwin, monkeypatch):
    status, out, _ = tubetwin("targets")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "][:4] == [
        "in-process",
        "micropython",
        "micropython-f32",
        "rp2040",
    ]
    assert "missing" not in out
    monkeypatch.setenv("TUBETWIN_PICO_IMAGE", "/nowhere/pico.uf2")
    rows = {row["target"]: row for row in json.loads(tubetwin("targets", "--json")[1])}
    assert rows["micropython"]["available"]
    assert not rows["rp2040"]["available"]
    assert "/nowhere/pico.uf2" in rows["rp2040"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bench", "--target", "pdp-11"], ["--target", "pdp-11", "micropython"]),
        (["bench", "--target", "/dev/nothing"], ["/dev/nothing", "plug the board in"]),
        (["bench", "--target", "socket://127.0.0.1:1"], ["socket://127.0.0.1:1", "opened"]),
        (["bench", "--lockstep", "--real-time"], ["one of the two"]),
        (["bench", "--target", "rp2040", "--resume", "none.json"], ["none.json"]),
        (["bench", "ramp", "--target", "rp2040"], ["too many", "bench-short"]),
        (["bench", "--target", "rp2040", "--without", "thermal"], ["--without", "rp2040|emulated"]),
        (["bench", *SHORT, "--target", "rp2040", "--record", "t.h5"], ["--record", "its chips"]),
        (["bench", "--target", "socket://"], ["--target socket://", "host and port"]),
        (["bench", "--target", "/dev/null"], ["--target /dev/null", "(Inappropriate ioctl"]),
        (["bench", *SHORT, "--record", ""], ["names no file"]),
        (["bench", *SHORT, "--real-time", "--rate", "2"], ["--rate 2", "the target sets the rate"]),
        (["bench", "no-such"], ["no-such", "bench-short"]),
        (["bench", "door", "ramp", "--record", "t.h5"], ["--record", "one scenario"]),
        (["bench", *SHORT, "--junit", "no/such/j.xml"], ["--junit", "no/such"]),
        (["bench", *SHORT, "--record", "no/such/t.h5"], ["no/such/t.h5"]),
        (["bench", "--resume", "none.json"], ["none.json"]),
        (["bench", "--fault", "warp@3"], ["warp"]),
        (["replay", "none.h5"], ["none.h5", "no such recording"]),
        (["replay", "none.h5", "--target", "pdp-11"], ["pdp-11"]),
        (["replay", "none.h5", "--ticks", "0"], ["ticks"]),
    ],
)
def test_what_is_unusable_is_one_line_and_nothing_is_left(tubetwin, tmp_path, arguments, words):
    answer = tubetwin(*arguments)
    status, out, err = answer
    assert status == 2
    assert out == ""
    assert err.splitlines()[-1].startswith("tubetwin: ")
    assert "Traceback" not in err
    for word in words:
        assert any(one in err for one in word.split("|"))
    assert not (tmp_path / "t.h5").exists()


def test_a_missing_target_is_one_line_before_anything_happens(tubetwin, monkeypatch, tmp_path):
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", "/nowhere/micropython")
    answer = tubetwin("bench", *SHORT, "--target", "in-process", "--target", "micropython")
    assert_one_line(answer, "--target micropython", "/nowhere/micropython")
    assert list(tmp_path.iterdir()) == []
