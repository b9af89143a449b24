"""The report: what it says, that it stands alone, and that it is whole or not there."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from twin.files.errors import InputError
from twin.recording.recorder import Column, Recorder
from twin.report import figure
from twin.report.report import write_report
from twin.verdict_words import decide

pytestmark = pytest.mark.filterwarnings("error")

NAMES = (
    "now_ms",
    "room_temperature_c",
    "room_pressure_hpa",
    "room_humidity_percent",
    "head_temperature_c",
    "fan_percent",
    "kv",
    "ma",
    "intensity",
)
FAN = {"fan_min_percent": 15.0, "fan_max_percent": 78.5, "fan_left_percent": 21.5}
PARAMETERS = {
    "without": [],
    "tube_toml": "[heat]\nfan_exponent = 0.8\n",
    "heat": {"capacity": {"value": 720, "unit": "J/K", "source": "assumed", "range": [500, 1000]}},
    "settings": {"kv": 50, "ma": 0.98},
}
EXTRA = {
    "command": "tubetwin run door --seed 7 --hours 0.5",
    "telemetry": {"sent": 1800, "dropped": 3},
}


def make_run(
    path, hours=0.5, swing=0.0004, warm_s=0, trip_s=None, step_s=1, names=NAMES, frames=True
):
    """Record a made-up run and return its summary, as a run would print it.

    `swing` is the amplitude of a slow wave of the intensity, `trip_s` when the beam goes off.
    """
    random = np.random.default_rng(1)
    t = np.arange(-warm_s, round(hours * 3600), step_s) + float(step_s)
    on = np.ones(len(t)) if trip_s is None else (t <= trip_s).astype(float)
    warming = np.where(t < 0, -0.002 * t, 0.0) / 60.0
    values = {
        "now_ms": np.round(1000 * t),
        "room_temperature_c": 18.0 + 3.0 * np.maximum(t, 0.0) / 3600,
        "room_pressure_hpa": 1005.0 + 3.0 * np.sin(t / 3000),
        "room_humidity_percent": np.full(len(t), 45.0),
        "head_temperature_c": 54.9 + 0.01 * random.standard_normal(len(t)) - 100 * warming,
        "fan_percent": 15.0 + np.maximum(t, 0.0) / 3600,
        "kv": 50.0 * on,
        "ma": 0.98 * on,
        "intensity": on * (1.0 + swing * np.sin(t / 300) - warming),
    }
    true, measured = [], []
    columns = [Column(name, "1", name) for name in names]
    with Recorder(path, columns, {}) as recorder:
        for row in zip(*(values[name].tolist() for name in names), strict=True):
            recorder.append(row)
        scored = values["intensity"][t > 0]
        per_frame = 60 // step_s
        for index in range(len(scored) // per_frame if frames else 0):
            true.append(scored[index * per_frame : (index + 1) * per_frame].mean())
            measured.append(random.poisson(1e6 * true[-1]) / 1e6)
            recorder.frame(60_000 * index, true[-1], measured[-1])
        recorder.close()
    lit = bool(true) and max(true) > 0.0
    rms = [float(100 * np.std(x) / np.mean(x)) if lit else None for x in (true, measured)]
    return {
        "passed": lit and trip_s is None and max(value or 0.0 for value in rms) <= 0.19,
        "limit_percent": 0.19,
        "rms_true_percent": rms[0],
        "rms_measured_percent": rms[1],
        "peak_to_peak_true_percent": float(100 * np.ptp(true) / np.mean(true)) if lit else None,
        "tube_temperature_rms_k": 0.0123456789,
        "trips": [] if trip_s is None else [{"time_s": trip_s, "cause": "over-temperature"}],
        "frames": len(true),
        "ticks": 100 * len(scored) * step_s,
        "simulated_s": hours * 3600,
        "wall_s": 1.25,
        "realtime_factor": 1440.0,
        "seed": 7,
        "tube": "cu-50w-air",
        "scenario": "ramp",
    }


class Page(HTMLParser):
    """What a test wants to know of a page: text, values by id, elements and their addresses."""

    def __init__(self, text):
        super().__init__()
        self.text, self.values, self.tags, self.addresses, self.tag = "", {}, set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.tag = tag
        named = dict(attrs)
        if tag == "data" and "id" in named:
            self.values[named["id"]] = named["value"]
        self.addresses += [
            value for name, value in attrs if name in ("href", "src", "xlink:href", "action")
        ]

    def handle_data(self, data):
        if self.tag not in ("style", "title"):
            self.text += data

    def handle_endtag(self, tag):
        self.tag = ""
        if tag in ("td", "th", "span", "h1", "p"):
            self.text += " "

    @property
    def words(self):
        """The text, with single spaces."""
        return " ".join(self.text.split())


def verdict_on(summary, fan=FAN):
    return decide(summary, room_c=(18.0, 18.0 + 3.0 * summary["simulated_s"] / 3600), fan=fan)


def report(
    tmp_path, summary=None, extra=None, parameters=PARAMETERS, comparison=None, fan=FAN, **run
):
    made = make_run(tmp_path / "run.nxs", **run)
    shown = {**made, **(summary or {})}
    write_report(
        tmp_path,
        shown,
        verdict_on(shown, fan),
        tmp_path / "run.nxs",
        comparison,
        parameters,
        extra,
    )
    return Page((tmp_path / "report.html").read_text(encoding="utf-8")), made


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A report of an ordinary run that held: directory, page, summary."""
    directory = tmp_path_factory.mktemp("held")
    return directory, *report(directory, extra=EXTRA)


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 20_000


