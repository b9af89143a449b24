"""The same run with the laws switched off, in a process of its own beside the main one."""

import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from twin.files.errors import InputError
from twin.recording.columns import COLUMNS
from twin.recording.recorder import Recorder
from twin.runs.job import LAWS, Job
from twin.runs.run import Progress, simulate
from twin.verdict import Frames


class Comparison:
    """Runs `job` without any law from `start` on; `finish` waits for its recording.

    The parts that are compared see the same room, the same tube and the same noise.
    """

    def __init__(self, job: Job, path: Path):
        context = multiprocessing.get_context("spawn")
        self.path = path
        self._process = context.Process(target=_run, args=(job, path), daemon=True)
        # Inherited: the parent alone decides when to stop, from the child's first moment on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._process.start()
        finally:
            signal.signal(signal.SIGINT, before)

    def finish(self) -> Path | None:
        """Wait for the run; the path of the recording, None without one."""
        self._process.join()
        return self.path if self._process.exitcode == 0 and self.path.exists() else None

    def stop(self) -> None:
        """Stop the run at once. May be called again, and after `finish`."""
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def record_laws_off(job: Job, path: Path, progress: Progress | None = None) -> None:
    """Run `job` without any law and record it. InputError if it can't be written."""
    off = replace(job, without=tuple(LAWS))
    attributes = {"without": ", ".join(off.without), "seed": off.seed}
    with Recorder(path, COLUMNS, attributes) as recorder:
        outcome = simulate(off, recorder, progress=progress)
        recorder.close({"rms_true_percent": outcome.frames.true.rms_percent})


def _run(job: Job, path: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the partial file goes, too
    parent = os.getppid()

    def watch(_now_ms: int, _frames: Frames) -> None:
        if os.getppid() != parent:
            sys.exit(1)  # the parent has stopped waiting

    try:
        record_laws_off(job, path, watch)
    except InputError as error:
        print(f"tubetwin: note: no comparison with the laws off: {error}", file=sys.stderr)
        sys.exit(2)
