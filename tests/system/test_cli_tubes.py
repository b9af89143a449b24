"""The commands about tubes as a user meets them: tubes, tube, compare, budget, sensitivity."""

import json
import os
import signal
import subprocess
import sys

import pytest

import twin.runs.prepare
import twin.study.budget
import twin.study.sensitivity
from twin.runs.job import Job
from twin.runs.perform import laws_note
from twin.scenarios.scenario import load_scenario
from twin.tube.tube import TUBES, builtin_tubes, load_tube

DEFAULT = (TUBES / "cu-50w-air.toml").read_text(encoding="utf-8")
# Six minutes from cold: no tube takes a second of a processor.
COLD = """title = "six minutes from cold"
duration_h = 0.1
start = "cold"
warm_up_h = 0.05
air_path_cm = 10
[ambient]
time_h = [0, 0.1]
temperature_c = [21, 22]
"""
TUBE_KEYS = {
    "name",
    "power_w",
    "focal_spot_um",
    "w_per_um",
    "focal_spot_class",
    "cooling",
    "melting_margin_k",
}
COMPARE_KEYS = {"tube", "relative_intensity", "published", "difference_percent"}
BUDGET_KEYS = {
    "mechanism",
    "percent_per_k",
    "rms_uncontrolled_percent",
    "rms_controlled_percent",
}


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """Budgets and sensitivities that are soon done: a scenario from cold, three mechanisms, no
    commissioning and no other processes."""
    (tmp_path / "cold.toml").write_text(COLD)

    def run_all(work, tasks, progress):
        return [work(task) for task in tasks]

    for module in (twin.study.budget, twin.study.sensitivity):
        monkeypatch.setattr(module, "run_all", run_all)
        monkeypatch.setattr(module, "commission", lambda tube: {})
    monkeypatch.setattr(twin.runs.prepare, "calibration_of", lambda *_: {})
    wanted = ("expansion of the head", twin.study.budget.AIR, twin.study.budget.ARCS)
    few = tuple(one for one in twin.study.budget.MECHANISMS if one.name in wanted)
    assert len(few) == len(wanted)
    monkeypatch.setattr(twin.study.budget, "MECHANISMS", few)


@pytest.fixture
def nothing_runs(monkeypatch):
    """Fail where anything long begins."""

    def refuse(*arguments, **named):
        raise AssertionError("a long run has begun")

    for module in (twin.study.budget, twin.study.sensitivity):
        monkeypatch.setattr(module, "run_all", refuse)
    monkeypatch.setattr(twin.runs.prepare, "calibration_of", refuse)