@pytest.mark.parametrize(
    ("run", "word", "sentence"),
    [
        ({}, "✓ HELD", "less than 0.19 % rms over 30 min in a room from 18.0 to 19.5 °C."),
        ({"swing": 0.1}, "✗ NOT HELD", "times the limit, over 30 min"),
        ({"trip_s": 900}, "✗ TRIPPED", "off after 15 min: over-temperature."),
    ],
)
def test_the_page_opens_with_the_verdict(tmp_path, run, word, sentence):
    page, summary = report(tmp_path, **run)
    opening = page.words[:300]
    assert word in opening
    assert sentence in opening
    assert "limit 0.19 % rms" in opening
    assert f"{summary['rms_true_percent']:.3g} %" in opening
    assert f"{summary['rms_measured_percent']:.3g} %" in opening
    assert is_png(tmp_path / "report.png")


def test_the_values_on_the_page_are_those_of_the_summary(held):
    _, page, summary = held
    for key, value in summary.items():
        if key not in ("passed", "trips"):
            shown = page.values[key]
            assert shown == value if isinstance(value, str) else json.loads(shown) == value
    assert page.values["fan_left_percent"] == "21.5"
    assert page.values["telemetry_sent"] == "1800"
    assert page.values["telemetry_dropped"] == "3"


def test_a_tube_without_a_fan_has_no_fan_panel_and_no_fan_words(tmp_path, held):
    assert "<!-- Fan, % -->" in svg_of(held[0])
    page, _ = report(tmp_path, fan=None)
    assert "<!-- Tube voltage, kV -->" in svg_of(tmp_path)
    assert "fan" not in svg_of(tmp_path).lower()
    assert "fan" not in page.words.split("Parameters ")[0].lower()


def svg_of(directory):
    text = (directory / "report.html").read_text(encoding="utf-8")
    return text[text.index("<svg") : text.index("</svg>")]


def test_the_page_needs_nothing_from_elsewhere(held):
    directory, page, _ = held
    text = (directory / "report.html").read_text(encoding="utf-8")
    assert "://" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert all(address.startswith("#") for address in page.addresses)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "base"}
    assert "svg" in page.tags


