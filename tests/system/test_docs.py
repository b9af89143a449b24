"""The pages are true: links, names, generated tables, what commands print."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tables
from firmware.interlocks import NAMES

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "scripts" / "README.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def test_no_generated_page_or_picture_is_out_of_date():
    assert [path.name for path, _ in tables.stale()] == []


def test_a_changed_table_is_found_and_the_rest_of_the_page_stays(tmp_path):
    docs = shutil.copytree(ROOT / "docs", tmp_path / "docs")
    page = docs / "board" / "settings.md"
    was = page.read_text("utf-8")
    page.write_text(was.replace("| `kv` | ", "| `kv` | 9"), "utf-8")
    assert tables.stale(docs) == [(page, was)]


def test_a_part_whose_page_has_no_place_for_it_is_an_error():
    with pytest.raises(LookupError, match=r"lacks the line '\| a \| b \|'"):
        tables.with_part("# A page\n", "| a | b |\n|---|---|\n")


def test_only_the_tables_of_a_part_are_replaced():
    page = "before\n\n### One\n\n| a |\n|---|\n| 1 |\n\nafter\n"
    assert tables.with_part(page, "### One\n\n| a |\n") == ("before\n\n### One\n\n| a |\n\nafter\n")


def test_the_page_of_interlocks_has_a_section_for_each_row():
    page = (ROOT / "docs" / "board" / "interlocks.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", page, re.M) == [name for _, name in sorted(NAMES.items())]


def test_the_table_of_assumptions_has_the_default_tubes():
    page = (ROOT / "docs" / "physics" / "assumptions.md").read_text("utf-8")
    assert len(re.findall(r"^\| `", page, re.M)) > 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_source_file_that_a_page_names_exists(page):
    named = re.findall(r"`((?:firmware|twin|hil|tests|scripts)/[\w./-]+)`", page.read_text("utf-8"))
    for name in named:
        path = ROOT / name
        assert (path.parent if path.name.startswith("NAME.") else path).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page):
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8")):
        assert f"def {name}(" in tests, name


@pytest.mark.parametrize("page", ["physics/physics.md", "user/tubes.md"])
def test_what_a_page_shows_a_command_printing_is_what_it_prints(page):
    """Indented, the command behind a dollar. A tube was changed? Paste what is printed now."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    shown = re.findall(r"^    \$ tubetwin (.+)\n((?:    .*\n)+)", text, re.M)
    assert shown
    for arguments, lines in shown:
        command = [
            sys.executable,
            "-c",
            "from twin.cli.main import main; main()",
            *arguments.split(),
        ]
        output = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
        assert [line.split() for line in lines.splitlines()] == [
            line.split() for line in output.splitlines()
        ]


def test_the_readme_names_every_option_of_run():
    command = [sys.executable, "-c", "from twin.cli.main import main; main()", "run", "--help"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", page)) - {"--help"}
    assert len(options) > 8
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [option for option in sorted(options) if option not in readme] == []


def test_every_helper_of_the_tests_has_one_row_on_the_page_of_the_kit():
    page = (ROOT / "tests" / "kit" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+\.py)` \| \S.* \| `\S.* \|$", page, re.M)
    assert rows == sorted(path.name for path in (ROOT / "tests" / "kit").glob("*.py"))


def test_the_page_of_the_tests_has_every_option_with_its_default():
    page = (ROOT / "tests" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `--([a-z-]+) N` \| ([0-9.]+) \|", page, re.M)
    source = (ROOT / "tests" / "conftest.py").read_text("utf-8")
    options = re.findall(r'addoption\("--([a-z-]+)", type=\w+, default=([0-9._]+)', source)
    assert options
    assert rows == [(name, default.replace("_", "")) for name, default in options]
