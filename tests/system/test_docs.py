"""The pages say what is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_table_of_signals_is_the_declaration():
    script = [sys.executable, str(ROOT / "scripts" / "signal_table.py")]
    page = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "signals.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_source_file_that_a_page_names_exists(page):
    named = re.findall(r"`((?:firmware|twin|hil|tests|scripts)/[\w./-]+)`", page.read_text("utf-8"))
    for name in named:
        assert (ROOT / name).exists(), name


def test_the_readme_names_every_option_of_run():
    command = [sys.executable, "-c", "from twin.cli import main; main()", "run", "--help"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", page)) - {"--help"}
    assert len(options) > 8
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [option for option in sorted(options) if option not in readme] == []
