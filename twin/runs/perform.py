"""A whole `tubetwin run`: broker, telemetry, recording, comparison, report, verdict."""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twin.commission.commission import rooms_in_hand_c
from twin.files.errors import InputError
from twin.files.json import plain, print_json
from twin.files.whole import write_whole
from twin.recording.columns import COLUMNS
from twin.recording.recorder import Recorder
from twin.runs.job import LAWS, Job
from twin.runs.laws_off import Comparison
from twin.runs.outcome import Outcome
from twin.runs.progress import running, waiting
from twin.runs.run import simulate
from twin.telemetry.telemetry import Telemetry, TelemetryCounts
from twin.world.world import World

DRAIN_S = 5.0  # how long without progress the telemetry's backlog is waited for
STALE = ("recording.csv", "laws-off.h5")  # of an earlier run, removed if this one does not write it


def execute(
    job: Job,
    out: Path,
    broker: str | None,
    rate: float | None,
    csv: bool,
    as_json: bool,
    state: dict[str, Any] | None = None,
) -> bool:
    """Run `job` and leave its results in `out`; True if the limit held.

    broker: an URL, "embedded", or None for no telemetry. InputError if the broker can't be
    reached or `out` can't be written.
    state: see simulate().
    """
    outcome, counts = perform(job, out, broker, rate, csv, as_json, state=state)
    if as_json:
        print_json(outcome.summary())
    else:
        print(console_lines(outcome, counts, out))
    return outcome.passed


def perform(
    job: Job,
    out: Path,
    broker: str | None,
    rate: float | None,
    csv: bool,
    quiet: bool,
    world: World | None = None,
    measured: Callable[[Outcome], dict[str, Any]] | None = None,
    state: dict[str, Any] | None = None,
) -> tuple[Outcome, TelemetryCounts | None]:
    """The run, and all that it leaves in `out`; the outcome is not printed.

    world    : see simulate(); given one, nothing is compared with a run with the laws off
    state    : see simulate()
    measured : after the run, what goes into its summary besides
    """
    for note in filter(None, (room_warning(job), laws_note(job))):
        print(f"tubetwin: note: {note}", file=sys.stderr)
    with ExitStack() as stack:
        telemetry = _telemetry(stack, job, broker, quiet)
        make_folder(out)
        comparison = None
        if set(job.without) != set(LAWS) and not job.scenario.step and world is None:
            comparison = Comparison(job, out / "laws-off.h5")
            stack.callback(comparison.stop)
        parameters = parameters_of(job)
        if state:
            parameters["resumed_s"] = state["world"]["plant"]["now_ms"] / 1000
        recorder = stack.enter_context(Recorder(out / "recording.h5", COLUMNS, parameters))
        with running(f"{job.scenario.name} on {job.tube_name}", job.end_ms, quiet) as progress:
            outcome = simulate(job, recorder, telemetry, progress, rate, world, state)
        if measured:
            outcome.added = measured(outcome)
        counts = None
        if telemetry:
            with waiting("sending the rest of the telemetry", quiet):
                counts = telemetry.close(DRAIN_S)
        with waiting("waiting for the run with the laws off", quiet):
            other = comparison.finish() if comparison else None
        with waiting("writing the report", quiet):
            write_results(out, outcome, counts, recorder, other, csv, _command(sys.argv[1:]))
    return outcome, counts


def parameters_of(job: Job) -> dict[str, Any]:
    """All that decided the run, with units and sources, for recording and report."""
    scenario = job.scenario.model_dump(mode="json", exclude={"step", "settings"})
    if job.scenario.settings:
        scenario["settings"] = job.scenario.settings
    if job.scenario.step:
        scenario["step"] = [f"{step.at_s:g} s: {step.words()}" for step in job.scenario.step]
    made = [f"{step.at_s:g} s: {step.words()}" for step in job.faults]
    return {
        "scenario": scenario,
        "tube": job.tube.model_dump(mode="json", exclude_none=True),
        "calibration": dict(job.calibration),
        "seed": job.seed,
        "without": list(job.without),
        **({"faults": made} if made else {}),
    }