def assert_one_line(answer, *words):
    status, out, err = answer
    assert status == 2
    assert out == ""
    assert err.startswith("tubetwin: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word in err


def changed(entry, value):
    """The default tube's text with one entry's line replaced."""
    lines = [
        f"{entry} = {value}" if line.startswith(f"{entry} =") else line
        for line in DEFAULT.splitlines()
    ]
    assert lines != DEFAULT.splitlines()
    return "\n".join(lines) + "\n"


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


# tubes -------------------------------------------------------------------------------------------


def test_tubes_as_json_are_objects_of_exactly_these_keys(tubetwin):
    status, out, err = tubetwin("tubes", "--json")
    tubes = json.loads(out)
    assert (status, err) == (0, "")
    assert [tube["name"] for tube in tubes] == builtin_tubes()
    for tube in tubes:
        assert set(tube) == TUBE_KEYS
        assert tube["cooling"] in ("air", "water")
        assert tube["focal_spot_class"] in ("nano", "micro", "mini", "standard")
        assert all(tube[key] > 0.0 for key in ("power_w", "focal_spot_um", "w_per_um"))
        if "metaljet" in tube["name"]:
            assert tube["melting_margin_k"] is None
        else:
            assert tube["melting_margin_k"] > 0.0


def test_tubes_are_a_table_of_one_line_each_and_a_liquid_has_no_margin(tubetwin):
    status, out, _ = tubetwin("tubes")
    heading, _, *lines = out.splitlines()
    assert status == 0
    for word in ("W", "W/µm", "margin K", "class", "cooling"):
        assert word in heading
    assert [line.split()[0] for line in lines] == builtin_tubes()
    [jet] = [line for line in lines if "metaljet" in line]
    assert "liquid" in jet


# tube --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", builtin_tubes())
def test_a_good_description_is_exit_status_0_and_has_no_notes(tubetwin, name):
    status, out, err = tubetwin("tube", TUBES / f"{name}.toml")
    assert (status, err) == (0, "")
    assert out.startswith(f"{name}: ")
    assert "note:" not in out
    assert "melting" in out or "boiling" in out


def test_a_built_in_name_will_do_as_well(tubetwin):
    assert tubetwin("tube", "cu-50w-air") == tubetwin("tube", TUBES / "cu-50w-air.toml")


def test_as_json_it_is_one_object_with_all_that_is_known(tubetwin):
    status, out, err = tubetwin("tube", "cu-50w-air", "--json")
    tube = json.loads(out)
    assert (status, err) == (0, "")
    assert set(tube) > TUBE_KEYS
    assert tube["doubts"] == []
    assert tube["assumptions"] > 50
    assert tube["beam"]["beam_x_um"] == pytest.approx(110.0, rel=0.1)
    assert json.loads(tubetwin("tube", "w-nano", "--json")[1])["beam"] is None


@pytest.mark.parametrize(
    ("entry", "value", "note"),
    [
        ("spot_length_um", 29, "note: the focal spot melts: "),
        ("emitting_area_mm2", 0.05, "note: the emitter must have 27"),
        ("emitting_area_mm2", 1e-5, "note: the emitter melts before it gives 0.98 mA"),
        ("perveance_ma_per_kv1_5", 0.005, "note: the gun's space charge lets less than 0.98 mA"),
        ("fan_lag_s", 2, "note: 1 parameter is given without a source"),
    ],
)
def test_what_the_models_doubt_is_a_note_and_no_error(tubetwin, tmp_path, entry, value, note):
    (tmp_path / "mine.toml").write_text(changed(entry, value))
    status, out, err = tubetwin("tube", "mine.toml")
    assert (status, err) == (0, "")
    assert out.startswith("mine: ")
    assert note in out
    doubts = json.loads(tubetwin("tube", "mine.toml", "--json")[1])["doubts"]
    assert [f"note: {doubt}" for doubt in doubts] == [
        line for line in out.splitlines() if line.startswith("note: ")
    ]


def test_a_spot_that_melts_is_said_to_be_above_melting(tubetwin, tmp_path):
    (tmp_path / "mine.toml").write_text(changed("spot_length_um", 29))
    assert "K above melting" in tubetwin("tube", "mine.toml")[1]
    margin = json.loads(tubetwin("tube", "mine.toml", "--json")[1])["melting_margin_k"]
    assert margin < 0.0


def test_an_emitter_without_a_temperature_is_a_dash_and_null(tubetwin, tmp_path):
    (tmp_path / "mine.toml").write_text(changed("emitting_area_mm2", 1e-5))
    out = tubetwin("tube", "mine.toml")[1]
    assert "– K" in out
    assert "inf" not in out
    tube = json.loads(tubetwin("tube", "mine.toml", "--json")[1])
    assert tube["emitter_k"] is tube["emitter_life_h"] is None


def line_of(entry, text=DEFAULT):
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(entry))


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("fan_lag_s", -1, ["heat.fan_lag_s", "-1"]),
        ("fan_lag_s", '"long"', ["heat.fan_lag_s", "number"]),
        ("spot_width_um", "{ value = 30, range = [40, 50] }", ["target.spot_width_um", "30"]),
        ("element", '"Unobtainium"', ["target.element", "Unobtainium"]),
        ("line", '"La"', ["target.line", "Cu La"]),
        ("kv", 8, ["settings.kv", "8 kV", "Cu Ka"]),
        ("kv_max", 55, ["settings.kv_max", "55"]),
        ("emitter", '"LaB6"', ["cathode"]),
        ("take_off_deg", "nan", ["target.take_off_deg", "nan"]),
    ],
)
def test_a_bad_entry_is_one_line_with_file_line_and_key(tubetwin, tmp_path, entry, value, words):
    text = changed(entry, value)
    (tmp_path / "mine.toml").write_text(text)
    for command in (("tube",), ("compare",), ("run", "--no-mqtt", "--tube"), ("budget", "--tube")):
        assert_one_line(tubetwin(*command, "mine.toml"), "mine.toml:", *words)
    if entry != "emitter":  # there what is missing has no line of its own
        assert f"mine.toml:{line_of(f'{entry} =')}:" in tubetwin("tube", "mine.toml")[2]
    assert files(tmp_path) == ["mine.toml"]


