"""Bench runs from the command line: each job on each target, then one table."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hil.link.real_time import RealTimeShadow
from hil.link.shadow import Shadow
from hil.runs.junit import Case, check_junit, write_junit
from hil.runs.tick_log import LoggedFirmware, TickLog
from hil.targets.figures import HEAD, TimeSeries, series_in_process, table_row
from hil.targets.target import Target
from twin.files.errors import InputError
from twin.files.json import plain, print_json
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.perform import console_lines, perform
from twin.runs.progress import waiting

FAILED, UNUSABLE = 1, 2


@dataclass(frozen=True)
class BenchRequest:
    """The requested targets, scenarios and options.

    state          : state to continue from, see simulate(); None: from the beginning
    every_scenario : True skips scenarios that are too long for a target
    compare        : the firmware here drives the plant; any difference of the target fails the run
    out            : folder of a single run, or parent folder of several; None: out/bench
    """

    pairs: list[tuple[Target, Job]]
    state: dict[str, Any] | None
    mode: str | None
    every_scenario: bool
    broker: str | None
    rate: float | None
    out: Path | None
    csv: bool
    compare: bool
    record: Path | None
    junit: Path | None
    quiet: bool


def perform_all(request: BenchRequest) -> int:
    """Perform and print all runs; returns the exit status.

    Raises InputError if a single run can't be performed.
    """
    pairs = list(_pairs(request))
    single = len(pairs) == 1
    if request.record and not single:
        raise InputError("--record: one file for one run; give one scenario and one target")
    for target, _ in pairs:
        mode = target.mode(request.mode)
        if request.record and not target.reads_frames(mode):
            raise InputError(
                f"--record: the inputs of the firmware on {target.name} are only in its chips; "
                "choose another target"
            )
    if request.record and request.state:
        raise InputError(
            "--record with --resume: a tick log begins at power-up of the firmware; record the "
            "whole run"
        )
    if request.junit:
        check_junit(request.junit)
    summaries: list[dict[str, Any]] = []
    cases: list[Case] = []
    status = 0
    references: dict[int, TimeSeries] = {}
    for target, job in pairs:
        try:
            outcome, words = _perform(request, target, job, single, references)
        except InputError as error:
            cases.append(Case(f"{target.name}.{job.scenario.name}", "verdict", str(error)))
            if single:
                if request.junit:  # else the file of an earlier run would stay
                    write_junit(request.junit, cases)
                raise
            print(f"tubetwin: {target.name}, {job.scenario.name}: {error}", file=sys.stderr)
            summaries.append(_broken_off(target, job, target.mode(request.mode), error))
            status = UNUSABLE
            continue
        summary = plain(outcome.summary())
        summaries.append(summary)
        cases += _cases(outcome, summary)
        differs = request.compare and bool(summary["worst_difference"])
        if request.compare:
            failure = f"{summary['worst_signal']} differs" if differs else ""
            cases.append(Case(f"{target.name}.{job.scenario.name}", "comparison", failure))
        if differs or not outcome.passed:
            status = max(status, FAILED)
        if not request.quiet:
            print(words)
    if request.quiet:
        print_json(summaries[0] if single else summaries)
    else:
        _show_table(summaries)
    if request.junit:
        write_junit(request.junit, cases)
    return status


def _broken_off(target: Target, job: Job, mode: str, error: InputError) -> dict[str, Any]:
    """The object of one of several runs that ended without a verdict; it has no figures."""
    return {
        "passed": False,
        "error": str(error),
        "target": target.name,
        "mode": mode,
        "scenario": job.scenario.name,
    }


def _pairs(request: BenchRequest) -> Iterator[tuple[Target, Job]]:
    for target, job in request.pairs:
        if request.every_scenario and target.too_long(job):
            name = job.scenario.name
            print(f"tubetwin: note: without {name} on {target.name}: too slow", file=sys.stderr)
        else:
            yield target, job


def _perform(
    request: BenchRequest, target: Target, job: Job, single: bool, references: dict[int, TimeSeries]
) -> tuple[Outcome, str]:
    """Perform one run; returns its outcome and the text for the console."""
    base = request.out or Path("out") / "bench"
    out = base if single and request.out else base / target.folder / job.scenario.name
    mode = target.mode(request.mode)
    rate = request.rate
    if rate is None and target.paced_here(mode):
        rate = 1.0
    with ExitStack() as stack:
        with waiting(f"starting {target.name}", request.quiet):
            world = stack.enter_context(target.world(job, mode, request.state))
        shadow = world.controller
        if request.compare and isinstance(shadow, Shadow):
            shadow.peer_drives = False
        tick_log = None
        if request.record:
            about = {
                "target": target.name,
                "mode": mode,
                "scenario": job.scenario.name,
                "tube": job.tube_name,
                "seed": job.seed,
            }
            tick_log = stack.enter_context(
                TickLog(request.record, job.settings(), world.outputs, about)
            )
            if isinstance(world.controller, RealTimeShadow):
                world.controller.on_tick = tick_log.tick  # inputs and time of the board's tick
            else:
                world.controller = LoggedFirmware(world.controller, tick_log)
        series = TimeSeries(world)

        def measured(outcome: Outcome) -> dict[str, Any]:
            figures = target.figures(world, mode)
            if target.name != "in-process":
                if id(job) not in references:
                    with waiting("the same run in this process, to compare", request.quiet):
                        references[id(job)] = series_in_process(job, request.state)
                figures.worst_difference_percent = series.difference_percent(references[id(job)])
            figures.overruns += outcome.overruns  # of pacing
            return asdict(figures)

        outcome, counts = perform(
            job,
            out,
            request.broker,
            rate,
            request.csv,
            request.quiet,
            world,
            measured,
            request.state,
        )
        if tick_log:
            tick_log.close()
    words = console_lines(outcome, counts, out)
    if request.compare:
        words += f"\n  compared   {_compared(shadow, target)}"
    return outcome, words


def _compared(shadow: Any, target: Target) -> str:
    """The first difference between the firmware here and on the target, and the largest ones."""
    ticks = f"{shadow.ticks} ticks with {target.name}"
    first = shadow.first
    if first is None:
        return f"{ticks}: every output is the same"
    worst = ", ".join(f"{name} {worst}" for name, worst in shadow.worst.items() if worst)
    return (
        f"{ticks}: first difference in tick {first.tick}: {first.signal} is {first.here} here and "
        f"{first.there} there; largest differences, counts: {worst}"
    )


def _cases(outcome: Outcome, summary: dict[str, Any]) -> Iterator[Case]:
    """The verdict with the measured figures, and each expectation."""
    suite = f"{summary['target']}.{summary['scenario']}"
    properties = {
        key: value for key, value in summary.items() if isinstance(value, str | int | float)
    }
    verdict = outcome.verdict()
    failure = "" if verdict.passed else verdict.in_one_line
    yield Case(suite, "verdict", failure, outcome.wall_s, properties)
    for one in verdict.expectations:
        name = f"{one['at_s']:g} s: {one['expect']}"
        yield Case(suite, name, "" if one["met"] else f"found {one['found']}")


def _show_table(summaries: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in HEAD:
        table.add_column(name, justify="left" if name in HEAD[:4] else "right", no_wrap=True)
    for summary in summaries:
        table.add_row(*table_row(summary))
    # Never narrower than its content: a terminal wraps a line, rich would cut words.
    width = max(Console().width, Console(width=1000).measure(table).maximum)
    console = Console(width=width)
    with console.capture() as printed:
        console.print(table)
    print(printed.get().rstrip("\n"))
