"""A run from Python: `twin.run` and the result it returns. No network, no files unless asked."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from twin.files.errors import InputError
from twin.recording.columns import COLUMNS
from twin.recording.kept import FRAME_COLUMNS, Kept, columns_of
from twin.recording.recorder import Column, Recorder
from twin.runs.job import LAWS, Job
from twin.runs.laws_off import record_laws_off
from twin.runs.lookup import changed
from twin.runs.outcome import Outcome
from twin.runs.perform import laws_note, make_folder, parameters_of, room_warning, write_results
from twin.runs.prepare import prepare
from twin.runs.run import simulate
from twin.scenarios.scenario import Scenario, load_scenario
from twin.tube.tube import DEFAULT_TUBE, Tube
from twin.verdict import Frames
from twin.verdict_words import Verdict


def run(
    scenario: str | os.PathLike[str] | Scenario = "ramp",
    *,
    tube: str | os.PathLike[str] | Tube = DEFAULT_TUBE,
    seed: int = 1,
    hours: float | None = None,
    without: str | Sequence[str] = (),
    faults: str | Sequence[str] = (),
    ambient: str | os.PathLike[str] | None = None,
    settings: Mapping[str, float] | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> "Result":
    """Run the control firmware against the digital twin, as `tubetwin run` does.

    No telemetry is sent, and no file is written unless `out` is given. (The calibration of a tube
    that is not built in is kept in the cache folder of the user, as by the command line.)

    Parameters
    ----------
    scenario : str, os.PathLike or Scenario
        A built-in scenario, see `twin.scenario_names`, a .toml file, or what `twin.scenario`
        returned.
    tube : str, os.PathLike or Tube
        A built-in tube, see `twin.tubes`, a .toml file, or what `twin.describe_tube` returned.
        A tube that was not used before is commissioned first, which takes some seconds.
    seed : int
        Seed of all noise and drift, 0 or more. The same seed gives the same numbers, bit for bit.
    hours : float, optional
        Simulated hours, if shorter than the scenario.
    without : str or sequence of str
        Laws that hold their output from the end of the warm-up on: thermal, emission, compensation.
    faults : str or sequence of str
        Faults at the seam between firmware and plant, each ``KIND[:SIGNAL=RAW]@S[+S]``: from a
        time on in seconds, for a time in seconds. Example: ``"fan@600+4"``.
    ambient : str or os.PathLike, optional
        A CSV file with the conditions of a room, instead of those of the scenario. Its columns are
        time_s, temperature_c and, optional, pressure_hpa and humidity_percent.
    settings : mapping of str to float, optional
        Settings of the firmware that replace those of the tube; the unit is the ending of a name.
    out : str or os.PathLike, optional
        A folder for the report and the recording, as `Result.report` writes them.
    progress : callable, optional
        Called with the part of the run that is done, 0.0 to 1.0, once per simulated minute.

    Returns
    -------
    Result
        The verdict, its figures, and what was recorded.

    Raises
    ------
    InputError
        If an argument is not usable. The message is one line: what, where and what to do.

    See Also
    --------
    World : The same tube and firmware, stepped by hand.

    Notes
    -----
    The figure of stability is the standard deviation over the mean of the intensity integrated
    per frame of 60 s, over the whole run after warm-up, not detrended. It is compared with a limit
    of 0.19 % rms [1]_. The ramp of 5.5 hours is 1.98 million ticks of 10 ms.

    References
    ----------
    .. [1] Technical note on laboratory sources for macromolecular crystallography: an intensity
       that varies by less than 0.19 % rms over 5.5 hours in a room that changes by 3 degC per hour.

    Examples
    --------
    >>> import twin
    >>> result = twin.run("ramp", hours=0.1)
    >>> result.held
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed {seed!r}: give a whole number, 0 or more")
    call = _call(scenario, tube, seed, hours, without, faults, ambient, settings)
    chosen = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    job = prepare(
        changed(chosen, hours, ambient, settings),
        tube if isinstance(tube, Tube) else os.fspath(tube),
        None,
        None,
        seed,
        (without,) if isinstance(without, str) else tuple(without),
        (faults,) if isinstance(faults, str) else tuple(faults),
    )
    if out is not None:
        make_folder(Path(out))  # before the run, not after it

    def show(now_ms: int, _frames: Frames) -> None:
        if progress:
            progress(min(1.0, now_ms / job.end_ms))

    kept = Kept()
    result = Result(simulate(job, kept, progress=show), kept, call)
    if out is not None:
        result.report(out)
    return result


