"""The command line `tubetwin`."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from hil.cli_flash import register as register_flash
from hil.cli_settings import register as register_settings
from twin.cli_autotune import register as register_autotune
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
    scenario: Annotated[
        str, typer.Argument(help="A built-in scenario (see `tubetwin scenarios`) or a .toml file.")
    ] = "ramp",
    tube: Annotated[
        str, typer.Option(help="A built-in tube (see `tubetwin tubes`) or a .toml file.")
    ] = DEFAULT_TUBE,
    ambient: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv",
            help="Room conditions instead of the scenario's: "
            "time_s,temperature_c[,pressure_hpa,humidity_percent].",
        ),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Simulated hours, if shorter than the scenario.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise and drift.")] = 1,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAW",
            help="Switch a law off (hold its output from the end of warm-up on): thermal, "
            "emission or compensation. Repeatable.",
        ),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="MQTT broker: mqtt://host[:port] or mqtts://…  Default: one embedded on loopback.",
        ),
    ] = None,
    no_mqtt: Annotated[bool, typer.Option("--no-mqtt", help="No telemetry.")] = False,
    rate: Annotated[
        str, typer.Option(help="Simulated seconds per wall second: max, 1, 10, …")
    ] = "max",
    out: Annotated[
        Path | None, typer.Option(help="Directory for report and recording. Default: out/SCENARIO.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Also write recording.csv.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Run the firmware against the twin and say whether the intensity held.

    Writes report.html, report.png, recording.h5 and summary.json.
    """
    from twin.job import prepare
    from twin.session import execute

    job = prepare(scenario, tube, ambient, hours, seed, tuple(without or ()))
    if broker is not None and no_mqtt:
        raise InputError("--broker and --no-mqtt: give one of the two")
    passed = execute(
        job,
        out=out if out is not None else Path("out") / job.scenario.name,
        broker=None if no_mqtt else broker or "embedded",
        rate=_rate(rate),
        csv=csv,
        as_json=as_json,
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
register_autotune(app)
register_settings(app)
register_flash(app)


def _rate(text: str) -> float | None:
    if text == "max":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0.0 < rate < math.inf:
        raise InputError(f"--rate {text}: give max or a number above 0, such as 1 or 10")
    return rate


def main() -> None:
    """Entry point: every error a user can mend is one line on stderr and exit status 2."""
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
