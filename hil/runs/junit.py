"""Results as JUnit XML, the form that every continuous-integration server reads.

Measured values are the properties of a test case, as pytest writes them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twin.files.whole import check_writable, whole


@dataclass(frozen=True)
class Case:
    """One check. failure: reason of the failure; "" if the check passed."""

    suite: str
    name: str
    failure: str = ""
    time_s: float = 0.0
    properties: Mapping[str, object] = field(default_factory=dict)


def check_junit(path: Path) -> None:
    """Raises InputError, before any run, if the file can't be written."""
    check_writable(path, "--junit")


def write_junit(path: Path, cases: Iterable[Case]) -> None:
    """Write one suite for each `Case.suite`, the whole file or nothing.

    Raises InputError if the file can't be written.
    """
    from junitparser import Failure, JUnitXml, Properties, Property, TestCase, TestSuite

    suites: dict[str, TestSuite] = {}
    for case in cases:
        entry = TestCase(_text(case.name), _text(case.suite), round(case.time_s, 3))
        if case.properties:
            properties = Properties()
            for name, value in case.properties.items():
                properties.add_property(Property(_text(name), _text(value)))
            entry.append(properties)
        if case.failure:
            failure = Failure(_text(case.failure))
            failure.text = _text(case.failure)
            entry.result = [failure]
        suite = suites.setdefault(case.suite, TestSuite(_text(case.suite)))
        suite.add_testcase(entry)
    document = JUnitXml("tubetwin bench")
    for suite in suites.values():
        document.add_testsuite(suite)
    document.update_statistics()
    with whole(path, "--junit") as part:
        document.write(str(part), pretty=True)


def _text(value: object) -> str:
    """The value as text; "?" for characters that XML 1.0 does not allow."""
    return "".join(c if c.isprintable() or c in "\t\n" else "?" for c in str(value))
