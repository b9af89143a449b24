"""A release: its files agree, the wheel is complete and runs where nothing else is installed."""

import os
import shutil
from pathlib import Path

import pytest

import release
from bootstrap import ROOT, Uv

NAMED = ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "firmware/__init__.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that name the version, with version 0.1.0 of 2026-11-21."""
    for name in NAMED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    write(
        tmp_path,
        "CHANGELOG.md",
        "# Changelog\n\n## [0.1.0] - 2026-11-21\n\n## [0.0.9] - 2025-01-01\n",
    )
    write(tmp_path, "CITATION.cff", "version: 0.1.0\ndate-released: 2026-11-21\n")
    write(tmp_path, "pyproject.toml", '[project]\nversion = "0.1.0"\n')
    write(tmp_path, "firmware/__init__.py", '__version__ = "0.1.0"\n')
    return tmp_path


def write(tree: Path, name: str, text: str) -> None:
    (tree / name).write_text(text, "utf-8")


def test_the_files_of_this_tree_agree_on_the_version():
    assert release.disagreements(ROOT, trial=True) == []


def test_files_that_agree_can_be_released(tree: Path):
    assert release.disagreements(tree) == []


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("CHANGELOG.md", "## [0.1.0] - unreleased\n", "0.1.0 needs its date"),
        ("CHANGELOG.md", "## [0.1.0]\n", "0.1.0 needs its date"),
        ("CHANGELOG.md", "## [0.2.0] - 2026-11-21\n", "the first heading is of 0.2.0"),
        ("CHANGELOG.md", "no heading\n", "the first heading is of None"),
        (
            "CITATION.cff",
            "version: 0.2.0\ndate-released: 2026-11-21\n",
            "CITATION.cff: version 0.2.0",
        ),
        ("CITATION.cff", "version: 0.1.0\ndate-released: 2026-11-20\n", "date-released 2026-11-20"),
        ("CITATION.cff", "version: 0.1.0\n", "date-released None"),
        ("firmware/__init__.py", '__version__ = "0.0.9"\n', "firmware/__init__.py: version 0.0.9"),
        ("firmware/__init__.py", "", "firmware/__init__.py: version None"),
    ],
)
def test_a_file_that_disagrees_is_named(tree: Path, name: str, text: str, found: str):
    write(tree, name, text)
    assert any(found in line for line in release.disagreements(tree))


def test_a_trial_may_lack_the_date_and_nothing_else(tree: Path):
    write(tree, "CHANGELOG.md", "## [0.1.0] - unreleased\n")
    assert release.disagreements(tree, trial=True) == []
    write(tree, "CHANGELOG.md", "## [0.2.0] - unreleased\n")
    assert len(release.disagreements(tree, trial=True)) == 1


def test_a_word_that_is_no_option_is_refused(capsys: pytest.CaptureFixture[str]):
    assert release.main(["--now"]) == 2
    assert "usage: scripts/release [--trial]" in capsys.readouterr().err


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and sdist of this tree."""
    return release.build(Uv(os.environ), tmp_path_factory.mktemp("dist"))


def test_the_wheel_has_every_file_of_the_three_packages(built: tuple[Path, Path]):
    files = release.tracked(ROOT)
    for name in (
        "firmware/controller.py",
        "twin/report/templates/report.html.j2",
        "twin/scenarios/built_in/ramp.toml",
        "twin/tube/built_in/cu-50w-air.calibration.json",
        "hil/rig/examples/test_my_bench.py",
        "hil/wiring/built_in/emulated-pico.toml",
    ):
        assert name in files
    assert release.missing_files(built[0], files) == []


def test_a_file_that_the_wheel_lacks_is_named(built: tuple[Path, Path]):
    assert release.missing_files(built[0], ["twin/lost.toml", "twin/verdict.py"]) == [
        "twin/lost.toml"
    ]


def test_the_wheel_runs_the_main_job_where_nothing_else_is_installed(
    built: tuple[Path, Path], tmp_path: Path
):
    printed = release.install_and_run(Uv(os.environ), built[0], tmp_path)
    assert printed.startswith("HELD  (ramp, cu-50w-air, seed 1)")


def test_the_same_commit_gives_the_same_wheel(built: tuple[Path, Path], tmp_path: Path):
    again = release.build(Uv(os.environ), tmp_path)
    assert release.sums([again[0]]) == release.sums([built[0]])
