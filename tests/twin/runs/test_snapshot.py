"""A run saved at any tick goes on in another process to the last bit; a damaged file never does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.controller import BEAM, PREHEAT, RAMP, TRIPPED
from tests.kit.quick_runs import START, begun, job
from tests.kit.resume_elsewhere import resumed, to_the_end
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.prepare import prepare
from twin.runs.run import Run
from twin.runs.snapshot import Snapshot, load_snapshot, save_snapshot, take_snapshot
from twin.tube.tube import DEFAULT_TUBE, builtin_tubes


def prepared(scenario: str, hours: float | None = None, seed: int = 1, **more: Any) -> Job:
    return prepare(scenario, DEFAULT_TUBE, None, hours, seed, **{"without": (), **more})


def assert_goes_on(there: dict[str, Any], whole: dict[str, Any]) -> None:
    """All of the frames, the rows from the snapshot on, verdict, figures and the last state."""
    rows = len(there["rows"])
    assert there["rows"] == whole["rows"][len(whole["rows"]) - rows :]
    for key in ("frames", "passed", "summary", "state"):
        assert there[key] == whole[key]


JOBS: dict[str, tuple[Callable[[], Job], tuple[float, ...]]] = {
    # in warm-up, at and beside the start, before 0, at 0, between samples, within a frame
    "ramp": (lambda: prepared("ramp", 0.1), (-1200, -1199, -1198.99, -0.01, 0, 90.37, 360)),
    "ramp of another seed, law held, fan stuck at times": (
        lambda: prepared("ramp", 0.1, 7, without=("thermal",), faults=("fan@60+4", "lamp@200+0.1")),
        (-300, 59.99, 60, 61.23, 64, 200.05),
    ),
    "cold-start": (lambda: prepared("cold-start", 1.1, 3), (0, 0.01, 3.3, 3599.5, 3600, 3700.01)),
    # before the start, in preheat, in the ramp, tripped, before and after the restart
    "bench-short": (
        lambda: prepared("bench-short", seed=5),
        (0, 3.99, 4, 5, 6.5, 12.5, 15, 15.01, 15.2, 16, 20.77, 25.01, 25.15, 25.56),
    ),
    # a trip ends it: before, and after
    "a trip that ends the run": (
        lambda: prepared("ramp", 0.2, faults=("chain-a@100+0.01",)),
        (99.99, 100, 100.01, 150),
    ),
    "all kinds of faults at once": (
        lambda: job(
            START,
            {"at_s": 9, "fault": "stale-mount"},
            {"at_s": 9.1, "fault": "stuck", "signal": "room_pressure_raw", "raw": 90000},
            {"at_s": 9.2, "fault": "offset", "signal": "head_temperature_raw", "raw": 40},
            {"at_s": 9.3, "fault": "stale-room"},
            {"at_s": 14, "clear": "stale-mount"},
            {"at_s": 15, "clear": "all"},
            {"at_s": 19, "expect": "beam", "within_percent": 5, "within_s": 1},
        ),
        (9.05, 9.33, 12.34, 14.5, 15, 19.55),
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_run_goes_on_in_another_process_bit_for_bit(tmp_path, name):
    make, times_s = JOBS[name]
    made = make()
    files = []
    for time_s in times_s:
        files.append(tmp_path / f"at {time_s}.json")
        save_snapshot(files[-1], take_snapshot(made, time_s))
    there = subprocess.run(
        [sys.executable, "-m", "tests.kit.resume_elsewhere", *map(str, files)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    whole = to_the_end(made)
    for came_of_it in json.loads(there.stdout):
        assert_goes_on(came_of_it, whole)


@pytest.fixture(scope="module")
def short():
    made = prepared("bench-short", seed=2)
    return made, to_the_end(made)


@settings(max_examples=25)
@given(tick=st.integers(0, 2556))
def test_it_may_be_any_tick(short, tick):
    made, whole = short
    taken = take_snapshot(made, 0.01 * tick)
    assert taken.now_ms == 10 * tick
    plain = json.loads(json.dumps(taken.state))
    assert_goes_on(resumed(Snapshot(made, plain)), whole)


def test_a_run_that_is_resumed_twice_is_still_the_same(short):
    made, whole = short
    run = Run(made)
    run.load(take_snapshot(made, 7.77).state)
    run.begin()
    run.go_on(18_880)
    assert_goes_on(resumed(Snapshot(made, run.state())), whole)


def test_taking_a_snapshot_changes_nothing(short):
    made, whole = short
    run = Run(made)
    run.begin()
    for time_ms in (*range(0, 25_000, 330), run.finish_ms):
        run.go_on(time_ms)
        run.state()
    run.end()
    assert json.dumps([run.world.state(), run.outcome.state()], sort_keys=True) == whole["state"]


def test_one_bit_of_the_state_changed_shows(short):
    """The check of all the tests above can fail: the last bit of the head's temperature."""
    made, whole = short
    state = json.loads(json.dumps(take_snapshot(made, 13.0).state))
    sound = resumed(Snapshot(made, state))
    heat = state["world"]["plant"]["heat"]
    name = next(name for name, value in heat.items() if isinstance(value, float) and value > 1.0)
    heat[name] *= 1.0 + 2.0**-52
    changed = resumed(Snapshot(made, state))
    assert_goes_on(sound, whole)
    with pytest.raises(AssertionError):
        assert_goes_on(changed, whole)


