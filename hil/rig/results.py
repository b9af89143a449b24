"""The results of a run of bench tests: lines at its end, and the page if requested."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from twin.files.errors import InputError


class Results:
    """Collects the reports of the bench tests; prints lines and writes the page at the end."""

    def __init__(self, path: Path | None):
        self.path = path
        self.refused: Counter[str] = Counter()
        self.tests: dict[str, dict[str, Any]] = {}
        self.lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        results = getattr(report, "tubetwin", None)
        if results is None:
            return
        if report.skipped and results["refused"]:
            self.refused[results["refused"]] += 1
        if self.path:
            test = self.tests.setdefault(report.nodeid, _blank(report.nodeid))
            test.update(results)
            test["wall_s"] += report.duration
            if report.failed:
                test["outcome"] = "failed" if report.when == "call" else "error"
            elif report.skipped:
                test["outcome"] = "skipped"
            if report.failed or report.skipped:
                test["description"] += _description(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for reason, count in self.refused.items():
            tests = "1 test" if count == 1 else f"{count} tests"
            self.lines.append(f"{tests} not run: {reason}")
        if not self.path or session.config.option.collectonly:
            return
        from datetime import datetime

        from hil.rig.report import write_page

        try:
            write_page(self.path, list(self.tests.values()), f"{datetime.now():%Y-%m-%d %H:%M}")
            self.lines.append(f"report: {self.path}")
        except InputError as error:
            self.lines.append(str(error))
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.lines:
            terminalreporter.write_line(f"tubetwin: {line}")


def _description(report: pytest.TestReport) -> str:
    bench = [text for name, text in report.sections if name == "bench"]
    if hasattr(report, "wasxfail"):
        return f"failed, as expected: {report.wasxfail}"
    if report.skipped:
        return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    return "\n".join([report.longreprtext, *bench, ""])


def _blank(name: str) -> dict[str, Any]:
    """The entry of a test before its first report."""
    return {
        "name": name,
        "outcome": "passed",
        "target": "",
        "wall_s": 0.0,
        "simulated_s": 0.0,
        "values": [],
        "description": "",
        "curves": None,
        "states": [],
    }
