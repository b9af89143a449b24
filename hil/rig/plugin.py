"""The pytest plugin for benches: fixtures `rig`, `faults`, `recorder`; docs/bench/bench-tests.md.

Every pytest in an environment with tubetwin loads the plugin. So the plugin changes only tests
that use its fixtures, and imports the twin only if an option or a fixture needs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.rig.results import Results
from twin.defaults import SHORT_SCENARIO
from twin.files.errors import InputError

if TYPE_CHECKING:
    from hil.rig.faults import RigFaults
    from hil.rig.recorder import RigRecorder
    from hil.rig.rig import Rig
    from twin.runs.job import Job

DEFAULT_TARGET = "in-process"
NO_BOARDS = (DEFAULT_TARGET, "cpython", "micropython", "micropython-f32")
RIG = pytest.StashKey["Rig"]()
FOLDERS = pytest.StashKey[pytest.TempPathFactory]()
REFUSED = pytest.StashKey[str]()
TARGETS = pytest.StashKey[dict[str, Any]]()
MARKERS = (
    "needs_board: needs a real or an emulated board, not the firmware in a process",
    "high_voltage: may switch high voltage; on a physical target it needs --allow-hv",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    option = parser.getgroup("tubetwin", "benches of tubetwin").addoption
    option(
        "--tube-target",
        action="append",
        metavar="NAME",
        help="target of the firmware: in-process (default), micropython, micropython-f32, "
        "rp2040 or a port; repeatable, every test then runs on each target",
    )
    option("--tube-mode", choices=("lockstep", "real-time"), help="default: the target's own")
    option("--tube-scenario", metavar="NAME", help=f"room and settings ({SHORT_SCENARIO})")
    option("--tube", metavar="NAME|FILE.toml", help="another tube")
    option("--tube-seed", type=int, default=1, metavar="N", help="of all noise and drift (1)")
    option("--allow-hv", action="store_true", help="let tests start the beam on a physical target")
    option("--tube-report", metavar="FILE.html", help="write a page with values and plots")


def pytest_configure(config: pytest.Config) -> None:
    """Check all options before any test runs; an error ends pytest with exit status 4."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    path = config.getoption("tube_report")
    try:
        seed = config.getoption("tube_seed")
        if seed < 0:
            raise InputError(f"--tube-seed {seed}: give 0 or more")
        for name in config.getoption("tube_target") or ():
            _target(config, name)
        if config.getoption("tube_scenario") or config.getoption("tube"):
            _job(config)
        if path:
            _check_report(Path(path))
    except InputError as error:
        raise pytest.UsageError(f"tubetwin: {error}") from None
    if not hasattr(config, "workerinput"):  # with pytest-xdist only the main process reports
        results = Results(Path(path).absolute() if path else None)
        config.pluginmanager.register(results, "tubetwin-results")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tube_target" in metafunc.fixturenames:
        names = dict.fromkeys(metafunc.config.getoption("tube_target") or (DEFAULT_TARGET,))
        metafunc.parametrize("tube_target", list(names), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in filter(_is_ours, items):
        if reason := _refusal(item):
            item.stash[REFUSED] = reason
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def tube_target(request: pytest.FixtureRequest) -> Any:
    """The target of this test, see hil/targets/targets.py."""
    return _target(request.config, request.param)


@pytest.fixture(scope="session")
def tube_job(pytestconfig: pytest.Config) -> Job:
    """Tube, room and settings. Define a fixture of this name for others."""
    return _job(pytestconfig)


@pytest.fixture
def rig(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    tube_target: Any,
    tube_job: Job,
) -> Iterator[Rig]:
    """A new bench for each test, see Rig in hil/rig/rig.py. After the test the beam is off."""
    from hil.rig.report import properties, record_figures
    from hil.rig.rig import Rig

    config = request.config
    mode = tube_target.mode(config.getoption("tube_mode"))
    with tube_target.world(tube_job, mode) as world:
        name = _name_of(request.node)
        rate = 1.0 if tube_target.paced_here(mode) else None
        rig = Rig(world, name, mode, _beam_refusal(config, name), rate)
        request.node.stash[RIG] = rig
        request.node.stash[FOLDERS] = tmp_path_factory
        try:
            yield rig
            rig.make_safe()
            record_figures(rig, tube_target.figures(world, mode))
        finally:
            request.node.user_properties += properties(rig)


@pytest.fixture
def twin(rig: Rig) -> Rig:
    """The fixture `rig` by its name of version 0.1."""
    warnings.warn("the fixture `twin` is now called `rig`", DeprecationWarning, stacklevel=2)
    return rig


@pytest.fixture
def faults(rig: Rig) -> RigFaults:
    """The faults that can be made on the bench."""
    return rig.faults


@pytest.fixture
def recorder(rig: Rig) -> RigRecorder:
    """The recorded values of the tube in this test so far."""
    return rig.recorder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not _is_ours(item):
        return report
    rig = item.stash.get(RIG, None)
    if report.failed and call.excinfo:
        if line := _one_line(item, call.excinfo):
            report.longrepr = line
        if rig:
            report.sections.append(("bench", _final_state(item, rig, report.longreprtext)))
    results = {"target": _name_of(item), "refused": item.stash.get(REFUSED, "")}
    if rig and report.when == "teardown" and item.config.getoption("tube_report"):
        from hil.rig import report as bench_report

        results |= bench_report.results_of(rig)
    report.__dict__["tubetwin"] = results  # plain data, which pytest-xdist can transfer
    return report


def _is_ours(item: pytest.Item) -> bool:
    return "tube_target" in getattr(item, "fixturenames", ())


def _name_of(item: pytest.Item) -> str:
    """The target's name as given in the option."""
    return str(item.callspec.params["tube_target"])  # type: ignore[attr-defined]


def _target(config: pytest.Config, name: str) -> Any:
    """The target of this name. Raises InputError if it is unknown or not available here."""
    known = config.stash.setdefault(TARGETS, {})
    if name not in known:
        from hil.targets.targets import find_target

        target = find_target(name)
        if missing := target.missing():
            raise InputError(f"target {name}: {missing}")
        target.mode(config.getoption("tube_mode"))
        known[name] = target
    return known[name]


def _job(config: pytest.Config) -> Job:
    from hil.rig.job import bench_job

    given = {"scenario": config.getoption("tube_scenario"), "tube": config.getoption("tube")}
    chosen = {name: value for name, value in given.items() if value}
    return bench_job(**chosen, seed=config.getoption("tube_seed"))


def _beam_refusal(config: pytest.Config, name: str) -> str | None:
    """The reason, in one line, why no beam may be started on a target; None if it may."""
    if _target(config, name).switches_high_voltage and not config.getoption("allow_hv"):
        return f"target {name}: may switch high voltage; --allow-hv permits it"
    return None


def _refusal(item: pytest.Item) -> str | None:
    """The reason, in one line, why a test must not run; None if it may."""
    name = _name_of(item)
    if item.get_closest_marker("needs_board") and name in NO_BOARDS:
        return f"target {name}: is not a board; choose one by --tube-target"
    if item.get_closest_marker("high_voltage"):
        return _beam_refusal(item.config, name)
    return None


def _check_report(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"--tube-report {path}: is a directory; give a file")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--tube-report {path}: no such directory; make it")


def _one_line(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Place and text of an InputError or LinkError; "" for other errors, which need a traceback."""
    from hil.link.link import LinkError

    if not isinstance(excinfo.value, InputError | LinkError):
        return ""
    lines = [entry.lineno + 1 for entry in excinfo.traceback if Path(entry.path) == item.path]
    place = f"{item.location[0]}:{lines[-1] if lines else (item.location[1] or 0) + 1}"
    return f"{place}: {excinfo.value}"


def _final_state(item: pytest.Item, rig: Rig, printed: str) -> str:
    """The state of the bench at the failure of a test, and the file with its recording.

    printed : the text of the failure; a description that it contains is not repeated
    """
    description = rig.description()
    lines = [] if description.splitlines()[0] in printed else [description]
    path = item.stash[FOLDERS].mktemp("bench") / "recording.h5"
    try:
        rig.recorder.save(path, {"test": item.nodeid, "target": rig.target})
        lines.append(f"  file    {path}")
    except InputError as error:
        lines.append(f"  file    {error}")
    return "\n".join(lines)
