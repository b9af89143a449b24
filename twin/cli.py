"""The command line `tubetwin`."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from hil.cli_bench import register as register_bench
from hil.cli_flash import register as register_flash
from hil.cli_settings import register as register_settings
from twin import cli_run as options
from twin.cli_autotune import register as register_autotune
from twin.cli_snapshot import register as register_snapshot
from twin.cli_tubes import register
from twin.errors import InputError
from twin.tube import DEFAULT_TUBE

INTERRUPTED = 130  # as the shell says it

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Digital twin and control firmware of an air-cooled microfocus X-ray tube.",
    epilog="Exit status: 0 the limit held; 1 it did not, or the firmware tripped; "
    "2 unusable input.",
)


@app.command()
def run(
    context: typer.Context,
    scenario: options.Scenario = options.DEFAULT_SCENARIO,
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
    """Run the firmware against the twin and say whether the intensity held.

    Writes report.html, report.png, recording.h5 and summary.json.
    """
    from twin.session import execute

    if resume is not None:
        job, state = options.resumed(context, resume)
    else:
        job = options.job_of(scenario, tube, ambient, hours, seed, without, fault)
        state = None
    passed = execute(
        job,
        out=options.out_of(out, job),
        broker=options.broker_of(broker, no_mqtt),
        rate=options.rate_of(rate),
        csv=csv,
        as_json=as_json,
        state=state,
    )
    raise typer.Exit(0 if passed else 1)


@app.command()
def scenarios() -> None:
    """List the built-in scenarios, one line each."""
    from twin.scenario import builtin_scenarios, load_scenario

    names = builtin_scenarios()
    for name in names:
        print(f"{name:{max(map(len, names))}}  {load_scenario(name).title}")


@app.command()
def commission(
    tube: Annotated[str, typer.Argument(help="A built-in tube or a .toml file.")] = DEFAULT_TUBE,
    out: Annotated[
        Path | None, typer.Option(help="Also write the calibration to this .json file.")
    ] = None,
) -> None:
    """Find the calibration constants of a tube as an engineer would at the bench, and print them.

    `tubetwin run` does this by itself for a tube that it has not seen yet.
    """
    from twin.calibrations import write_calibration
    from twin.commission import commission as find
    from twin.progress import commissioning
    from twin.tube import load_tube

    name, description = load_tube(tube)
    with commissioning(name) as progress:
        found = find(description, progress)
    if out is not None:
        write_calibration(out, description, found)
    print(json.dumps(found, indent=1, sort_keys=True))


register(app)
register_snapshot(app)
register_autotune(app)
register_settings(app)
register_flash(app)
register_bench(app)


def main() -> None:
    """Entry point: every error a user can mend is one line on stderr and exit status 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left behind
    try:
        status = app(standalone_mode=False) or 0
    except InputError as error:
        sys.exit(_complain(str(error)))
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's own usage errors
        if message is None:
            raise
        sys.exit(_complain(f"{message()} Try `tubetwin --help`."))
    if status == INTERRUPTED:
        _complain("interrupted")
    sys.exit(status)


def _complain(line: str) -> int:
    print(f"tubetwin: {' '.join(line.split())}", file=sys.stderr)
    return 2
