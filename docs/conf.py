"""The documentation site: Sphinx over docs/*.md as they are. `scripts/docs` builds it.

The pages are written for a plain viewer of Markdown: a folder's index.md lists its pages in an
ordinary list, and the site's tree is made of that list. So a page is named once, and Sphinx
complains about a page that is in no list.
"""

import os
import pathlib
import re
import sys
from importlib.metadata import version as installed_version

from sphinx.application import Sphinx

DOCS = pathlib.Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

project = "tubetwin"
author = "The tubetwin authors"
copyright = author
version = release = installed_version("tubetwin")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
html_theme = "furo"
html_title = f"tubetwin {version}"
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
html_static_path = ["static"]
html_css_files = ["site.css"]

# Nothing in a page comes from the network: no formulas by MathJax, no widgets.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
os.environ.setdefault("MPLBACKEND", "agg")

myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"
numpydoc_show_class_members = False

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
MEMBER = re.compile(r"(\w[\w, ]*?) +: (.*)")
# Pages of the site, and the files of the top level that are shown there.
FRONT = {"index": "README.md", "contributing/index": "CONTRIBUTING.md"}
TREE = "\n\n```{{toctree}}\n:hidden:\n:maxdepth: 2\n\n{names}\n```\n"


def tree_of(text: str) -> str:
    """The hidden table of contents of an index page: the files that its list items lead to."""
    items = re.findall(r"^\* \[[^\]]*\]\(([\w./-]+)\.(?:md|ipynb)\)", text, re.M)
    return TREE.format(names="\n".join(items)) if items else ""


def with_links(text: str, of: pathlib.Path, at: pathlib.Path) -> str:
    """A file's text with its links as seen from another folder.

    Links to files outside docs/ become their text: a reader of the site does not have them.
    """

    def moved(link: re.Match[str]) -> str:
        mark, words, target, anchor = link.groups()
        if "://" in target or not target:
            return link[0]
        path = (of / target).resolve()
        for page, shown in FRONT.items():
            if path == ROOT / shown:
                path = DOCS / f"{page}.md"
        if not path.is_relative_to(DOCS):
            return words
        return f"{mark}[{words}]({os.path.relpath(path, at)}{anchor or ''})"

    return LINK.sub(moved, text)


def read(_app: Sphinx, name: str, source: list[str]) -> None:
    """A file of the top level is shown in place of the index page that leads to it."""
    path = DOCS / name
    if path.suffix == ".ipynb" or not path.with_suffix(".md").exists():
        return
    text, folder = source[0], path.parent
    tree = tree_of(text) if path.name == "index" else ""
    if name in FRONT:
        text, folder = (ROOT / FRONT[name]).read_text("utf-8"), ROOT
    source[0] = with_links(text, folder, path.parent) + tree


def listed(
    _app: Sphinx, _kind: str, _name: str, _of: object, _how: object, lines: list[str]
) -> None:
    """The house's docstrings as reStructuredText; those in numpydoc's sections stay as they are.

    Lines `name : meaning` become a list, indented paragraphs become code.
    """
    if any(line.startswith("---") for line in lines):
        return
    found: list[str] = []
    before = ""
    in_list = in_code = False
    for line in lines:
        item = MEMBER.fullmatch(line)
        indented = line.startswith(" ")
        if item:
            found += [] if in_list else [""]
            found.append(f"* **{item[1].strip()}**: {item[2]}")
        elif in_list and indented:
            found.append(f"  {line.strip()}")
        elif indented and not in_code and not before:
            found += ["::", "", line]
        else:
            found += ["", line] if in_list else [line]
        in_code = (indented or not line) and (in_code or (not before and not in_list and indented))
        in_list = bool(item) or (in_list and indented)
        before = line
    lines[:] = found


def setup(app: Sphinx) -> None:
    app.connect("source-read", read)
    # Before numpydoc, which takes the sections out of the docstrings that have them.
    app.connect("autodoc-process-docstring", listed, priority=100)