def test_more_voltage_than_the_yield_is_known_for_is_one_line(tubetwin, tmp_path):
    text = DEFAULT + "kv_full = 300\ntrip_kv = 210\n"
    text = text.replace("\nkv_max = 50", "\nkv_max = 200")
    (tmp_path / "mine.toml").write_text(text)
    assert_one_line(
        tubetwin("tube", "mine.toml"),
        f"mine.toml:{line_of('kv_max')}: settings.kv_max: 200 kV",
        "140 kV",
    )


def test_a_misspelt_key_is_named_with_the_right_one(tubetwin, tmp_path):
    (tmp_path / "mine.toml").write_text(DEFAULT.replace("\nfan_lag_s =", "\nfan_lagg_s ="))
    number = line_of("fan_lag_s")
    assert_one_line(tubetwin("tube", "mine.toml"), f"mine.toml:{number}: ", "fan_lag_s?")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["mine.toml:1", "missing"]),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x00", ["mine.toml:1"]),
        (b"[target", ["mine.toml:1", "TOML"]),
        (b"title = 1\n" * 2, ["mine.toml:2"]),
        (b"a = " + b"[" * 5000, ["mine.toml"]),
        (b"# " + b"x" * 5_000_000, ["mine.toml", "MB"]),
    ],
)
def test_a_file_that_is_no_description_is_one_line(tubetwin, tmp_path, content, words):
    (tmp_path / "mine.toml").write_bytes(content)
    assert_one_line(tubetwin("tube", "mine.toml"), *words)


