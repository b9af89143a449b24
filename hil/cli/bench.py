"""The command `tubetwin bench`: the firmware, wherever it runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from twin.cli import options
from twin.cli.output import note
from twin.defaults import DEFAULT_TUBE
from twin.files.errors import InputError

ALL = "all"

TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TARGET",
        help="in-process, micropython, micropython-f32, rp2040, or a PORT: a device or pyserial "
        "URL. Repeatable; all: every available target except ports. See `tubetwin targets`.",
    ),
]
LockstepOption = Annotated[
    bool,
    typer.Option("--lockstep", help="The twin's clock controls the firmware, tick by tick."),
]
RealTimeOption = Annotated[
    bool, typer.Option("--real-time", help="The target's clock controls the twin.")
]


def bench(
    context: typer.Context,
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCENARIO]…",
            help="Built-in scenarios or .toml files; all: every built-in one. "
            "Default: ramp; bench-short on a slow target.",
        ),
    ] = None,
    target: TargetOption = None,
    lockstep: LockstepOption = False,
    real_time: RealTimeOption = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Only compare, in lockstep: the firmware here drives the plant, the target reads "
            "the same inputs; print the first different output. Exit status 1 if one differs.",
        ),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also record every tick, for `tubetwin replay`."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE.xml", help="Also write the results as JUnit XML.")
    ] = None,
    tube: options.Tube = DEFAULT_TUBE,
    ambient: options.Ambient = None,
    hours: options.Hours = None,
    seed: options.Seed = 1,
    without: options.Without = None,
    fault: options.FaultAt = None,
    resume: options.Resume = None,
    broker: options.Broker = None,
    no_mqtt: options.NoMqtt = False,
    rate: options.Rate = "max",
    out: options.Out = None,
    csv: options.Csv = False,
    as_json: options.Json = False,
) -> None:
    """Run scenarios with the firmware on a target, and print their verdicts.

    As `tubetwin run`, with the firmware on another interpreter, an emulated board or a board on a
    serial line, and with the figures of the link. Ends with a table.
    """
    from hil.runs.bench_runs import BenchRequest, perform_all
    from hil.targets.target import LOCKSTEP, REAL_TIME

    if real_time and rate != "max":
        raise InputError(f"--rate {rate}: in real time the target sets the rate; leave it out")
    if lockstep and real_time:
        raise InputError("--lockstep and --real-time: give one of the two")
    if compare and real_time:
        raise InputError("--compare and --real-time: give one of the two")
    chosen = _targets(target)
    if compare and any(one.name == "in-process" for one in chosen):
        raise InputError("--compare: in-process is the firmware here; choose another --target")
    state = None
    if resume is not None:
        if scenarios:
            raise InputError(f"--resume {resume}: scenario is in the snapshot; leave it out")
        job, state = options.resumed(context, resume)
        pairs = [(one, job) for one in chosen]
    else:
        names = {one.name: _scenarios(scenarios) or [one.default_scenario] for one in chosen}
        jobs = {}
        for name in dict.fromkeys(name for some in names.values() for name in some):
            listed = name in (scenarios or ())
            try:
                length = hours if listed or not _is_check(name) else None
                jobs[name] = options.job_of(name, tube, ambient, length, seed, without, fault)
            except InputError as error:
                if listed or ALL not in (scenarios or ()):
                    raise
                note(f"without {name}: {error}")
        pairs = [(one, jobs[name]) for one in chosen for name in names[one.name] if name in jobs]
    request = BenchRequest(
        pairs=pairs,
        state=state,
        mode=LOCKSTEP if lockstep or compare else REAL_TIME if real_time else None,
        every_scenario=ALL in (scenarios or ()),
        broker=options.broker_of(broker, no_mqtt),
        rate=options.rate_of(rate),
        out=out,
        csv=csv,
        compare=compare,
        record=record,
        junit=junit,
        quiet=as_json,
    )
    raise typer.Exit(perform_all(request))


def _is_check(name: str) -> bool:
    """True if a scenario has steps, so that --hours does not apply to it."""
    from twin.scenarios.scenario import load_scenario

    return bool(load_scenario(name).step)


def _scenarios(names: list[str] | None) -> list[str]:
    from twin.scenarios.scenario import builtin_scenarios

    known = [name for one in names or () for name in (builtin_scenarios() if one == ALL else [one])]
    return list(dict.fromkeys(known))


def _targets(names: list[str] | None) -> list[Any]:
    """The requested targets. Raises InputError if one is unknown or missing."""
    from hil.targets.targets import builtin_targets, find_target

    chosen = []
    for name in dict.fromkeys(names or ["in-process"]):
        if name == ALL:
            for one in builtin_targets():
                reason = one.missing()
                if reason is None:
                    chosen.append(one)
                else:
                    note(f"without {one.name}: {reason}")
            continue
        one = find_target(name)
        if reason := one.missing():
            raise InputError(f"--target {name}: {reason}")
        chosen.append(one)
    return list({one.name: one for one in chosen}.values())