def test_a_hostile_scenario_name_stays_text(tmp_path):
    hostile = '"><script>alert(1)</script>{{ 7*7 }}\udcff$x^2$'
    page, _ = report(
        tmp_path,
        summary={"scenario": hostile, "trips": [{"time_s": 60, "cause": "<b>$cause"}]},
        extra={"command": f"tubetwin run '{hostile}'", "comparison": "<i>off"},
        parameters={hostile: {"value": hostile, "source": hostile}},
        trip_s=60,
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "script" not in page.tags
    assert "<script>" not in text
    assert "<b>$cause" not in text
    assert page.text.count("<script>alert(1)</script>{{ 7*7 }}\\udcff$x^2$") >= 4


def test_the_page_tells_how_to_reproduce_the_run(held):
    assert EXTRA["command"] in held[1].text


def test_parameters_are_folded_with_unit_range_and_source(held):
    page = held[1]
    assert "details" in page.tags
    folded = page.words.split("Parameters ")[-1]
    assert "without none" in folded
    assert "fan_exponent = 0.8" in folded
    assert "capacity 720 J/K 500 to 1000 assumed" in folded


def test_a_run_too_short_to_judge_says_so(tmp_path):
    page, _ = report(tmp_path, hours=0.0, frames=False)
    assert "Too short to judge: it takes at least two frames." in page.words


def test_a_figure_close_to_the_limit_is_never_rounded_onto_it(tmp_path):
    page, _ = report(tmp_path, summary={"passed": False, "rms_measured_percent": 0.190004})
    assert "varied by 0.190004 % rms" in page.words


def test_the_same_run_gives_the_same_picture_and_page(tmp_path):
    summary = make_run(tmp_path / "run.nxs")
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_report(
            tmp_path / name, summary, verdict_on(summary), tmp_path / "run.nxs", None, PARAMETERS
        )
        contents.append([item.read_bytes() for item in sorted((tmp_path / name).iterdir())])
    assert contents[0] == contents[1]


def test_matplotlib_settings_of_the_user_are_neither_used_nor_changed(tmp_path):
    import matplotlib

    report(tmp_path)
    plain = (tmp_path / "report.png").read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 20.0}):
        before = dict(matplotlib.rcParams)
        report(tmp_path)
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "report.png").read_bytes() == plain


@pytest.mark.parametrize(
    "run",
    [
        {"hours": 2 / 60},
        {"hours": 1 / 60},
        {"hours": 0.0, "frames": False},
        {"frames": False},
        {"trip_s": 30},
        {"warm_s": 1200, "trip_s": -60},
        {"warm_s": 1200},
        {"names": ["now_ms"]},
        {"names": ["now_ms", "kv"]},
        {"swing": 0.99},
        {"hours": 120.0, "step_s": 60},
    ],
    ids=str,
)
def test_every_kind_of_run_gets_its_report(tmp_path, run):
    page, _ = report(tmp_path, **run)
    assert "Numbers" in page.text
    assert not re.search(r"\bnan\b", page.text)
    assert is_png(tmp_path / "report.png")


def test_the_comparison_stands_beside_the_run_with_its_own_figure(tmp_path):
    other = make_run(tmp_path / "off.nxs", swing=0.08)
    page, _ = report(tmp_path, comparison=tmp_path / "off.nxs")
    shown = float(page.values["comparison_rms_percent"])
    assert shown == pytest.approx(other["rms_true_percent"], rel=1e-12)


def files(directory):
    return {item.name: item.read_bytes() for item in directory.iterdir() if item.is_file()}


def test_a_report_that_fails_leaves_the_earlier_one_whole(tmp_path, monkeypatch):
    report(tmp_path)
    before = files(tmp_path)

    def disk_full(*_):
        raise OSError(28, "full")

    monkeypatch.setattr(figure.Sheet, "svg", disk_full)
    with pytest.raises(InputError, match="can't be written \\(full\\); free some space"):
        report(tmp_path)
    assert files(tmp_path) == before


def test_neither_file_appears_when_one_cannot_be_put_in_place(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"report\.html: can't be written \(Is a directory\)"):
        report(tmp_path)
    assert sorted(files(tmp_path)) == ["run.nxs"]


def test_a_missing_directory_or_recording_is_one_line(tmp_path):
    summary = make_run(tmp_path / "run.nxs")
    with pytest.raises(InputError, match="can't be written") as caught:
        write_report(
            tmp_path / "missing", summary, verdict_on(summary), tmp_path / "run.nxs", None, {}
        )
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such recording"):
        write_report(tmp_path, summary, verdict_on(summary), tmp_path / "other.nxs", None, {})
    assert sorted(files(tmp_path)) == ["run.nxs"]


def test_matplotlib_is_loaded_only_to_write_a_report_and_pyplot_never(held, tmp_path):
    directory, _, summary = held
    code = (
        "import json, pathlib, sys\n"
        "import twin.report.report\n"
        "seen = lambda: {'matplotlib', 'matplotlib.pyplot', 'jinja2'} & set(sys.modules)\n"
        "assert not seen()\n"
        "path, out, summary = sys.argv[1:]\n"
        "from twin.verdict_words import decide\n"
        "verdict = decide(json.loads(summary))\n"
        "write = twin.report.report.write_report\n"
        "write(pathlib.Path(out), json.loads(summary), verdict, path, None, {})\n"
        "print(sorted(seen()))\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, directory / "run.nxs", tmp_path, json.dumps(summary)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.stdout == "['jinja2', 'matplotlib']\n", child.stderr
