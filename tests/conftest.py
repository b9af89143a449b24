"""Rules for all tests: nothing is skipped in CI, and no test depends on the wall clock."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.kit.long_runs"]

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

settings.register_profile(
    "tubetwin", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tubetwin")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of the long campaigns an ordinary test run does."""
    parser.addoption("--rooms", type=int, default=4, help="rooms drawn at random (default 4)")
    parser.addoption("--mechanisms", type=int, default=2, help="of the error budget (default 2)")
    parser.addoption("--tubes", type=int, default=2, help="commissioned again (default 2)")
    parser.addoption("--ramp-minutes", type=int, default=15, help="of the ramp, in lockstep")
    parser.addoption("--ticks", type=int, default=1000, help="hashed on the emulated board")
    parser.addoption("--trips", type=int, default=12, help="of the emulated board's chain")
    parser.addoption("--cuts", type=int, default=0, help="more cuts of the cable while flashing")
    parser.addoption("--soak-frames", type=int, default=20_000, help="over a line that is noisy")
    parser.addoption("--days", type=float, default=0.25, help="how long the memory test runs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that skips itself has failed: what it needs must be there."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
