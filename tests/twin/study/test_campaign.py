"""Many runs side by side: in order, the same as one by one, and gone when nobody wants them."""

import multiprocessing
import operator
import os
import pickle
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from math import isnan

import pytest

from tests.kit.variants import DEFAULT, varied
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.run import simulate
from twin.scenarios.scenario import Room, Scenario
from twin.study.campaign import Series, run_all, run_series
from twin.tube.tube import DEFAULT_TUBE

COLD = Scenario(
    name="cold",
    title="six minutes from cold",
    duration_h=0.1,
    start="cold",
    air_path_cm=10.0,
    warm_up_h=0.05,
    ambient=Room(time_h=(0.0, 0.1), temperature_c=(21.0, 22.0)),
)
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


def test_a_run_that_trips_says_why_and_keeps_the_frames_before():
    arcing = varied({"generator.arcs_per_1000_h": 1e6})
    series = run_series(replace(JOB, tube=arcing))
    assert series.trip == "arcing"
    assert series.intensities == series.starts_ms == []
    assert isnan(series.rms_true_percent)


def test_a_series_takes_a_run_s_rows_and_forgets_them():
    series = Series()
    series.append((0.0, 1.0))
    series.flush()
    assert series == Series(rms_true_percent=series.rms_true_percent)


# Side by side ------------------------------------------------------------------------------------


# The work is the standard library's own, so that the processes have little to import.


def test_results_come_in_the_order_of_the_tasks_and_progress_counts_them():
    done: list[int] = []
    assert run_all(operator.neg, list(range(20)), done.append) == [-n for n in range(20)]
    assert done == list(range(1, 21))


def test_one_task_alone_is_enough():
    assert run_all(operator.neg, [7]) == [-7]


def test_what_a_process_refuses_is_raised_here(tmp_path):
    (tmp_path / "a.toml").write_text("")
    names = [str(tmp_path / "a.toml"), str(tmp_path / "b.toml")]
    with pytest.raises(FileNotFoundError, match=r"b\.toml"):
        run_all(os.stat, names)


def test_an_error_for_the_user_comes_through_as_it_is():
    """It has to survive its way between the processes."""
    error = InputError("three: is not liked; give another")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert type(pickle.loads(pickle.dumps(error))) is InputError


def test_a_process_that_dies_is_one_line_and_ends_the_campaign():
    with pytest.raises(InputError, match="a process of the campaign has died") as caught:
        run_all(os._exit, [9] * 20)
    assert "\n" not in str(caught.value)
    assert multiprocessing.active_children() == []


def test_an_exception_from_progress_leaves_no_process_behind():
    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(operator.neg, list(range(20)), stop)
    assert multiprocessing.active_children() == []


def test_the_processes_leave_interrupts_to_the_parent_which_takes_them_again():
    mask = partial(signal.pthread_sigmask, signal.SIG_BLOCK)
    [blocked] = run_all(mask, [()])
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in mask(())


def test_runs_in_processes_are_the_same_as_here_to_the_last_bit():
    jobs = [replace(JOB, seed=seed) for seed in (1, 2)]
    there = run_all(run_series, jobs)
    assert there == [run_series(job) for job in jobs]
    assert there[0].intensities != there[1].intensities


# Ctrl-C ------------------------------------------------------------------------------------------

ENDLESS = """
import os, signal
from twin.study.campaign import run_all

def forever(task):
    os.write(1, f"{os.getpid()}\\n".encode())
    while True:
        signal.pause()
"""
STARTED = "from endless import forever\nfrom twin.study.campaign import run_all\n"


def begin(tmp_path, lines):
    """A Python of its own that runs these lines, as the leader of a process group of its own."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "begin.py").write_text(
        f'{STARTED}if __name__ == "__main__":\n    print("begun", flush=True)\n    {lines}\n'
    )
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "begin.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
    )


def test_an_interrupt_ends_the_processes_at_work(tmp_path):
    """As a terminal sends it, to all of them. Both pipes end only when nobody holds them."""
    process = begin(tmp_path, "run_all(forever, [1, 2, 3, 4])")
    assert process.stdout.readline() == "begun\n"
    processes = min(4, os.cpu_count() or 1)
    workers = [int(process.stdout.readline()) for _ in range(processes)]
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # KeyboardInterrupt, of the parent alone
    assert len(re.findall("^KeyboardInterrupt", err, re.MULTILINE)) == 1
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_so_does_one_that_comes_while_they_are_starting(tmp_path):
    process = begin(tmp_path, "run_all(forever, [1, 2, 3, 4])")
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert len(re.findall("^KeyboardInterrupt", err, re.MULTILINE)) == 1