def make_folder(out: Path) -> None:
    """Make the folder for the results. InputError if it can't be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror}; give a directory you can write") from None
    if not os.access(out, os.W_OK):
        raise InputError(f"--out {out}: not writable; give a directory you can write")
    for name in STALE:
        if (out / name).is_dir():
            raise InputError(f"--out {out}: {name} is a directory; remove it")


def _telemetry(stack: ExitStack, job: Job, broker: str | None, quiet: bool) -> Telemetry | None:
    if broker is None:
        return None
    if broker == "embedded":
        from twin.telemetry.broker import EmbeddedBroker

        broker = stack.enter_context(EmbeddedBroker()).url
    device = re.sub(r"[^A-Za-z0-9._-]", "-", job.tube_name)[:64]
    telemetry = Telemetry(broker, device)
    telemetry.connect()
    stack.callback(telemetry.close, 0.0)
    if not quiet:
        print(f"telemetry: {telemetry.address} tubetwin/{device}/#", file=sys.stderr)
    telemetry.status("running", 0, {"scenario": job.scenario.name, "seed": job.seed})
    return telemetry


def write_results(
    out: Path,
    outcome: Outcome,
    counts: TelemetryCounts | None,
    recorder: Recorder,
    comparison: Path | None,
    csv: bool,
    command: str,
) -> None:
    """Close the recording; write report and summary. command: what repeats the run."""
    from twin.recording.reader import export_csv
    from twin.report.report import write_report

    summary = outcome.summary()
    timing = ("wall_s", "realtime_factor")  # all but these are the same for the same seed
    results = {key: value for key, value in plain(summary).items() if key not in timing}
    for stale in STALE:
        if (out / stale) != comparison:
            (out / stale).unlink(missing_ok=True)
    recorder.close({**results, **outcome.fan_authority()})
    write_report(
        out,
        plain(summary),
        outcome.verdict(),
        recorder.path,
        comparison,
        parameters_of(outcome.job),
        extra={
            "telemetry": counts._asdict() if counts else {},
            "scored_from_ms": outcome.job.warm_up_ms,
            "resumed_s": outcome.resumed_s,
            "command": command,
        },
    )
    write_whole(out / "summary.json", json.dumps(plain(summary), indent=1) + "\n")
    if csv:
        export_csv(recorder.path, out / "recording.csv")


def _command(arguments: list[str]) -> str:
    """The command line that repeats the run, without a broker's password."""
    return "tubetwin " + re.sub(r"(://[^:/@\s]*):[^/\s]*@", r"\1:***@", shlex.join(arguments))


def show(text: str) -> None:
    """Print the text. A closed or full standard output does not change the exit status."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"tubetwin: note: standard output: {error.strerror}", file=sys.stderr)


def console_lines(outcome: Outcome, counts: TelemetryCounts | None, out: Path) -> str:
    """The few lines that a person reads: the verdict, and what this process adds to it."""
    verdict, job = outcome.verdict(), outcome.job
    word = verdict.word
    if word == "TRIPPED":
        word += f": {verdict.trips[0].cause} at {verdict.trips[0].time_s:.2f} s"
    lines = list(verdict.lines)
    if counts:
        text = f"{counts.sent} sent ({counts.late} late), "
        lines.append(("telemetry", f"{text}{counts.dropped} dropped, {counts.unsent} unsent"))
    if outcome.resumed_s is not None:
        lines.append(("resumed", f"at {outcome.resumed_s:g} s; the recording begins there"))
    if outcome.overruns:
        lines.append(("pacing", f"{outcome.overruns} overruns of real time"))
    return "\n".join(
        [
            f"{word}  ({job.scenario.name}, {job.tube_name}, seed {job.seed})",
            *(f"  {name:10} {text}" for name, text in lines),
            f"  {outcome.wall_s:.1f} s of wall time; report: {out / 'report.html'}",
        ]
    )


def room_warning(job: Job) -> str | None:
    """One line if the room leaves what the tube's fan can hold, by its commissioning."""
    settings = job.settings()
    if not settings.air_cooled:
        return None
    low, high = rooms_in_hand_c(settings)
    coldest, warmest = job.scenario.room().temperature_range_c
    if low <= coldest and warmest <= high:
        return None
    return (
        f"the room goes from {coldest:.1f} to {warmest:.1f} °C; the fan holds the head at "
        f"{settings.head_set_c:g} °C in rooms from {low:.1f} to {high:.1f} °C"
    )


def laws_note(job: Job) -> str | None:
    """One line on the laws that apply, for a tube whose head no fan cools."""
    if job.tube.heat.cooling == "air":
        return None
    return (
        f"{job.tube_name} has no air-cooled head: the thermal law and the fan's interlock do not "
        "apply; emission, high voltage, compensation and all other interlocks do"
    )