class Result:
    """The result of a run.

    Made by `twin.run`.

    Parameters
    ----------
    outcome : twin.runs.outcome.Outcome
        What the simulation counted.
    kept : twin.recording.kept.Kept
        What it recorded.
    call : str
        The call that repeats the run, for the report.
    """

    def __init__(self, outcome: Outcome, kept: Kept, call: str):
        self._outcome = outcome
        self._kept = kept
        self._call = call

    def __repr__(self) -> str:
        job = self.job
        return f"<twin.Result {self.verdict.word}: {job.scenario.name}, {job.tube_name}>"

    def __str__(self) -> str:
        return str(self.verdict)

    @property
    def job(self) -> Job:
        """All that decided the numbers: scenario, tube, calibration, seed, laws and faults."""
        return self._outcome.job

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict: word, sentence, figures with units."""
        return self._outcome.verdict()

    @property
    def held(self) -> bool:
        """Whether all is as it should be: limit held, expectations met, no unexpected trip."""
        return self._outcome.passed

    @property
    def rms_true_percent(self) -> float:
        """Standard deviation over mean of the intensity per frame, in %, without counting noise.

        NaN where there were fewer than two frames.
        """
        return self._outcome.frames.true.rms_percent

    @property
    def rms_measured_percent(self) -> float:
        """The same with the counting statistics of the detector, in %."""
        return self._outcome.frames.measured.rms_percent

    @property
    def trips(self) -> list[dict[str, Any]]:
        """All trips in order, each with time_s and cause."""
        return [dict(trip) for trip in self._outcome.trips]

    @property
    def summary(self) -> dict[str, Any]:
        """The object that `tubetwin run --json` prints; NaN where that prints null."""
        return self._outcome.summary()

    @property
    def notes(self) -> list[str]:
        """What `tubetwin run` notes before a run; empty for an ordinary one.

        A room that is too cold or too warm for the fan, and laws that do not apply to the tube.
        """
        return [note for note in (room_warning(self.job), laws_note(self.job)) if note]

    @cached_property
    def frame(self) -> Any:
        """The recording: one row per simulated second, warm-up at negative times included.

        A pandas DataFrame if pandas is installed, else a dict of numpy arrays of equal length. The
        first column is now_ms; then come the true values of the twin, units in their names, and
        every signal between firmware and plant in raw counts. `units` has the unit of each.
        """
        return _table(self._kept.rows(), COLUMNS)

    @cached_property
    def frames(self) -> Any:
        """The intensity per frame of 60 s, one row each, from which the figures come.

        As `frame`, with the columns start_ms, intensity_true and intensity_measured; intensities
        are relative to the nominal tube.
        """
        return _table(self._kept.frames(), FRAME_COLUMNS)

    @property
    def units(self) -> dict[str, str]:
        """The unit of each column of `frame`."""
        return {column.name: column.unit for column in COLUMNS}

    def report(self, folder: str | os.PathLike[str], *, laws_off: bool = False) -> Path:
        """Write the report and the recording, as `tubetwin run` does.

        Parameters
        ----------
        folder : str or os.PathLike
            Where report.html, report.png, recording.h5 and summary.json go; made if missing.
        laws_off : bool
            Whether to make the same run with all laws switched off, too, for comparison. It
            takes as long as the run itself.

        Returns
        -------
        pathlib.Path
            The path of report.html.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        folder = Path(folder)
        make_folder(folder)
        other = None
        if laws_off and set(self.job.without) != set(LAWS) and not self.job.scenario.step:
            other = folder / "laws-off.h5"
            record_laws_off(self.job, other)
        with Recorder(folder / "recording.h5", COLUMNS, parameters_of(self.job)) as recorder:
            for row in self._kept.rows():
                recorder.append(row)
            for start_ms, true, measured in self._kept.frames():
                recorder.frame(int(start_ms), float(true), float(measured))
            write_results(folder, self._outcome, None, recorder, other, False, self._call)
        return folder / "report.html"


def _table(values: Any, columns: Sequence[Column]) -> Any:
    made = columns_of(values, columns)
    try:
        pandas = import_module("pandas")
    except ImportError:
        return made
    return pandas.DataFrame(made)


def _call(
    scenario: str | os.PathLike[str] | Scenario,
    tube: str | os.PathLike[str] | Tube,
    seed: int,
    hours: float | None,
    without: str | Sequence[str],
    faults: str | Sequence[str],
    ambient: str | os.PathLike[str] | None,
    settings: Mapping[str, float] | None,
) -> str:
    """The call that repeats the run; what was not a name or a file stands there by its title."""
    first = scenario.name if isinstance(scenario, Scenario) else os.fspath(scenario)
    second = tube.title if isinstance(tube, Tube) else os.fspath(tube)
    words = [repr(first), f"tube={second!r}", f"seed={seed}"]
    rest = (
        ("hours", hours),
        ("without", without if isinstance(without, str) else list(without)),
        ("faults", faults if isinstance(faults, str) else list(faults)),
        ("ambient", None if ambient is None else os.fspath(ambient)),
        ("settings", dict(settings or {})),
    )
    words += [f"{name}={value!r}" for name, value in rest if value not in (None, [], "", {})]
    return f"twin.run({', '.join(words)})"
