"""One place to add a thing, two at most: one of each kind is added in a copy of the tree.

Each test does what a page of docs/contributing/ describes and nothing more, counts the files that
it changed by hand, then uses what it added in a process of its own that runs the copy.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.link.frame import STEP_BYTES
from hil.micropython.interpreters import VARIABLES, find_micropython

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "contributing"
PACKAGES = ("firmware", "twin", "hil")


MOST_PLACES = 2


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the three packages."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    """Replace the one occurrence of a text in a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


def places(tree: Path) -> list[str]:
    """The files of the copy that are new or different. No more than a page may name."""
    found = [
        path.relative_to(tree)
        for name in PACKAGES
        for path in sorted((tree / name).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    changed = [
        name.as_posix()
        for name in found
        if not (ROOT / name).exists() or (ROOT / name).read_bytes() != (tree / name).read_bytes()
    ]
    assert 1 <= len(changed) <= MOST_PLACES
    return changed


def python(tree: Path, program: str, *arguments: str, **variables: str) -> str:
    """Run a program with the copy first on the path -> what it printed."""
    paths = os.pathsep.join([str(tree), str(ROOT / "scripts")])
    environ = {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(tree / "cache")}
    environ |= variables
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tree,
        env=environ,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tubetwin(tree: Path, *arguments: str, **variables: str) -> str:
    """The command line of the copy -> what it printed."""
    return python(tree, "from twin.cli.main import main; main()", *arguments, **variables)


def test_the_copy_is_what_runs(tree: Path):
    program = "import firmware, twin, hil; print(firmware.__file__, twin.__file__, hil.__file__)"
    for path in python(tree, program).split():
        assert Path(path).is_relative_to(tree)


def test_a_tube_is_one_description_and_the_calibration_that_a_command_writes(tree: Path):
    built_in = tree / "twin" / "tube" / "built_in"
    description = (built_in / "cu-50w-air.toml").read_text("utf-8")
    changed = re.sub(r"(head_capacity_j_per_k = \{ value = )720", r"\g<1>700", description)
    assert changed != description
    (built_in / "cu-50w-light.toml").write_text(changed, "utf-8")
    assert places(tree) == ["twin/tube/built_in/cu-50w-light.toml"]
    calibration = built_in / "cu-50w-light.calibration.json"
    tubetwin(tree, "commission", "cu-50w-light", "--out", str(calibration))
    tubes = json.loads(tubetwin(tree, "tubes", "--json"))
    assert "cu-50w-light" in {tube["name"] for tube in tubes}
    shutil.rmtree(tree / "cache", ignore_errors=True)
    run = ("run", "bench-short", "--tube", "cu-50w-light", "--no-mqtt", "--json")
    summary = json.loads(tubetwin(tree, *run))
    assert (summary["tube"], summary["passed"]) == ("cu-50w-light", True)
    assert not (tree / "cache" / "tubetwin").exists()  # the calibration beside it was used


def test_a_scenario_is_one_file(tree: Path):
    (tree / "twin" / "scenarios" / "built_in" / "cool-room.toml").write_text(
        'title = "a cool room"\nduration_h = 0.1\nstart = "warm"\n\n'
        "[ambient]\ntime_h = [0, 0.1]\ntemperature_c = [16, 16.2]\n",
        "utf-8",
    )
    assert places(tree) == ["twin/scenarios/built_in/cool-room.toml"]
    assert re.search(r"^cool-room +a cool room$", tubetwin(tree, "scenarios"), re.M)
    summary = json.loads(tubetwin(tree, "run", "cool-room", "--no-mqtt", "--json"))
    assert (summary["scenario"], summary["passed"]) == ("cool-room", True)


@pytest.mark.parametrize("folder", ["twin/cli/commands", "hil/cli"])
def test_a_command_is_one_file(tree: Path, folder: str):
    page = (PAGES / "add-a-command.md").read_text("utf-8")
    [source] = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    (tree / folder / "mean.py").write_text(source, "utf-8")
    assert places(tree) == [f"{folder}/mean.py"]
    assert re.search(r"\bmean\b.*Print the power", tubetwin(tree, "--help"))
    assert tubetwin(tree, "mean") == "cu-50w-air: 49 W\n"


SIGNAL = """\
    ("case_temperature_raw", "0.01 degC", -4000, 12500, "h", "case of the generator", "case"),
    ("case_age_ms", "ms", 0, 65535, "H", "age of the case temperature", ""),
"""


@pytest.fixture
def tree_with_signal(tree: Path) -> Path:
    """The copy with one more input: a row, the row of its age, an attribute of the plant."""
    table = tree / "firmware" / "signal_table.py"
    change(table, "\n)\n\nOUTPUTS = (\n", "\n" + SIGNAL + ")\n\nOUTPUTS = (\n")
    sensors = tree / "twin" / "plant" / "sensors.py"
    change(sensors, "    STATE = (\n", '    STATE = (\n        "case_temperature_raw",\n')
    change(
        sensors,
        '        """Make one step towards these true values, then new counts."""\n',
        "        self.case_temperature_raw = centi(electronics_c, -4000, 12500)\n",
    )
    assert places(tree) == ["firmware/signal_table.py", "twin/plant/sensors.py"]
    return tree


SHORT_RUN = ("--hours", "0.034", "--no-mqtt", "--json")  # 122 s, two frames


def test_a_signal_is_its_rows_and_an_attribute_of_the_plant(tree_with_signal: Path):
    tree = tree_with_signal
    fault = ("--fault", "stale-case@30")
    tubetwin(tree, "run", *SHORT_RUN, *fault, "--out", str(tree / "out"))
    program = (
        "from twin.recording.reader import load\n"
        "names = ['case_temperature_raw', 'case_age_ms', 'generator_temperature_c']\n"
        "run = load('out/recording.h5', names)\n"
        "print(run.units['case_temperature_raw'])\n"
        "for row in zip(run.now_ms, *(run.columns[name] for name in names)): print(*row)"
    )
    unit, *lines = python(tree, program).splitlines()
    assert unit == "0.01 degC"
    rows = [tuple(map(float, line.split())) for line in lines]
    fresh = [row for row in rows if 0 <= row[0] < 30_000]
    stale = [row for row in rows if row[0] > 31_000]
    assert len(fresh) >= 29 and len(stale) >= 90
    for _, raw, age_ms, true_c in fresh:
        assert age_ms == 0
        assert raw / 100 == pytest.approx(true_c, abs=0.1)
    assert {row[1] for row in stale} == {fresh[-1][1]}
    ages_ms = [min(row[0] - 30_000, 65_535) for row in stale]
    assert [row[2] for row in stale] == pytest.approx(ages_ms, abs=1000)


def test_a_signal_is_on_its_page_and_can_be_stuck(tree_with_signal: Path):
    page = python(tree_with_signal, "import signal_table; print(signal_table.page())")
    row = "| `case_temperature_raw` | 0.01 degC | -4000 to 12500 | case of the generator |"
    assert f"{row} `case_age_ms` |" in page.splitlines()
    program = "from twin.world.faults import Fault; print(Fault('stuck', '{}', {}).name)"
    stuck = python(tree_with_signal, program.format("case_temperature_raw", 12500))
    assert stuck == "stuck case_temperature_raw\n"
    with pytest.raises(AssertionError, match="reads from -4000 to 12500 counts"):
        python(tree_with_signal, program.format("case_temperature_raw", 12501))


def test_a_signal_crosses_the_link_to_micropython(tree_with_signal: Path):
    tree = tree_with_signal
    program = "from firmware.link.frame import STEP_BYTES; print(STEP_BYTES)"
    assert int(python(tree, program)) == STEP_BYTES + struct.calcsize("<hH")
    double = {VARIABLES["double"]: str(find_micropython("double").absolute())}
    bench = ("bench", "bench-short", "--target", "micropython", "--compare", "--no-mqtt", "--json")
    summary = json.loads(tubetwin(tree, *bench, **double))
    assert (summary["passed"], summary["worst_difference"]) == (True, 0)


INTERLOCK = '''

@row(19, "cold-room", ALWAYS, delay_ms=200)
def cold_room(_limits, inputs, _outputs, _controller) -> bool:
    """The room is colder than the air sensor can measure.

    Cites: An example.

    Check: The heating.
    """
    return inputs.room_temperature_raw < -3000
'''


def test_an_interlock_is_one_row(tree: Path):
    with (tree / "firmware" / "interlock_table.py").open("a", encoding="utf-8") as table:
        table.write(INTERLOCK)
    assert places(tree) == ["firmware/interlock_table.py"]
    fault = ("--fault", "stuck:room_temperature_raw=-3500@30")
    program = (
        "from twin.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 1"
    )
    summary = json.loads(python(tree, program, "run", *SHORT_RUN, *fault))
    assert [trip["cause"] for trip in summary["trips"]] == ["cold-room"]
    page = python(tree, "import interlock_table; print(interlock_table.page())")
    assert "## cold-room\n" in page
    assert "\n* Check: The heating.\n" in page


def test_a_generator_is_its_driver_and_one_row(tree: Path):
    drivers = tree / "firmware" / "drivers"
    (drivers / "other_generator.py").write_text(
        '"""Another generator."""\n\nfrom firmware.drivers.analog_generator import make\n', "utf-8"
    )
    last = '    ("SLM70P300", 70, "firmware.drivers.spellman.generator"),\n'
    row = '    ("other", 55, "firmware.drivers.other_generator"),\n'
    change(drivers / "generator_table.py", last, last + row)
    assert places(tree) == [
        "firmware/drivers/generator_table.py",
        "firmware/drivers/other_generator.py",
    ]
    given = ("settings", "check", "serial_generator=3", "trip_kv=60", "trip_power_w=60")
    tubetwin(tree, *given, "kv_max=55")
    with pytest.raises(AssertionError, match="above the 55 kV"):
        tubetwin(tree, *given, "kv_max=56")


def test_a_board_is_its_file_and_one_row(tree: Path):
    boards = tree / "firmware" / "boards"
    pico = (boards / "pico.py").read_text("utf-8")
    (boards / "other.py").write_text(pico.replace('Board("pico"', 'Board("other"'), "utf-8")
    row = '    ("other", "Another board", "rp2", "rp2", "RP2040", "^Another", PICO),\n'
    change(boards / "board_table.py", "TABLE = (\n", "TABLE = (\n" + row)
    assert places(tree) == ["firmware/boards/board_table.py", "firmware/boards/other.py"]
    program = (
        "from hil.flash.image import board_types, compile_tree, make_image\n"
        "print([board.name for board in board_types()])\n"
        "image = make_image(compile_tree(), 'other'); print(image.board, sorted(image.files))"
    )
    names, image = python(tree, program).splitlines()
    assert "'other'" in names
    assert image.startswith("other ") and "firmware/boards/other.mpy" in image


@pytest.mark.parametrize("page", sorted(PAGES.glob("add-*.md")), ids=lambda page: page.stem)
def test_a_page_names_at_most_two_places(page: Path):
    text = page.read_text("utf-8")
    tables = re.findall(r"^\| place \| by hand \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.M)
    places = [len(re.findall(r"\| (?!no)[^|]+ \|$", table, re.M)) for table in tables]
    assert places or "\nOne file: " in text
    assert all(1 <= count <= 2 for count in places)