@pytest.mark.parametrize(
    ("at_s", "path"),
    [
        (13.0, ("world", "plant", "filament", "drift")),
        (13.0, ("world", "plant", "noise", "next")),
        (13.0, ("world", "plant", "slow_noise", "next")),
        (13.0, ("world", "controller", "emission", "filament")),
        (13.0, ("world", "controller", "compensation", "trim")),
        (17.0, ("world", "controller", "in_condition_ms")),
        (13.0, ("outcome", "head_c", 1)),
    ],
)
def test_each_part_of_the_state_counts(short, at_s, path):
    made, whole = short
    state = json.loads(json.dumps(take_snapshot(made, at_s).state))
    inner = state
    for key in path[:-1]:
        inner = inner[key]
    value = inner[path[-1]]
    inner[path[-1]] = value + 100 if isinstance(value, int) else value * 1.001 + 1e-6
    with pytest.raises(AssertionError):
        assert_goes_on(resumed(Snapshot(made, state)), whole)


def test_the_times_tried_are_in_every_state_of_the_firmware():
    seen = set()
    for time_s in JOBS["bench-short"][1]:
        taken = take_snapshot(prepared("bench-short", seed=5), time_s)
        seen.add(taken.state["world"]["controller"]["condition"])
    assert {PREHEAT, RAMP, BEAM, TRIPPED} < seen


def test_the_state_is_plain_data():
    def check(node: Any) -> None:
        assert type(node) in (dict, list, tuple, str, int, float, bool, type(None)), node
        if isinstance(node, dict):
            assert all(type(key) is str for key in node)
            for value in node.values():
                check(value)
        elif isinstance(node, list | tuple):
            for value in node:
                check(value)

    run = begun(START, {"at_s": 9, "fault": "stale-room"}, {"at_s": 9, "expect": "beam"})
    run.go_on(9500)
    check(run.state())


def test_the_job_comes_back_as_it_was(tmp_path):
    path = tmp_path / "s.json"
    least = 'title = "least"\nduration_h = 1\nstart = "warm"\n[ambient]\n'
    (tmp_path / "least.toml").write_text(least + "time_h = [0, 1]\ntemperature_c = 20\n")
    for made in (
        prepared(str(tmp_path / "least.toml")),
        prepared("hvac", 0.1, 2**40, without=("compensation",)),
        prepared("bench-short", faults=("stuck:room_pressure_raw=90000@3.25+1", "fan@1")),
        replace(prepared("cold-start"), tube_name="an other"),
        *(prepare("ramp", name, None, None, 1, ()) for name in builtin_tubes()),
    ):
        save_snapshot(path, Snapshot(made, {}))
        assert load_snapshot(path).job == made


