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
from hil.runs.tick_log import Tape, Taped
from hil.targets.figures import HEAD, Course, course_in_process, table_row
from hil.targets.target import Target
from twin.files.errors import InputError
from twin.files.json import plain, print_json
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.perform import console_lines, perform
from twin.runs.progress import waiting

FAILED, UNUSABLE = 1, 2


@dataclass(frozen=True)
class Wanted:
    """What was asked for. every_scenario: then those that are too long for a target are left out.

    compare : the firmware here drives the plant, and any difference of the target fails the run
    state : from where on they go on, see simulate(); None: from the beginning
    out: of a single run; of several, where each has a folder; None: out/bench
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


def perform_all(wanted: Wanted) -> int:
    """Do it, print it; the exit status. InputError for a single run that can't be done."""
    pairs = list(_pairs(wanted))
    single = len(pairs) == 1
    if wanted.record and not single:
        raise InputError("--record: one file for one run; give one scenario and one target")
    for target, _ in pairs:
        mode = target.mode(wanted.mode)
        if wanted.record and not target.reads_frames(mode):
            raise InputError(
                f"--record: what the firmware on {target.name} reads is in its chips; choose "
                "another target"
            )
    if wanted.record and wanted.state:
        raise InputError(
            "--record with --resume: a tape begins with a firmware that has just been powered up; "
            "record the whole run"
        )
    if wanted.junit:
        check_junit(wanted.junit)
    summaries: list[dict[str, Any]] = []
    cases: list[Case] = []
    status = 0
    courses: dict[int, Course] = {}
    for target, job in pairs:
        try:
            outcome, words = _perform(wanted, target, job, single, courses)
        except InputError as error:
            cases.append(Case(f"{target.name}.{job.scenario.name}", "verdict", str(error)))
            if single:
                if wanted.junit:  # or the last run's would still stand there
                    write_junit(wanted.junit, cases)
                raise
            print(f"tubetwin: {target.name}, {job.scenario.name}: {error}", file=sys.stderr)
            summaries.append(_broken_off(target, job, target.mode(wanted.mode), error))
            status = UNUSABLE
            continue
        summary = plain(outcome.summary())
        summaries.append(summary)
        cases += _cases(outcome, summary)
        differs = wanted.compare and bool(summary["worst_difference"])
        if wanted.compare:
            failure = f"{summary['worst_signal']} differs" if differs else ""
            cases.append(Case(f"{target.name}.{job.scenario.name}", "comparison", failure))
        if differs or not outcome.passed:
            status = max(status, FAILED)
        if not wanted.quiet:
            print(words)
    if wanted.quiet:
        print_json(summaries[0] if single else summaries)
    else:
        _show_table(summaries)
    if wanted.junit:
        write_junit(wanted.junit, cases)
    return status


def _broken_off(target: Target, job: Job, mode: str, error: InputError) -> dict[str, Any]:
    """The object of one of several runs that came to no verdict: what is not known is not there."""
    return {
        "passed": False,
        "error": str(error),
        "target": target.name,
        "mode": mode,
        "scenario": job.scenario.name,
    }


def _pairs(wanted: Wanted) -> Iterator[tuple[Target, Job]]:
    for target, job in wanted.pairs:
        if wanted.every_scenario and target.too_long(job):
            name = job.scenario.name
            print(f"tubetwin: note: without {name} on {target.name}: too slow", file=sys.stderr)
        else:
            yield target, job


def _perform(
    wanted: Wanted, target: Target, job: Job, single: bool, courses: dict[int, Course]
) -> tuple[Outcome, str]:
    """One run; what came of it, and in words."""
    base = wanted.out or Path("out") / "bench"
    out = base if single and wanted.out else base / target.folder / job.scenario.name
    mode = target.mode(wanted.mode)
    rate = wanted.rate
    if rate is None and target.paced_here(mode):
        rate = 1.0
    with ExitStack() as stack:
        with waiting(f"starting {target.name}", wanted.quiet):
            world = stack.enter_context(target.world(job, mode, wanted.state))
        shadow = world.controller
        if wanted.compare and isinstance(shadow, Shadow):
            shadow.peer_drives = False
        tape = None
        if wanted.record:
            about = {
                "target": target.name,
                "mode": mode,
                "scenario": job.scenario.name,
                "tube": job.tube_name,
                "seed": job.seed,
            }
            tape = stack.enter_context(Tape(wanted.record, job.settings(), world.outputs, about))
            if isinstance(world.controller, RealTimeShadow):
                world.controller.on_tick = tape.tick  # what the board used, and when
            else:
                world.controller = Taped(world.controller, tape)
        course = Course(world)

        def measured(outcome: Outcome) -> dict[str, Any]:
            figures = target.figures(world, mode)
            if target.name != "in-process":
                if id(job) not in courses:
                    with waiting("the same run in this process, to compare", wanted.quiet):
                        courses[id(job)] = course_in_process(job, wanted.state)
                figures.worst_difference_percent = course.apart_percent(courses[id(job)])
            figures.overruns += outcome.overruns  # those of pacing
            return asdict(figures)

        outcome, counts = perform(
            job,
            out,
            wanted.broker,
            rate,
            wanted.csv,
            wanted.quiet,
            world,
            measured,
            wanted.state,
        )
        if tape:
            tape.close()
    words = console_lines(outcome, counts, out)
    if wanted.compare:
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
    """The verdict, with what was measured, and each expectation."""
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
    # Never narrower than its content: a terminal wraps a line, but half a word says nothing.
    width = max(Console().width, Console(width=1000).measure(table).maximum)
    console = Console(width=width)
    with console.capture() as printed:
        console.print(table)
    print(printed.get().rstrip("\n"))
