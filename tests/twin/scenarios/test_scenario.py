"""Scenarios: the built-in ones are what they say, and a user's own are checked to the last key."""

import itertools
import pickle
import re
import tomllib
from pathlib import Path

import pytest

from twin.files.errors import InputError
from twin.scenarios.scenario import SCENARIOS, Room, Scenario, builtin_scenarios, load_scenario

DOCUMENT = (Path(__file__).parents[3] / "docs/user/scenarios.md").read_text(encoding="utf-8")

PLAIN = """\
title = "a quiet room"
duration_h = 1
start = "warm"
[ambient]
time_h = [0,
          1]
temperature_c = [20,
                 21]
"""


@pytest.fixture
def written(tmp_path):
    """Writes a scenario file and loads it."""

    def write(text, name="own.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load_scenario(str(path))

    return write


@pytest.fixture
def told(written):
    """The one line about a scenario file that cannot be used, from its line number on."""

    def complain(text):
        with pytest.raises(InputError) as caught:
            written(text)
        line = str(caught.value)
        assert "\n" not in line
        return line.partition("own.toml:")[2]

    return complain


def csv_file(tmp_path, seconds, name="lab.csv"):
    path = tmp_path / name
    path.write_text(f"time_s,temperature_c\n0,20\n{seconds},25\n")
    return path


def slopes_k_per_h(scenario):
    room = scenario.room()
    points = list(zip(room.time_s, room.temperature_c, strict=True))
    return [
        3600 * (warmer - colder) / (later - sooner)
        for (sooner, colder), (later, warmer) in itertools.pairwise(points)
    ]


def test_the_built_in_scenarios_are_these_and_each_has_one_line_to_its_name():
    assert builtin_scenarios() == [
        "bench-short",
        "cold-start",
        "door",
        "hvac",
        "long-path",
        "ramp",
        "triangle",
    ]
    for name in builtin_scenarios():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert scenario.duration_h == (0.0071 if name == "bench-short" else 5.5)
        assert scenario.title and scenario.description
        assert "0.19 %" in (SCENARIOS / f"{name}.toml").read_text(encoding="utf-8")


def test_the_tube_is_warm_everywhere_but_in_the_cold_start():
    starts = {name: load_scenario(name).start for name in builtin_scenarios()}
    assert starts.pop("cold-start") == "cold"
    assert starts.pop("bench-short") == "rest"
    assert set(starts.values()) == {"warm"}
    assert load_scenario("cold-start").warm_up_h == 1.0


def test_the_ramp_is_the_hard_reading_of_the_published_test():
    ramp = load_scenario("ramp")
    assert slopes_k_per_h(ramp) == [3.0]
    assert ramp.room().at(0) == (18.0, 1013.25, 45.0)
    assert ramp.room().at(5.5 * 3600) == (34.5, 1013.25, 45.0)
    assert ramp.air_path_cm == 10 and ramp.warm_up_h == 0


def test_the_long_path_is_the_ramp_with_three_times_the_air():
    ramp, long_path = load_scenario("ramp"), load_scenario("long-path")
    assert long_path.ambient == ramp.ambient
    assert long_path.air_path_cm == 30


def test_the_triangle_goes_up_and_down_as_fast_as_the_ramp():
    triangle = load_scenario("triangle")
    assert slopes_k_per_h(triangle) == [3.0, -3.0]
    assert triangle.room().temperature_range_c == (18.0, 26.25)


def test_the_air_conditioner_swings_by_one_kelvin_20_minutes_up_and_5_down():
    room = load_scenario("hvac").room()
    temperatures = [room.at(t_s)[0] for t_s in range(0, 19800, 10)]
    assert min(temperatures) == pytest.approx(21, abs=0.01)
    assert max(temperatures) == pytest.approx(23, abs=0.01)
    rising = sum(after > before for before, after in itertools.pairwise(temperatures))
    assert rising / (len(temperatures) - 1) == pytest.approx(20 / 25, abs=0.02)


def test_the_door_drops_the_room_by_4_k_within_a_minute_for_half_an_hour():
    room = load_scenario("door").room()
    celsius = [room.at(60 * minute)[0] for minute in (119, 120, 121.01, 150, 151.01, 330)]
    assert celsius == [22, 22, 18, 18, 22, 22]


def test_a_file_may_leave_out_all_that_has_a_standard(written):
    scenario = written(PLAIN)
    assert scenario.name == "own"
    assert (scenario.warm_up_h, scenario.air_path_cm, scenario.description) == (0, 10, "")
    assert scenario.room().at(1800) == (20.5, 1013.25, 45)


def test_pressure_and_humidity_are_one_value_or_one_for_each_time(written):
    room = written(PLAIN + "pressure_hpa = [990, 1010]\nhumidity_percent = 30").room()
    assert room.at(1800) == (20.5, 1000, 30)


def test_a_scenario_cannot_be_changed_but_can_be_dumped_and_pickled(written, tmp_path):
    scenario = written(PLAIN).with_ambient(csv_file(tmp_path, 7200))
    with pytest.raises(ValueError, match="frozen"):
        scenario.duration_h = 3.0
    document = scenario.model_dump(mode="json")
    assert document["ambient_csv"] == str(tmp_path / "lab.csv") and document["ambient"] is None
    again = pickle.loads(pickle.dumps(scenario))
    assert again.room().at(3600) == scenario.room().at(3600) == (22.5, 1013.25, 45)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("title", "titel"), 1, "titel: unknown key; did you mean title?"),
        (('"a quiet room"', '""'), 1, "title: must be one line of text; write some words"),
        (('"a quiet room"', '"""a\nb"""'), 1, "title: must be one line of text"),
        (("= 1\n", "= -1\n"), 2, "duration_h: -1 must be above 0; change it"),
        (("= 1\n", "= 0\n"), 2, "duration_h: 0 must be above 0"),
        (("= 1\n", "= nan\n"), 2, "duration_h: nan is not a usable number; write a finite one"),
        (("= 1\n", "= 1e6\n"), 2, "duration_h: 1000000.0 must be at most 8784"),
        (("= 1\n", "= '1'\n"), 2, "the text '1' instead of a number; write a number without"),
        (("= 1\n", "= true\n"), 2, "duration_h: true instead of a number"),
        (("= 1\n", "= 1.5\n"), 2, "duration_h: 1.5 h, but the room is described for 1 h; add"),
        (("= 1\n", "= 0.03\n"), 2, "0.03 h is too short for 2 frames of 60 s; give 0.034 h"),
        (("= 1\n", "= 1\nwarm_up_h = 0.98\n"), 2, "duration_h: 1 h is too short for 2 frames of"),
        (("= 1\n", "= 1\nwarm_up_h = -1\n"), 3, "warm_up_h: -1 must be at least 0"),
        (("= 1\n", "= 1\nair_path_cm = 201\n"), 3, "air_path_cm: 201 must be at most 200"),
        (("= 1\n", "= 1\nname = 'x'\n"), 3, "name: unknown key; delete it"),
        (("= 1\n", "= 1\nambient_csv = 'x'\n"), 3, "ambient_csv: unknown key; delete it"),
        (("warm", "hot"), 3, "start: 'hot' is unknown; write 'warm', 'cold' or 'rest'"),
        (("warm", "cold"), 3, "start: a cold start needs the hours that are not judged; set warm"),
        (('"warm"', '"cold"\nwarm_up_h = 0'), 4, "warm_up_h: a cold start needs the hours"),
        (("time_h = [0,", "time_h = [1,"), 5, "ambient.time_h[0]: time_h must begin at 0"),
        (("   1]", "   0]"), 6, "ambient.time_h[1]: 0 h does not come after 0 h; give each time"),
        (("   1]", "   1, 0.5]"), 6, "ambient.time_h[2]: 0.5 h does not come after 1 h"),
        (("   1]", "   9999]"), 6, "ambient.time_h[1]: 9999 h is more than a year"),
        (("   1]", "   1, 2]"), 7, "temperature_c: 2 values for 3 times; give one for each"),
        (("   21]", "   300]"), 8, "temperature_c[1]: 300 is outside -20 to 60 °C; is it kelvin"),
        (("   21]", "   inf]"), 8, "temperature_c[1]: inf is not a usable number"),
        (("   21]", "   'a']"), 8, "temperature_c[1]: the text 'a' instead of a number"),
        (("   21]\n", "   21]\nrepeat = true"), 8, "ends at 21 but repeats from 20; end where it"),
        (("   21]\n", "   21]\npressure_hpa = 101325"), 9, "is it Pa? give hPa"),
        (
            ("   21]\n", "   21]\nhumidity_percent = [40, 140]"),
            9,
            "humidity_percent[1]: 140 is out",
        ),
        (("   21]\n", "   21]\nair_path_cm = 5"), 9, "it belongs above the first [table]"),
        (("start", "repeat = true\nstart"), 3, "repeat: unknown key; it belongs in [ambient]"),
    ],
)
def test_a_scenario_that_cannot_be_used_is_told_with_its_line_its_key_and_the_mend(
    told, change, line, says
):
    assert PLAIN.count(change[0]) == 1
    complaint = told(PLAIN.replace(*change))
    assert complaint.startswith(f"{line}: ") and says in complaint and "; " in complaint


