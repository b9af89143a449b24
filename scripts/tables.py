"""Write all generated tables and pictures of docs/, or check that none is out of date.

    scripts/tables            writes what has changed and prints its name
    scripts/tables --check    writes nothing; exit status 1 and the names if something has changed

The generators are the files `*_table.py` and `*_picture.py` beside this one. A generator of a page
has PAGE, its name in docs/, and one of

    page()               the whole page
    table() or tables()  a part of it: tables, each of which may have a heading `### ...` above

A generator of pictures has pictures(): their content by their names in docs/pictures.
"""

import pathlib
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

SCRIPTS = pathlib.Path(__file__).resolve().parent
DOCS = SCRIPTS.parent / "docs"


def generators() -> list[ModuleType]:
    """All generators, imported; the folder of this file must be on the path of imports."""
    names = sorted(path.stem for path in SCRIPTS.glob("*_table.py"))
    names += sorted(path.stem for path in SCRIPTS.glob("*_picture.py"))
    return [import_module(name) for name in names]


def with_part(page: str, part: str) -> str:
    """A page with its generated part replaced.

    The part begins at the line that is equal to its first line, and ends before the first line
    that is neither in a table nor a heading of the third level. Raises LookupError if the page does
    not have the first line.
    """
    lines = page.splitlines()
    first = part.splitlines()[0]
    if first not in lines:
        raise LookupError(f"the page lacks the line {first!r}, where the generated part begins")
    start = end = lines.index(first)
    while end < len(lines) and (lines[end] == "" or lines[end].startswith(("|", "### "))):
        end += 1
    after = ["", *lines[end:]] if end < len(lines) else []
    return "\n".join([*lines[:start], *part.splitlines(), *after]) + "\n"


def files(docs: pathlib.Path = DOCS) -> Iterator[tuple[pathlib.Path, str]]:
    """Each generated file and its new content."""
    for module in generators():
        if hasattr(module, "pictures"):
            for name, content in module.pictures().items():
                yield docs / "pictures" / name, content
            continue
        path = docs / module.PAGE
        if hasattr(module, "page"):
            yield path, module.page()
        else:
            part = module.tables() if hasattr(module, "tables") else module.table()
            yield path, with_part(path.read_text("utf-8"), part)


def stale(docs: pathlib.Path = DOCS) -> list[tuple[pathlib.Path, str]]:
    """The files that are out of date, with their new content."""
    return [
        (path, content)
        for path, content in files(docs)
        if not path.exists() or path.read_text("utf-8") != content
    ]


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: scripts/tables [--check]", file=sys.stderr)
        return 2
    found = stale()
    for path, content in found:
        name = path.relative_to(DOCS.parent)
        if arguments:
            print(f"{name} is out of date: run scripts/tables", file=sys.stderr)
        else:
            path.write_text(content, "utf-8")
            print(f"wrote {name}")
    return 1 if arguments and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
