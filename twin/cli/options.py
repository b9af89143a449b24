"""The options of `tubetwin run`, for every command that makes such a run."""

import math
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE
from twin.files.errors import InputError

if TYPE_CHECKING:
    from twin.runs.job import Job

_SCENARIO = "A built-in scenario (see `tubetwin scenarios`) or a .toml file."
Scenario = Annotated[str, typer.Argument(help=_SCENARIO)]
ScenarioOption = Annotated[str, typer.Option(help=_SCENARIO)]
Tube = Annotated[str, typer.Option(help="A built-in tube (see `tubetwin tubes`) or a .toml file.")]
Ambient = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.csv",
        help="Room conditions instead of the scenario's: "
        "time_s,temperature_c[,pressure_hpa,humidity_percent].",
    ),
]
Hours = Annotated[float | None, typer.Option(help="Simulated hours, if shorter than the scenario.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all noise and drift.")]
Without = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAW",
        help="Switch a law off (hold its output from the end of warm-up on): thermal, "
        "emission or compensation. Repeatable.",
    ),
]
FaultAt = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND[:SIGNAL=RAW]@S[+S]",
        help="A fault at the seam from a time on, for a time if one is given, in seconds: "
        "fan@3600+10, stuck:head_temperature_raw=9000@60. Repeatable.",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Continue from a file of `tubetwin snapshot`, which holds scenario, tube and seed.",
    ),
]
Broker = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="MQTT broker: mqtt://host[:port] or mqtts://…  Default: one embedded on loopback.",
    ),
]
NoMqtt = Annotated[bool, typer.Option("--no-mqtt", help="No telemetry.")]
Rate = Annotated[str, typer.Option(help="Simulated seconds per wall second: max, 1, 10, …")]
Out = Annotated[
    Path | None, typer.Option(help="Directory for report and recording. Default: out/SCENARIO.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Also write recording.csv.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Plot = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE.png", help="The plot. Default: out/COMMAND.png"),
]


def job_of(
    scenario: str = DEFAULT_SCENARIO,
    tube: str = DEFAULT_TUBE,
    ambient: str | None = None,
    hours: float | None = None,
    seed: int = 1,
    without: list[str] | None = None,
    fault: list[str] | None = None,
) -> "Job":
    """The job that these options ask for. InputError in one line."""
    from twin.runs.prepare import prepare

    return prepare(scenario, tube, ambient, hours, seed, tuple(without or ()), tuple(fault or ()))


def resumed(context: typer.Context, path: Path) -> tuple["Job", dict[str, Any]]:
    """Job and state from a snapshot. InputError if options would decide the job as well."""
    from twin.runs.snapshot import load_snapshot

    for name in ("scenarios", *signature(job_of).parameters):
        source = context.get_parameter_source(name)
        if source and source.name == "COMMANDLINE":
            what = "scenario" if name.startswith("scenario") else f"--{name}"
            raise InputError(f"--resume {path}: {what} is in the snapshot; leave it out")
    snapshot = load_snapshot(path)
    return snapshot.job, snapshot.state


def broker_of(broker: str | None, no_mqtt: bool) -> str | None:
    """An URL, "embedded", or None for no telemetry."""
    if broker is not None and no_mqtt:
        raise InputError("--broker and --no-mqtt: give one of the two")
    return None if no_mqtt else broker or "embedded"


def rate_of(text: str) -> float | None:
    """Simulated seconds per wall second, None for as fast as can be."""
    if text == "max":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0.0 < rate < math.inf:
        raise InputError(f"--rate {text}: give max or a number above 0, such as 1 or 10")
    return rate


def plot_of(out: Path | None, name: str, as_json: bool) -> Path | None:
    """Where the plot goes; None for JSON alone."""
    return None if as_json and out is None else out or Path("out") / f"{name}.png"


def out_of(out: Path | None, job: "Job") -> Path:
    """Where the results go."""
    return out if out is not None else Path("out") / job.scenario.name