def test_what_is_missing_is_named(told):
    assert told(PLAIN.partition("[")[0]) == "1: ambient: is missing; add it"
    assert told(PLAIN.partition("temp")[0]) == "4: ambient.temperature_c: is missing; add it"
    assert told("") == "1: title: is missing; add it (and 3 more)"


def test_a_name_that_is_not_built_in_is_answered_with_those_that_are():
    for name, says in (
        (
            "rmap",
            "scenario 'rmap': not built in; did you mean ramp? choose bench-short, cold-start",
        ),
        ("Ramp", "did you mean ramp?"),
        (
            "qqq",
            "scenario 'qqq': not built in; choose bench-short, cold-start, door, hvac",
        ),
        ("", "scenario '': not built in; choose"),
        ("lab.csv", "lab.csv: is no scenario; give room conditions by --ambient"),
        ("none.toml", "none.toml: no such file"),
        ("line\nbreak", r"scenario 'line\nbreak': not built in"),
    ):
        with pytest.raises(InputError) as caught:
            load_scenario(name)
        assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_whose_name_cannot_name_a_run_is_refused(written):
    for name in ("...toml", ".toml", "a\nb.toml"):
        with pytest.raises(InputError, match="name: "):
            written(PLAIN, name)


def test_fewer_hours_end_the_room_there():
    shorter = load_scenario("ramp").with_hours(2)
    assert shorter.duration_h == 2
    assert shorter.room().duration_s == 7200
    assert shorter.room().temperature_range_c == (18, 24)
    assert load_scenario("ramp").with_hours(5.5) == load_scenario("ramp")


