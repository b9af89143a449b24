"""Long runs go on beside the other tests; the tests that read them come last."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Row = tuple[str, ...]
TABLE = pytest.StashKey[list[Row]]()
RUNS = pytest.StashKey["Runs"]()


class Runs:
    """tests/hil/emulated_runs.py, a process for each run. The longest comes first."""

    def __init__(self, wanted: dict[str, list[str]]):
        self._folder = tempfile.TemporaryDirectory()
        self._done = {name: threading.Event() for name in wanted}
        self._said: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._work, args=(wanted,), daemon=True)
        self._thread.start()

    def result(self, name: str) -> dict[str, Any]:
        """What a run has found, when it is done."""
        self._done[name].wait()
        path = self._path(name)
        assert path.exists(), self._said[name]
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def stop(self) -> None:
        self._stopped = True
        if self._process:
            self._process.kill()
        self._thread.join()
        self._folder.cleanup()

    def _path(self, name: str) -> Path:
        return Path(self._folder.name, name)

    def _work(self, wanted: dict[str, list[str]]) -> None:
        for name, arguments in wanted.items():
            command = [sys.executable, "-m", "tests.hil.emulated_runs"]
            command += [name, str(self._path(name)), *arguments]
            if not self._stopped:
                self._process = subprocess.Popen(
                    command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
                self._said[name] = self._process.communicate()[0]
            self._done[name].set()


def arguments_of(config: pytest.Config) -> dict[str, list[str]]:
    """Each run with its arguments, in the order in which they are done."""
    return {
        "bits": [str(config.getoption("ticks"))],
        "hosts": [],
        "ramp": [str(config.getoption("ramp_minutes"))],
        "watchdog": [],
        "latency": [str(config.getoption("trips"))],
    }


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("emulated") is not None)
    marks = [mark for item in items for mark in item.iter_markers("emulated")]
    wanted = {mark.args[0] for mark in marks}
    if wanted and not config.option.collectonly:
        order = arguments_of(config)
        config.stash[RUNS] = Runs({name: order[name] for name in order if name in wanted})


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUNS in config.stash:
        config.stash[RUNS].stop()


@pytest.fixture(scope="session")
def emulated(pytestconfig: pytest.Config) -> Callable[[str], dict[str, Any]]:
    """The results of the runs that the marker `emulated` names."""
    return pytestconfig.stash[RUNS].result


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> list[Row]:
    """Rows that are printed when all tests are done."""
    return pytestconfig.stash.setdefault(TABLE, [])


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None]:
    yield
    rows = config.stash.get(TABLE, [])
    if rows:
        terminalreporter.section("one scenario on every host: worst differences to in-process")
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
            terminalreporter.write_line("  ".join(cells))
