"""The same run with the laws switched off, in a process of its own beside the main one."""

import pickle
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from twin.files import child
from twin.recording.columns import COLUMNS
from twin.recording.recorder import Recorder
from twin.runs.job import LAWS, Job
from twin.runs.run import Progress, simulate

START_S = 30.0  # time limit for the start of the interpreter


class Comparison:
    """A run of `job` without any law, from `start` on; `finish` waits for its recording.

    The compared parts have the same room, the same tube and the same noise. Without a second
    process there is no comparison, with a note on standard error.
    """

    def __init__(self, job: Job, path: Path):
        self.path = path
        self._process = None
        try:
            question = (pickle.dumps(job), str(path))
            self._process, _ = child.start("twin.runs.laws_off_process", question, START_S)
        except child.ChildError as error:
            _note(str(error))

    def finish(self) -> Path | None:
        """Wait for the run; returns the recording's path, or None without a recording."""
        if self._process is None:
            return None
        with suppress(EOFError):
            [problem] = child.read_one(child.pipes(self._process)[1])
            _note(problem)
        done = self._process.wait() == 0 and self.path.exists()
        self.stop()
        return self.path if done else None

    def stop(self) -> None:
        """Stop the run at once. May be called again, and after `finish`."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            child.discard(self._process)
            self._process = None


def _note(problem: str) -> None:
    print(f"tubetwin: note: no comparison with the laws off: {problem}", file=sys.stderr)


def record_laws_off(job: Job, path: Path, progress: Progress | None = None) -> None:
    """Run `job` without any law and record it. InputError if it can't be written."""
    off = replace(job, without=tuple(LAWS))
    attributes = {"without": ", ".join(off.without), "seed": off.seed}
    with Recorder(path, COLUMNS, attributes) as recorder:
        outcome = simulate(off, recorder, progress=progress)
        recorder.close({"rms_true_percent": outcome.frames.true.rms_percent})
