"""Results as JUnit XML, the form that every continuous-integration server reads.

The elements are those of the JUnit schema of the Ant project; measured values go in as the
properties of a test case, as pytest writes them.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from twin.files.errors import InputError


@dataclass(frozen=True)
class Case:
    """One thing that was checked. failure: why it failed, in words; "" if it held."""

    suite: str
    name: str
    failure: str = ""
    time_s: float = 0.0
    properties: Mapping[str, object] = field(default_factory=dict)


def check_junit(path: Path) -> None:
    """InputError if it can't be written, before anything happens."""
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"--junit {path}: can't be written; name a file in a directory you can")


def write_junit(path: Path, cases: Iterable[Case]) -> None:
    """Write them, a suite for each name, whole or not at all. InputError if it can't be written."""
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", name="tubetwin bench")
    for name, members in suites.items():
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(members)),
            failures=str(sum(bool(case.failure) for case in members)),
            errors="0",
            skipped="0",
            time=f"{sum(case.time_s for case in members):.3f}",
        )
        for case in members:
            _case(suite, case)
    ElementTree.indent(root)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        ElementTree.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"--junit {path}: can't be written ({error.strerror}); choose another"
        ) from None


def _case(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", classname=case.suite, name=case.name, time=f"{case.time_s:.3f}"
    )
    if case.properties:
        properties = ElementTree.SubElement(element, "properties")
        for name, value in case.properties.items():
            ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    if case.failure:
        failure = ElementTree.SubElement(element, "failure", message=_text(case.failure))
        failure.text = _text(case.failure)


def _text(value: object) -> str:
    """What XML 1.0 can hold of it."""
    return "".join(c if c.isprintable() or c in "\t\n" else "?" for c in str(value))