def test_neither_is_a_directory_a_pipe_or_a_file_that_is_not_there(tubetwin, tmp_path):
    (tmp_path / "directory.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "dangling.toml").symlink_to("nowhere")
    for name in ("directory", "pipe", "dangling", "missing"):
        assert_one_line(tubetwin("tube", f"{name}.toml"), f"{name}.toml: ")


@pytest.mark.parametrize("command", ["tube", "compare"])
@pytest.mark.parametrize("name", ["x100", "", "../cu-50w-air", "cu-50w-air.tom", "cu-50w-air\n"])
def test_an_unknown_tube_is_one_line_that_names_the_known(tubetwin, command, name):
    assert_one_line(tubetwin(command, name), "not built in", "cu-50w-air", ".toml file")


@pytest.mark.parametrize("command", ["run", "budget", "sensitivity"])
def test_so_it_is_for_all_that_take_a_tube(tubetwin, nothing_runs, tmp_path, command):
    assert_one_line(tubetwin(command, "--tube", "x100"), "x100", "cu-50w-air")
    assert files(tmp_path) == []


# compare -----------------------------------------------------------------------------------------


def test_compare_as_json_are_the_four_published_sources_each_within_15_per_cent(tubetwin):
    status, out, err = tubetwin("compare", "--json")
    rows = json.loads(out)
    assert (status, err) == (0, "")
    assert all(set(row) == COMPARE_KEYS for row in rows)
    assert [row["published"] for row in rows] == [1.0, 10.0, 45.0, 120.0]
    for row in rows:
        found = 100.0 * (row["relative_intensity"] / row["published"] - 1.0)
        assert row["difference_percent"] == pytest.approx(found)
        assert abs(found) < 15.0


def test_compare_shows_them_in_a_table(tubetwin):
    status, out, _ = tubetwin("compare")
    assert status == 0
    lines = out.splitlines()
    assert "published" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == [
        "cu-ru300-water",
        "cu-50w-air",
        "cu-txs-water",
        "ga-metaljet",
    ]
    assert "+0.0 %" in lines[2]


def test_a_tube_without_a_mirror_has_null_and_a_dash(tubetwin):
    [row] = json.loads(tubetwin("compare", "w-nano", "--json")[1])
    assert row == {
        "tube": "w-nano",
        "relative_intensity": None,
        "published": None,
        "difference_percent": None,
    }
    [line] = tubetwin("compare", "w-nano")[1].splitlines()[2:]
    assert line.split()[0] == "w-nano"
    assert line.split().count("–") == 7


def test_a_larger_spot_misses_what_was_published(tubetwin, tmp_path):
    text = changed("spot_width_um", 40).replace(
        "spot_length_um = { value = 290", "spot_length_um = { value = 387"
    )
    (tmp_path / "mine.toml").write_text(text)
    [row] = json.loads(tubetwin("compare", "mine.toml", "--json")[1])
    assert row["tube"] == "mine"
    assert row["published"] == 10.0
    assert row["difference_percent"] < -15.0


def test_tubes_are_compared_in_the_order_given_and_once_each(tubetwin):
    rows = json.loads(tubetwin("compare", "ga-metaljet", "w-nano", "ga-metaljet", "--json")[1])
    assert [row["tube"] for row in rows] == ["ga-metaljet", "w-nano"]


def test_one_unknown_among_them_is_one_line_and_no_rows(tubetwin):
    assert_one_line(tubetwin("compare", "cu-50w-air", "x100", "--json"), "x100")


# budget ------------------------------------------------------------------------------------------


def test_budget_as_json_are_lines_of_exactly_these_keys(tubetwin, quick, tmp_path):
    status, out, err = tubetwin("budget", "--scenario", "cold.toml", "--json")
    lines = json.loads(out)
    assert (status, err) == (0, "")
    assert all(set(line) == BUDGET_KEYS for line in lines)
    assert [line["mechanism"] for line in lines[-2:]] == ["all together", "counting statistics"]
    assert len(lines) == len(twin.study.budget.MECHANISMS) + 2
    assert lines[-1]["rms_controlled_percent"] == pytest.approx(0.1)
    assert files(tmp_path) == ["cold.toml"]  # a plot only if it was asked for


def test_a_tripped_mechanism_is_null_and_the_rest_is_there(tubetwin, quick, tmp_path):
    (tmp_path / "arcing.toml").write_text(changed("arcs_per_1000_h", 1e6))
    answer = tubetwin("budget", "--tube", "arcing.toml", "--scenario", "cold.toml", "--json")
    lines = {line["mechanism"]: line for line in json.loads(answer[1])}
    assert answer[0] == 0
    assert lines["all together"]["rms_controlled_percent"] is None
    assert lines["expansion of the head"]["rms_controlled_percent"] is not None


def test_budget_shows_a_table_and_leaves_a_plot(tubetwin, quick, tmp_path):
    status, out, err = tubetwin("budget", "--scenario", "cold.toml")
    assert status == 0
    assert "many runs" in err
    for word in ("cu-50w-air, cold", "laws off", "laws on", "expansion of the head", "0.19 %"):
        assert word in out
    assert out.splitlines()[-1] == "plot: out/budget.png"
    assert files(tmp_path) == ["cold.toml", "out", "out/budget.png"]


def test_a_plot_asked_for_is_there_with_json_too_and_in_place_of_an_old_one(
    tubetwin, quick, tmp_path
):
    (tmp_path / "mine.png").write_text("old")
    status, out, _ = tubetwin(
        "budget", "--scenario", "cold.toml", "--json", "--out", "mine.png", "--seed", "3"
    )
    assert status == 0
    json.loads(out)
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert files(tmp_path) == ["cold.toml", "mine.png"]


# sensitivity -------------------------------------------------------------------------------------


def test_sensitivity_of_a_part_shows_its_ends_and_leaves_a_plot(tubetwin, quick, tmp_path):
    status, out, _ = tubetwin("sensitivity", "--only", "ageing", "--scenario", "cold.toml")
    assert status == 0
    assert "as described: " in out
    assert [line.split()[0] for line in out.splitlines() if "ageing." in line] == [
        "ageing.loss_percent_per_1000_h"
    ]
    assert out.splitlines()[-1] == "plot: out/sensitivity.png"
    assert files(tmp_path) == ["cold.toml", "out", "out/sensitivity.png"]


def test_as_json_it_has_both_ends_with_values_figures_and_failures(
    tubetwin, quick, monkeypatch, tmp_path
):
    from twin.files.errors import InputError

    def commission(tube):
        if tube.ageing.loss_percent_per_1000_h.value > 2.0:
            raise InputError("no beam: the cathode is too small")
        return {}

    monkeypatch.setattr(twin.study.sensitivity, "commission", commission)
    status, out, err = tubetwin(
        "sensitivity", "--only", "ageing", "--scenario", "cold.toml", "--json"
    )
    [found] = json.loads(out)
    assert (status, err) == (0, "")
    assert set(found) == {"parameter", "low", "high"}
    assert found["low"]["rms_true_percent"] > 0.0
    assert found["low"]["failure"] == ""
    assert found["high"]["rms_true_percent"] is None
    assert found["high"]["failure"] == "no beam: the cathode is too small"
    assert found["low"]["value"] < found["high"]["value"]


def test_only_what_nothing_begins_with_is_one_line_that_names_the_sections(tubetwin, quick):
    assert_one_line(tubetwin("sensitivity", "--only", "colour"), "--only colour", "ageing, ")


def test_a_tube_without_any_range_is_told_so(tubetwin, quick, tmp_path):
    text = "\n".join(
        line.split(", range = ")[0] + " }" if ", range = " in line else line
        for line in DEFAULT.splitlines()
    )
    (tmp_path / "sure.toml").write_text(text)
    assert_one_line(tubetwin("sensitivity", "--tube", "sure.toml"), "sure: ", "range")


# What is refused before anything long begins -----------------------------------------------------


@pytest.mark.parametrize("command", ["budget", "sensitivity"])
@pytest.mark.parametrize("extra", [[], ["--json"]])
@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("plot.txt", ["plot.txt", ".png"]),
        ("plot", ["plot", ".png"]),
        (".png", [".png"]),
        ("directory.png", ["directory"]),
        ("file/below.png", ["file/below.png", "can't be written"]),
        ("file/far/below.png", ["can't be written"]),
        ("/proc/plot.png", ["/proc/plot.png", "can't be written"]),
        (f"{'a' * 300}.png", ["can't be written"]),
        ("pipe.png", ["plain file"]),
    ],
)
def test_a_plot_that_cannot_be_written_is_one_line_before_any_run(
    tubetwin, nothing_runs, tmp_path, command, extra, out, words
):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "directory.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    assert_one_line(tubetwin(command, "--out", out, *extra), "--out", *words)
    assert files(tmp_path) == ["directory.png", "file", "pipe.png"]