@pytest.mark.parametrize(
    ("name", "hours", "says"),
    [
        ("ramp", -1, "--hours -1: give a number of hours above 0"),
        ("ramp", 0, "--hours 0: give a number"),
        ("ramp", float("nan"), "--hours nan: give a number"),
        ("hvac", float("inf"), "--hours inf: give a number"),
        ("ramp", 7, "--hours 7: scenario ramp describes 5.5 h; give at most 5.5"),
        ("ramp", 0.03, "--hours 0.03: 0.03 h is too short for 2 frames of 60 s; give 0.034 h"),
        ("cold-start", 1, "--hours 1: 1 h is too short for 2 frames of 60 s after 1 h of warm-up"),
        ("hvac", 10_000, "--hours 10000: scenario hvac describes 8784 h"),
    ],
)
def test_hours_that_cannot_be_are_told(name, hours, says):
    with pytest.raises(InputError) as caught:
        load_scenario(name).with_hours(hours)
    assert says in str(caught.value)


def test_two_frames_are_enough():
    assert load_scenario("ramp").with_hours(2 / 60).room().duration_s == pytest.approx(120)
    assert load_scenario("cold-start").with_hours(1 + 2 / 60).duration_h > 1


def test_a_room_that_repeats_can_be_run_for_a_month():
    month = load_scenario("hvac").with_hours(720)
    assert month.room().at(720 * 3600.0)[0] == pytest.approx(22, abs=1.1)


