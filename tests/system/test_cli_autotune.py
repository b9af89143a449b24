"""`tubetwin autotune` as a user meets it."""

import json

import pytest

import twin.study.autotune
from twin.study.autotune import Margins, Measured
from twin.tube.tube import TUBES

KEYS = {
    "passed",
    "reason",
    "stored",
    "tube",
    "scenario",
    "seed",
    "minutes",
    "before",
    "found",
    "capacity_j_per_k",
    "delay_s",
    "noise_k",
    "gain_margin",
    "phase_margin_deg",
    "rms_true_percent",
    "rms_measured_percent",
}
SETTINGS = {
    "head_kp_w_per_k",
    "head_ki_w_per_k_s",
    "head_kd_w_s_per_k",
    "anode_lag_s",
    "fan_g0_w_per_k",
    "fan_g1_w_per_k",
    "fan_exponent",
}


@pytest.fixture
def short(tmp_path):
    """A scenario for the check that takes a second."""
    path = tmp_path / "short.toml"
    path.write_text(
        'title = "t"\ndescription = "d"\nduration_h = 0.2\nstart = "warm"\nair_path_cm = 10\n'
        "[ambient]\ntime_h = [0, 0.2]\ntemperature_c = [22, 22.6]\n"
    )
    return ["--scenario", path]


def left(tmp_path):
    return sorted(path.name for path in tmp_path.rglob("*.json"))


def test_what_is_found_is_checked_stored_and_can_be_put_on_a_unit(tubetwin, tmp_path, short):
    status, out, _ = tubetwin("autotune", *short)
    assert status == 0
    assert out.startswith("STORED")
    assert "gain margin" in out
    for name in SETTINGS:
        assert name in out
    path = tmp_path / "out" / "cu-50w-air.calibration.json"
    known = json.loads((TUBES / "cu-50w-air.calibration.json").read_text())
    stored = json.loads(path.read_text())
    assert stored["tube"] == known["tube"]
    assert set(stored["settings"]) == set(known["settings"]) | SETTINGS
    status, out, _ = tubetwin("settings", "check", path)
    assert status == 0


def test_json_is_one_object_with_these_keys(tubetwin, tmp_path, short):
    status, out, _ = tubetwin("autotune", "--json", "--out", "x.json", "--seed", 3, *short)
    document = json.loads(out)
    assert status == 0
    assert set(document) == KEYS
    assert document["passed"] is True
    assert document["stored"] == "x.json"
    assert set(document["found"]) == set(document["before"]) == SETTINGS
    assert document["found"] != document["before"]
    assert document["minutes"] < 120.0
    assert document["rms_true_percent"] < 0.19
    assert left(tmp_path) == ["x.json"]


def test_the_experiment_can_be_drawn(tubetwin, tmp_path, short):
    status, _, _ = tubetwin("autotune", "--plot", "deep/a.png", *short)
    assert status == 0
    assert (tmp_path / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.png"]


def test_a_tube_that_cannot_be_tuned_is_exit_status_1_and_nothing_is_stored(
    tubetwin, tmp_path, short
):
    status, out, _ = tubetwin("autotune", "--drift", 15, *short)
    assert status == 1
    assert out.startswith("NOT STORED")
    assert "the room's temperature moved" in out
    assert left(tmp_path) == []
    status, out, _ = tubetwin("autotune", "--drift", 15, "--json", *short)
    document = json.loads(out)
    assert (status, document["passed"], document["found"]) == (1, False, {})
    assert "room" in document["reason"]
    assert document["gain_margin"] is None


def test_a_loop_without_margin_is_not_stored(tubetwin, tmp_path, short, monkeypatch):
    monkeypatch.setattr(twin.study.autotune, "margins", lambda *_: Margins(1.2, 10.0))
    status, out, _ = tubetwin("autotune", *short)
    assert status == 1
    assert "gain margin 1.2" in out
    assert left(tmp_path) == []


def test_what_does_not_hold_in_the_check_is_not_stored(tubetwin, tmp_path, short, monkeypatch):
    found = {
        "head_kp_w_per_k": 0.0,
        "head_ki_w_per_k_s": 0.0,
        "head_kd_w_s_per_k": 0.0,
        "fan_g1_w_per_k": 30.0,
    }
    measured = Measured(found, "", 60.0, 700.0, 6.0, 0.02)
    measured.trace.head_c.append(55.0)
    monkeypatch.setattr(twin.study.autotune, "measure", lambda *_: measured)
    monkeypatch.setattr(twin.study.autotune, "margins", lambda *_: Margins(4.0, 60.0))
    status, out, _ = tubetwin("autotune", *short)
    assert status == 1
    assert "in the check" in out
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ["nowhere", "cu-50w-air"]),
        (["cu-ru300-water"], ["water", "fan"]),
        (["--scenario", "rmap"], ["rmap", "ramp"]),
        (["--drift", "nan"], ["--drift", "K per hour"]),
        (["--drift", "99"], ["--drift", "20"]),
        (["--out", "."], ["--out", "directory"]),
        (["--plot", "a.svg"], ["--plot", ".png"]),
    ],
)
def test_unusable_input_is_one_line_and_exit_status_2(tubetwin, tmp_path, arguments, words):
    status, out, err = tubetwin("autotune", *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("tubetwin: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", "/dev/null"), "--start-beam"),
        (("--start-beam",), "--port"),
        (("--port", "/dev/null", "--start-beam", "--plot", "a.png"), "--plot"),
        (("--port", "/dev/no-such-port", "--start-beam"), "/dev/no-such-port"),
    ],
)
def test_a_unit_is_not_switched_on_by_half_a_command(tubetwin, arguments, words):
    status, out, err = tubetwin("autotune", *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