def test_a_plot_that_fails_on_the_way_leaves_nothing(tubetwin, quick, tmp_path, monkeypatch):
    def full(lines, heading, path):
        path.write_bytes(b"\x89PNG half of it")
        raise OSError(28, "No space left on device")

    (tmp_path / "plot.png").write_text("old")
    monkeypatch.setattr("twin.study.budget_figure.draw_budget", full)
    status, out, err = tubetwin("budget", "--scenario", "cold.toml", "--json", "--out", "plot.png")
    assert (status, out) == (2, "")
    assert err == (
        "tubetwin: --out plot.png: can't be written (No space left on device); "
        "free some space, or name a file on another disk\n"
    )
    assert files(tmp_path) == ["cold.toml", "plot.png"]
    assert (tmp_path / "plot.png").read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["budget", "--scenario", "rmap"], ["rmap", "ramp"]),
        (["budget", "--hours", "-1"], ["-1"]),
        (["budget", "--hours", "nan"], ["nan"]),
        (["budget", "--hours", "80"], ["80"]),
        (["budget", "--seed", "-4"], ["--seed"]),
        (["budget", "extra"], ["extra"]),
        (["sensitivity", "--scenario", "nowhere.toml"], ["nowhere.toml"]),
        (["sensitivity", "--seed", "one"], ["--seed"]),
        (["compare", "--out", "a.png"], ["--out"]),
        (["tube"], ["FILE"]),
        (["tube", "a.toml", "b.toml"], ["b.toml"]),
        (["tubes", "extra"], ["extra"]),
    ],
)
def test_unusable_arguments_are_one_line(tubetwin, nothing_runs, tmp_path, arguments, words):
    assert_one_line(tubetwin(*arguments), *words)
    assert files(tmp_path) == []


