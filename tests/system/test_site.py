"""The documentation site: it builds without a warning, and a page needs no network."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import twin

ROOT = Path(__file__).parents[2]
# Elements whose address a browser fetches by itself, and the attributes with addresses.
FETCHED = {"script", "link", "img", "iframe", "source", "audio", "video", "object", "embed"}
ADDRESSES = {"src", "href", "data", "srcset", "poster"}


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder of the site, built by the command that a user types."""
    done = subprocess.run([ROOT / "scripts" / "docs"], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return ROOT / "build" / "docs"


class Fetched(HTMLParser):
    """What a browser fetches for a page."""

    def __init__(self, page: str):
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FETCHED:
            self.addresses += [value or "" for name, value in attrs if name in ADDRESSES]


def is_elsewhere(address: str) -> bool:
    return "//" in address and not address.startswith("data:")


def test_what_a_browser_would_fetch_from_elsewhere_is_recognised():
    page = '<script src="https://a/x.js"></script><link href="//b/c.css"><a href="https://c">c</a>'
    assert Fetched(page).addresses == ["https://a/x.js", "//b/c.css"]
    assert all(map(is_elsewhere, Fetched(page).addresses))
    assert not is_elsewhere("../_static/site.css")


def test_no_page_fetches_anything_from_the_network(site: Path):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        addresses = Fetched(page.read_text("utf-8")).addresses
        assert addresses, page
        assert [address for address in addresses if is_elsewhere(address)] == [], page


def test_no_style_fetches_anything_from_the_network(site: Path):
    styles = sorted(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text("utf-8")
        assert not re.search(r"url\([\"']?(https?:)?//|@import", text), style


def test_every_page_of_the_source_is_in_the_site(site: Path):
    docs = ROOT / "docs"
    for page in [*docs.rglob("*.md"), *docs.rglob("*.ipynb")]:
        assert (site / page.relative_to(docs)).with_suffix(".html").is_file(), page


def test_the_front_page_is_the_readme(site: Path):
    first = (ROOT / "README.md").read_text("utf-8").splitlines()[0].removeprefix("# ")
    front = (site / "index.html").read_text("utf-8")
    assert f"<h1>{first}" in front
    assert 'href="user/scenarios.html"' in front


def test_the_search_finds_words_of_the_pages(site: Path):
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert {"interlock", "filament", "wire"} <= set(index["terms"])
    assert (site / "search.html").is_file()


def test_the_python_interface_shows_every_public_name(site: Path):
    page = (site / "user" / "api.html").read_text("utf-8")
    for name in getattr(twin, "__all__", ()):
        assert f'id="twin.{name}"' in page, name


@pytest.mark.parametrize(
    ("page", "row"),
    [
        ("contributing/signals", "kv_monitor_raw"),
        ("board/settings", "head_kp_w_per_k"),
        ("board/wiring", "generator_tx"),
        ("physics/assumptions", "anode_capacity_j_per_k"),
        ("bench/benches", "stale-monitors"),
    ],
)
def test_the_generated_tables_are_in_it(site: Path, page: str, row: str):
    text = (site / f"{page}.html").read_text("utf-8")
    assert re.search(rf"<td><p><code[^>]*><span class=\"pre\">{row}</span></code>", text)
