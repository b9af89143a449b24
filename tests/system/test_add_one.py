"""One place to add a thing: a tube, a scenario and a command, added in a copy of the tree.

Each test does what a page of docs/contributing/ describes and nothing more, then uses what it added
through the command line of that copy, in a process of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "contributing"
PACKAGES = ("firmware", "twin", "hil")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the three packages."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def python(tree: Path, program: str, *arguments: str) -> str:
    """Run a program with the copy first on the path -> what it printed."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(tree / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tree,
        env=environ,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tubetwin(tree: Path, *arguments: str) -> str:
    """The command line of the copy -> what it printed."""
    return python(tree, "from twin.cli.main import main; main()", *arguments)


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
    assert re.search(r"^cool-room +a cool room$", tubetwin(tree, "scenarios"), re.M)
    summary = json.loads(tubetwin(tree, "run", "cool-room", "--no-mqtt", "--json"))
    assert (summary["scenario"], summary["passed"]) == ("cool-room", True)


@pytest.mark.parametrize("folder", ["twin/cli/commands", "hil/cli"])
def test_a_command_is_one_file(tree: Path, folder: str):
    page = (PAGES / "add-a-command.md").read_text("utf-8")
    [source] = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    (tree / folder / "mean.py").write_text(source, "utf-8")
    assert re.search(r"\bmean\b.*Print the power", tubetwin(tree, "--help"))
    assert tubetwin(tree, "mean") == "cu-50w-air: 49 W\n"


@pytest.mark.parametrize("page", sorted(PAGES.glob("add-*.md")), ids=lambda page: page.stem)
def test_a_page_names_at_most_two_places(page: Path):
    text = page.read_text("utf-8")
    tables = re.findall(r"^\| place \| by hand \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.M)
    places = [len(re.findall(r"\| (?!no)[^|]+ \|$", table, re.M)) for table in tables]
    assert places or "\nOne file: " in text
    assert all(1 <= count <= 2 for count in places)