# A tube whose head no fan cools ------------------------------------------------------------------


def test_a_run_of_a_water_cooled_tube_says_which_laws_apply(tubetwin, monkeypatch):
    monkeypatch.setattr(twin.runs.prepare, "calibration_of", lambda *_: {})
    status, out, err = tubetwin("run", "--tube", "cu-txs-water", "--hours", "0.05", "--no-mqtt")
    assert status in (0, 1)
    assert "no air-cooled head" in err
    for law in ("thermal", "emission", "high voltage", "compensation"):
        assert law in err
    assert "fan" not in out
    assert "TRIPPED" not in out


def test_with_json_it_says_so_on_standard_error_alone_and_other_laws_can_be_off(
    tubetwin, monkeypatch
):
    monkeypatch.setattr(twin.runs.prepare, "calibration_of", lambda *_: {})
    _, out, err = tubetwin(
        "run",
        "--tube",
        "ga-metaljet",
        "--hours",
        "0.05",
        "--no-mqtt",
        "--json",
        "--without",
        "emission",
    )
    assert json.loads(out)["tube"] == "ga-metaljet"
    assert "no air-cooled head" in err


@pytest.mark.parametrize("name", builtin_tubes())
def test_the_note_is_there_for_water_and_not_for_air(name):
    tube = load_tube(name)[1]
    note = laws_note(Job(load_scenario("ramp"), name, tube, {}))
    assert (note is None) == (tube.heat.cooling == "air")


def test_without_a_thermal_law_there_is_none_to_switch_off(tubetwin, nothing_runs, tmp_path):
    answer = tubetwin("run", "--tube", "cu-txs-water", "--without", "thermal", "--no-mqtt")
    assert_one_line(answer, "--without thermal", "no air-cooled head", "emission or compensation")
    assert files(tmp_path) == []


# Ctrl-C ------------------------------------------------------------------------------------------


def test_an_interrupt_ends_a_campaign_and_its_processes(tmp_path):
    """As a terminal sends it, to all of them. The pipes end only when nobody holds them."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from twin.cli.main import main; main()", "budget"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    assert process.stderr is not None
    assert "many runs" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "tubetwin: interrupted\n")
    assert files(tmp_path) == []