def test_a_csv_file_replaces_the_room_and_sets_the_length(tmp_path):
    scenario = load_scenario("long-path").with_ambient(csv_file(tmp_path, 7200))
    assert (scenario.name, scenario.duration_h, scenario.air_path_cm) == ("long-path+lab", 2, 30)
    assert scenario.room().at(7200) == (25, 1013.25, 45)
    with pytest.raises(ValueError, match="end at"):
        scenario.room().at(7200.01)


def test_hours_shorten_a_csv_file_and_never_stretch_it(tmp_path):
    ramp, lab = load_scenario("ramp"), csv_file(tmp_path, 7200)
    assert ramp.with_ambient(lab, 1).room().duration_s == 3600
    assert ramp.with_ambient(lab, 100).duration_h == 2
    for hours in (-1.0, float("nan")):
        with pytest.raises(InputError, match="--hours"):
            ramp.with_ambient(lab, hours)


def test_a_csv_file_too_short_to_judge_is_told(tmp_path):
    with pytest.raises(InputError, match=r"lab.csv: 0.0275 h is too short for 2 frames of 60 s; "):
        load_scenario("ramp").with_ambient(csv_file(tmp_path, 99))
    with pytest.raises(InputError, match=r"after 1 h of warm-up; give 1.034 h or more"):
        load_scenario("cold-start").with_ambient(csv_file(tmp_path, 3600))


@pytest.mark.parametrize("seconds", [1000.0005, 1000.0096, 1234.5678, 19800])
def test_a_run_in_whole_milliseconds_never_asks_beyond_the_file(tmp_path, seconds):
    scenario = load_scenario("ramp").with_ambient(csv_file(tmp_path, seconds))
    end_ms = round(3_600_000 * scenario.duration_h)
    assert scenario.room().at(0.001 * end_ms)[0] == pytest.approx(25, abs=1e-3)


def test_what_the_documentation_shows_is_what_happens(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = DOCUMENT.partition("```toml\n")[2].partition("```")[0]
    assert written(example, "monday.toml").room().at(3600) == (17, 1008, 38)
    table = "\n".join(re.findall(r"(?m)^    ((?:#|time_s|\d).*)$", DOCUMENT))
    Path("lab.csv").write_text(table)
    assert load_scenario("ramp").with_ambient("lab.csv").room().at(120) == (21.47, 1003.1, 42)

    said = re.findall(r"(?m)^    tubetwin: (.*)$", DOCUMENT)
    header = "time_s,temperature_c\n"
    rooms = (header + "0,20\n60,20\n30,20", header + "0,300", "time_s;temperature_c\n0;20,5")
    for room, line in zip(rooms, said[:3], strict=True):
        Path("lab.csv").write_text(room)
        with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
            load_scenario("ramp").with_ambient("lab.csv")
    wrong = (("duration_h", "duration"), ("17,   21,", "17,   '21',"))
    for change, line in zip(wrong, said[3:], strict=True):
        Path("monday.toml").write_text(example.replace(*change))
        with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
            load_scenario("monday.toml")


def test_the_documentation_lists_every_key_and_every_built_in_scenario():
    for name in builtin_scenarios():
        assert f"\n| `{name}` |" in DOCUMENT
    for name in set(Scenario.model_fields) - {"name", "ambient", "ambient_csv"}:
        assert f"\n| `{name}` |" in DOCUMENT
    for name in Room.model_fields:
        assert f"\n| `ambient.{name}` |" in DOCUMENT


def test_a_scenario_without_a_room_says_so():
    given = tomllib.loads(PLAIN.partition("[")[0])
    with pytest.raises(ValueError, match="no room"):
        Scenario(name="bare", ambient=None, **given).room()