def test_a_room_from_a_file_is_in_the_snapshot(tmp_path):
    csv = tmp_path / "lab.csv"
    rows = [f"{7 * row},{20 + (row % 5) / 3},{1000 + row / 7}\n" for row in range(60)]
    csv.write_text("time_s,temperature_c,pressure_hpa\n" + "".join(rows))
    made = prepare("ramp", DEFAULT_TUBE, str(csv), 0.1, 1, ())
    path = tmp_path / "s.json"
    save_snapshot(path, take_snapshot(made, 77.77))
    csv.unlink()
    assert_goes_on(resumed(load_snapshot(path)), to_the_end(made))


def test_a_snapshot_is_the_same_file_each_time(tmp_path):
    for name in "ab":
        save_snapshot(tmp_path / name, take_snapshot(prepared("bench-short"), 10.0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("at_s", [-0.01, 25.57, 1e300, float("nan"), float("inf"), 0.005, 1.23456])
def test_a_time_without_a_tick_is_refused(at_s):
    with pytest.raises(InputError, match=r"^--at \S+: give seconds from 0 to 25.56, in steps of"):
        take_snapshot(prepared("bench-short"), at_s)


def test_a_time_after_the_end_of_a_tripped_run_is_refused():
    made = prepared("ramp", 0.2, faults=("chain-a@10",))
    with pytest.raises(InputError, match="the run ends at 131 s, after a trip: chain-a; give"):
        take_snapshot(made, 200.0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "s.json"
    save_snapshot(path, take_snapshot(prepared("bench-short"), 13.0))
    return path.read_bytes()


def told(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_snapshot(path)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(str(path)) and "; " in line
    return line


@given(data=st.data())
def test_no_damaged_file_is_taken_for_a_snapshot(saved, tmp_path_factory, data):
    """A byte changed, cut out or put in: refused, unless it says the very same."""
    path = tmp_path_factory.mktemp("damaged") / "s.json"
    at = data.draw(st.integers(0, len(saved) - 1))
    new = data.draw(st.binary(max_size=2))
    damaged = saved[:at] + new + saved[at + 1 :]
    path.write_bytes(damaged)
    try:
        same = json.loads(damaged) == json.loads(saved)
    except ValueError:
        same = False
    if same:
        assert load_snapshot(path).state == json.loads(saved)["state"]
    else:
        told(path)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused(saved, tmp_path, part):
    path = tmp_path / "s.json"
    path.write_bytes(saved[: int(part * len(saved))])
    assert "is no snapshot, or a damaged one; make it again" in told(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"3",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"tubetwin_snapshot": 1',
        b'title = "a scenario"',
        b"\x00" * 1000,
        b"9" * 10_000,
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    assert "is no snapshot" in told(path)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("tubetwin_snapshot", 0, "is a snapshot of format 0, this tubetwin reads 1; make it again"),
        ("tubetwin_snapshot", "1", "is a snapshot of format '1', this tubetwin"),
        ("tubetwin_snapshot", None, "is a snapshot of format None"),
        ("firmware", "0123", "was made with another version of firmware/ and would not go on"),
        ("twin", "0123", "was made with another version of twin/ and would not go on the same"),
        ("sha256", "0123", "is damaged, its checksum does not fit"),
        ("state", {}, "is damaged, its checksum does not fit"),
        ("job", None, "is damaged, its checksum does not fit"),
    ],
)
def test_another_version_or_content_is_refused(saved, tmp_path, key, value, says):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({**json.loads(saved), key: value}))
    assert says in told(path)


@pytest.mark.parametrize("key", ["job", "state", "sha256", "firmware", "twin"])
def test_a_snapshot_without_one_of_its_parts_is_refused(saved, tmp_path, key):
    path = tmp_path / "s.json"
    document = json.loads(saved)
    del document[key]
    path.write_text(json.dumps(document))
    assert "is damaged" in told(path)


def test_what_is_no_file_is_refused(tmp_path):
    assert "no such file" in told(tmp_path / "nothing.json")
    assert "is a directory" in told(tmp_path)


def test_where_it_cannot_be_written_nothing_is_left(tmp_path):
    taken = take_snapshot(prepared("bench-short"), 0.0)
    for path, says in (
        (tmp_path / "no" / "s.json", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / ("x" * 300), "name too long"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            save_snapshot(path, taken)
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []
