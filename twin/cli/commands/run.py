"""The command `tubetwin run`."""

import typer

from twin.cli import options
from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE


def run(
    context: typer.Context,
    scenario: options.Scenario = DEFAULT_SCENARIO,
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
    """Run the firmware against the twin and judge the stability of the intensity.

    Example: `tubetwin run ramp --tube cu-50w-air --seed 1 --no-mqtt`

    Writes report.html, report.png, recording.h5 and summary.json into the folder --out.

    Exit status: 0 passed; 1 not passed, or the firmware tripped; 2 unusable input.
    """
    from twin.runs.perform import execute

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
