"""Memory stays flat, however long a run is."""

import gc
from pathlib import Path

import pytest

from tests.kit.jobs import job
from twin.recording.columns import COLUMNS
from twin.recording.recorder import Recorder
from twin.runs.run import simulate
from twin.scenarios.scenario import load_scenario

PAGE_MB = 4096 / 2**20
FLAT_MB = 4.0


def resident_mb() -> float:
    """Resident memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


@pytest.mark.slow
def test_memory_stays_flat_over_a_long_run(request, tmp_path):
    days = request.config.getoption("--days")
    long = job(load_scenario("hvac").with_hours(24.0 * days))
    used = []

    def watch(now_ms, frames):
        if now_ms % 1_800_000 == 0:
            used.append(resident_mb())

    with Recorder(tmp_path / "long.h5", COLUMNS, {}) as recorder:
        outcome = simulate(long, recorder, progress=watch)
    rms = outcome.frames.true.rms_percent
    print(f"{days} days: {used[0]:.1f} to {used[-1]:.1f} MB resident, {rms:.4f} % rms true")
    assert outcome.passed
    assert len(used) == 48 * days
    quarter = len(used) // 4
    assert max(used[quarter:]) - used[quarter] < FLAT_MB
