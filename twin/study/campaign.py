"""Many runs at once, in as many processes as there are processors."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.run import simulate

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass
class Series:
    """What is kept of a run: the intensity of each frame, and why it ended if it tripped.

    A run that trips while warming up has no frames.
    """

    starts_ms: list[int] = field(default_factory=list)
    intensities: list[float] = field(default_factory=list)
    rms_true_percent: float = float("nan")
    trip: str = ""

    def append(self, row: tuple[float, ...]) -> None:
        """Of the seconds nothing is kept."""

    def flush(self) -> None:
        """Nothing is waiting."""

    def frame(self, start_ms: int, intensity: float, measured: float) -> None:
        self.starts_ms.append(start_ms)
        self.intensities.append(intensity)


def run_series(job: Job) -> Series:
    """Run `job` and keep its frames."""
    series = Series()
    outcome = simulate(job, series)
    series.rms_true_percent = outcome.frames.true.rms_percent
    if outcome.trips:
        series.trip = outcome.trips[0]["cause"]
    return series


def run_all(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    progress: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """[work(task) for task in tasks], side by side. `work` must be a module's function.

    progress is called with the number of finished tasks. Leaving by an exception, such as
    Ctrl-C, ends the processes at once. InputError if a process dies, as it does where the memory
    is not enough.
    """
    processes = min(len(tasks), os.cpu_count() or 1)
    results: list[Result] = []
    context: Any = multiprocessing.get_context("spawn")
    # Inherited: the parent alone decides when to stop, from the processes' first moment on.
    resource_tracker.ensure_running()  # by itself it would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool = ProcessPoolExecutor(processes, context)
        try:
            waiting = [pool.submit(work, task) for task in tasks]  # starts the processes
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for one in waiting:
                results.append(one.result())
                progress(len(results))
        except BaseException:
            _end(pool)
            raise
        pool.shutdown()
    except BrokenProcessPool:
        raise InputError(
            "a process of the campaign has died; free some memory, then try again"
        ) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return results


def _end(pool: ProcessPoolExecutor) -> None:
    """Stop the processes where they are; by itself a pool would wait for what is begun."""
    processes = list((pool._processes or {}).values())
    for process in processes:
        process.kill()
    pool.shutdown(cancel_futures=True)
    for process in processes:
        process.join()
