"""Many runs side by side: in order, the same as one by one, and gone when nobody wants them."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from math import isnan

import pytest

from tests.twin.variants import DEFAULT, varied
from twin.campaign import Series, run_all, run_series
from twin.errors import InputError
from twin.run import Job, Outcome, simulate
from twin.scenario import Room, Scenario
from twin.tube import DEFAULT_TUBE

COLD = Scenario(
    name="cold", title="six minutes from cold", duration_h=0.1, start="cold", air_path_cm=10.0,
    warm_up_h=0.05, ambient=Room(time_h=(0.0, 0.1), temperature_c=(21.0, 22.0)),
)  # fmt: skip
JOB = Job(COLD, DEFAULT_TUBE, DEFAULT, {})


# What is kept of a run ---------------------------------------------------------------------------


def test_a_series_is_the_frames_of_the_run_and_its_figure():
    series = run_series(JOB)
    outcome = simulate(JOB)
    assert series.starts_ms == [180_000, 240_000, 300_000]
    assert len(series.intensities) == outcome.frames.true.count == 3
    assert series.rms_true_percent == outcome.frames.true.rms_percent
    assert sum(series.intensities) / 3.0 == pytest.approx(outcome.frames.true.mean)
    assert series.trip == ""
    assert not series.trim_limited


def test_a_run_that_trips_says_why_and_keeps_the_frames_before():
    arcing = varied({"generator.arcs_per_1000_h": 1e6})
    series = run_series(replace(JOB, tube=arcing))
    assert series.trip == "arcing"
    assert series.intensities == series.starts_ms == []
    assert isnan(series.rms_true_percent)


def test_a_trim_at_its_limit_is_told():
    limited = varied({}, {"trim_up": 0.0, "trim_down": 0.0})
    assert run_series(replace(JOB, tube=limited)).trim_limited


def test_a_series_takes_a_run_s_rows_and_forgets_them():
    series = Series()
    series.append((0.0, 1.0))
    series.flush()
    assert series == Series(rms_true_percent=series.rms_true_percent)


# Side by side ------------------------------------------------------------------------------------


def tenfold(number):
    return 10 * number


def refuse_three(number):
    if number == 3:
        raise InputError("three: is not liked; give another")
    return number


def sigint_is_blocked(_):
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_results_come_in_the_order_of_the_tasks_and_progress_counts_them():
    done: list[int] = []
    assert run_all(tenfold, list(range(20)), done.append) == [10 * n for n in range(20)]
    assert done == list(range(1, 21))


def test_one_task_alone_is_enough():
    assert run_all(tenfold, [7]) == [70]


def test_what_a_process_refuses_is_raised_here():
    with pytest.raises(InputError, match="three: is not liked"):
        run_all(refuse_three, list(range(20)))


def test_an_exception_from_progress_leaves_no_process_behind():
    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(tenfold, list(range(20)), stop)


def test_the_processes_leave_interrupts_to_the_parent_which_takes_them_again():
    assert run_all(sigint_is_blocked, [0, 1]) == [True, True]
    assert not sigint_is_blocked(None)


def test_runs_in_processes_are_the_same_as_here_to_the_last_bit():
    jobs = [replace(JOB, seed=seed) for seed in (1, 2)]
    there = run_all(run_series, jobs)
    assert there == [run_series(job) for job in jobs]
    assert there[0].intensities != there[1].intensities


def test_an_outcome_of_another_law_is_another_series():
    held = run_series(JOB)
    loose = run_series(replace(JOB, without=("emission",)))
    assert held.intensities != loose.intensities
    assert isinstance(simulate(JOB), Outcome)


# Ctrl-C ------------------------------------------------------------------------------------------

ENDLESS = """
import os, signal
from twin.campaign import run_all

def forever(task):
    os.write(1, f"{os.getpid()}\\n".encode())
    while True:
        signal.pause()
"""
STARTED = "from endless import forever\nfrom twin.campaign import run_all\n"


def begin(tmp_path, lines):
    """A Python of its own that runs these lines, as the leader of a process group of its own."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "begin.py").write_text(
        f'{STARTED}if __name__ == "__main__":\n    print("begun", flush=True)\n    {lines}\n'
    )
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "begin.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
    )  # fmt: skip


def test_an_interrupt_ends_the_processes_at_work(tmp_path):
    """As a terminal sends it, to all of them. Both pipes end only when nobody holds them."""
    process = begin(tmp_path, "run_all(forever, [1, 2, 3, 4])")
    assert process.stdout.readline() == "begun\n"
    processes = min(4, os.cpu_count() or 1)
    workers = [int(process.stdout.readline()) for _ in range(processes)]
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # KeyboardInterrupt, of the parent alone
    assert err.count("Traceback") == 1
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_so_does_one_that_comes_while_they_are_starting(tmp_path):
    process = begin(tmp_path, "run_all(forever, [1, 2, 3, 4])")
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1
