"""The commands `tubetwin bench`, `targets` and `replay`: the firmware, wherever it runs."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.cli import options as cli_run
from twin.files.errors import InputError
from twin.tube.tube import DEFAULT_TUBE

ALL = "all"

TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TARGET",
        help="in-process, micropython, micropython-f32, rp2040, or a PORT: a device or pyserial "
        "URL. Repeatable; all: whatever is available but ports. See `tubetwin targets`.",
    ),
]
LockstepOption = Annotated[
    bool,
    typer.Option("--lockstep", help="The twin's clock rules: one frame, one tick, one answer."),
]
RealTimeOption = Annotated[
    bool, typer.Option("--real-time", help="The target's own clock rules, and the twin keeps up.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the front door."""
    for command in (bench, targets, replay):
        app.command()(command)


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
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also record every tick, for `tubetwin replay`."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE.xml", help="Also write the results as JUnit XML.")
    ] = None,
    tube: cli_run.Tube = DEFAULT_TUBE,
    ambient: cli_run.Ambient = None,
    hours: cli_run.Hours = None,
    seed: cli_run.Seed = 1,
    without: cli_run.Without = None,
    fault: cli_run.FaultAt = None,
    resume: cli_run.Resume = None,
    broker: cli_run.Broker = None,
    no_mqtt: cli_run.NoMqtt = False,
    rate: cli_run.Rate = "max",
    out: cli_run.Out = None,
    csv: cli_run.Csv = False,
    as_json: cli_run.Json = False,
) -> None:
    """Run scenarios with the firmware on a target, and say whether they held there.

    As `tubetwin run`, with the firmware on another interpreter, an emulated board or a board on a
    serial line, and with what the link measured. Ends with a table.
    """
    from hil.runs.bench_runs import Wanted, perform_all
    from hil.targets.target import LOCKSTEP, REAL_TIME

    if real_time and rate != "max":
        raise InputError(f"--rate {rate}: in real time the target's clock rules; leave it out")
    if lockstep and real_time:
        raise InputError("--lockstep and --real-time: give one of the two")
    chosen = _targets(target)
    state = None
    if resume is not None:
        if scenarios:
            raise InputError(f"--resume {resume}: scenario is in the snapshot; leave it out")
        job, state = cli_run.resumed(context, resume)
        pairs = [(one, job) for one in chosen]
    else:
        names = {one.name: _scenarios(scenarios) or [one.default_scenario] for one in chosen}
        jobs = {}
        for name in dict.fromkeys(name for some in names.values() for name in some):
            listed = name in (scenarios or ())
            try:
                length = hours if listed or not _is_check(name) else None
                jobs[name] = cli_run.job_of(name, tube, ambient, length, seed, without, fault)
            except InputError as error:
                if listed or ALL not in (scenarios or ()):
                    raise
                print(f"tubetwin: note: without {name}: {error}", file=sys.stderr)
        pairs = [(one, jobs[name]) for one in chosen for name in names[one.name] if name in jobs]
    wanted = Wanted(
        pairs=pairs,
        state=state,
        mode=LOCKSTEP if lockstep else REAL_TIME if real_time else None,
        every_scenario=ALL in (scenarios or ()),
        broker=cli_run.broker_of(broker, no_mqtt),
        rate=cli_run.rate_of(rate),
        out=out,
        csv=csv,
        record=record,
        junit=junit,
        quiet=as_json,
    )
    raise typer.Exit(perform_all(wanted))


def targets(as_json: cli_run.Json = False) -> None:
    """List what the firmware can be run on here and now, and what is missing for the rest.

    Ports of boards on USB are asked who is there; all other ports are left alone.
    """
    from hil.targets.targets import builtin_targets
    from hil.unit.doctor import plugged_in
    from twin.runs.session import show

    rows: list[dict[str, Any]] = []
    for one in builtin_targets():
        reason = one.missing()
        rows.append(
            {
                "target": one.name,
                "available": reason is None,
                "modes": list(one.modes),
                "what": one.what,
                "reason": reason or "",
            }
        )
    for found in plugged_in():
        if found.what == "no board":
            continue
        ready = found.state == "ok"
        rows.append(
            {
                "target": found.what,
                "available": ready,
                "modes": ["lockstep", "real-time"],
                "what": found.detail if ready else "a serial port",
                "reason": "" if ready else found.detail + (f": {found.mend}" if found.mend else ""),
            }
        )
    if as_json:
        show(json.dumps(rows, ensure_ascii=False))
        return
    lines = []
    width = max(len(str(row["target"])) for row in rows)
    for row in rows:
        state = f"ready    {', '.join(row['modes'])}" if row["available"] else "missing"
        lines.append(f"{row['target']:{width}}  {state:29}  {row['what']}")
        if row["reason"]:
            lines.append(f"{'':{width}}  {'':29}  {row['reason']}")
    port = "a board on a serial line: /dev/ttyACM0, socket://host:port, …"
    show("\n".join([*lines, f"{'PORT':{width}}  {'':29}  {port}"]))


def replay(
    tape: Annotated[
        Path, typer.Argument(metavar="FILE", help="As `tubetwin bench --record` writes.")
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="See `tubetwin targets`.")
    ] = "in-process",
    ticks: Annotated[
        int | None, typer.Option(min=1, help="Only so many ticks; for slow targets.")
    ] = None,
    as_json: cli_run.Json = False,
) -> None:
    """Feed a recording of every tick to a target and print the first difference.

    Exit status: 0 every output of every tick is the same; 1 one differs.
    """
    from hil.runs.replay import replay as feed
    from hil.targets.targets import find_target
    from twin.runs.session import show

    chosen = find_target(target)
    if reason := chosen.missing():
        raise InputError(f"--target {target}: {reason}")
    found = feed(tape, chosen, ticks, as_json)
    show(json.dumps(found.summary()) if as_json else found.words())
    raise typer.Exit(0 if found.first is None else 1)


def _is_check(name: str) -> bool:
    """Whether a scenario has steps, and so is as long as it is."""
    from twin.scenarios.scenario import load_scenario

    return bool(load_scenario(name).step)


def _scenarios(names: list[str] | None) -> list[str]:
    from twin.scenarios.scenario import builtin_scenarios

    known = [name for one in names or () for name in (builtin_scenarios() if one == ALL else [one])]
    return list(dict.fromkeys(known))


def _targets(names: list[str] | None) -> list[Any]:
    """All are looked up, and none is missing, before anything happens."""
    from hil.targets.targets import builtin_targets, find_target

    chosen = []
    for name in dict.fromkeys(names or ["in-process"]):
        if name == ALL:
            for one in builtin_targets():
                reason = one.missing()
                if reason is None:
                    chosen.append(one)
                else:
                    print(f"tubetwin: note: without {one.name}: {reason}", file=sys.stderr)
            continue
        one = find_target(name)
        if reason := one.missing():
            raise InputError(f"--target {name}: {reason}")
        chosen.append(one)
    return list({one.name: one for one in chosen}.values())
