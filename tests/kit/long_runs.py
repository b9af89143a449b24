"""A pytest plugin: long runs continue beside the other tests; the tests that read them come last.

With workers (pytest-xdist) the process that has them does the runs, and a file's tests stay
together, so that what they share is made once.
"""

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
LOOK_S = 0.2
Row = tuple[str, ...]
TABLE = pytest.StashKey[list[Row]]()
RUNS = pytest.StashKey["Runs"]()
FOLDER = pytest.StashKey[str]()


class Runs:
    """tests/kit/emulated_runs.py, a process for each run, one after the other, into a folder."""

    def __init__(self, wanted: dict[str, list[str]]):
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = self._temporary.name
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._work, args=(wanted,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        if self._process:
            self._process.kill()
        self._thread.join()
        self._temporary.cleanup()

    def _work(self, wanted: dict[str, list[str]]) -> None:
        for name, arguments in wanted.items():
            command = [sys.executable, "-m", "tests.kit.emulated_runs"]
            command += [name, str(Path(self.folder, name)), *arguments]
            if not self._stopped:
                self._process = subprocess.Popen(
                    command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
                said = self._process.communicate()[0]
                Path(self.folder, f"{name}.said").write_text(said)


def result_in(folder: str, name: str) -> dict[str, Any]:
    """What a run has found, when it is done."""
    said = Path(folder, f"{name}.said")
    while not said.exists():
        threading.Event().wait(LOOK_S)
    path = Path(folder, name)
    assert path.exists(), said.read_text()
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def arguments_of(config: pytest.Config) -> dict[str, list[str]]:
    """Each run with its arguments, in the order in which they are done."""
    return {
        "bits": [str(config.getoption("ticks"))],
        "hosts": [],
        "ramp": [str(config.getoption("ramp_minutes"))],
        "watchdog": [],
        "link": [],
        "latency": [str(config.getoption("trips"))],
    }


class Workers:
    """What only a process that has workers does."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if RUNS not in node.config.stash:
            node.config.stash[RUNS] = Runs(arguments_of(node.config))
        node.workerinput["long_runs"] = node.config.stash[RUNS].folder

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        rows = getattr(node, "workeroutput", {}).get("table", [])
        node.config.stash.setdefault(TABLE, []).extend(tuple(row) for row in rows)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[FOLDER] = config.workerinput["long_runs"]
    elif getattr(config.option, "dist", "no") != "no":
        config.pluginmanager.register(Workers())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    last = {item.path for item in items if item.get_closest_marker("emulated")}
    items.sort(key=lambda item: item.path in last)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    wanted = {mark.args[0] for item in session.items for mark in item.iter_markers("emulated")}
    if wanted and FOLDER not in config.stash and not config.option.collectonly:
        order = arguments_of(config)
        config.stash[RUNS] = Runs({name: order[name] for name in order if name in wanted})
        config.stash[FOLDER] = config.stash[RUNS].folder


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config: Any = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["table"] = config.stash.get(TABLE, [])


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUNS in config.stash:
        config.stash[RUNS].stop()


@pytest.fixture(scope="session")
def emulated(pytestconfig: pytest.Config) -> Callable[[str], dict[str, Any]]:
    """The results of the runs that the marker `emulated` names."""
    return lambda name: result_in(pytestconfig.stash[FOLDER], name)


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
