"""The command `tubetwin sensitivity`."""

from dataclasses import asdict
from typing import Annotated

import typer

from twin.cli import options
from twin.cli.pictures import check_picture, draw_picture
from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE
from twin.files.errors import InputError
from twin.files.json import print_json


def sensitivity(
    tube: options.Tube = DEFAULT_TUBE,
    scenario: options.ScenarioOption = DEFAULT_SCENARIO,
    only: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Only parameters whose names begin with NAME, such as optics."
        ),
    ] = "",
    seed: options.Seed = 1,
    out: options.Plot = None,
    as_json: options.Json = False,
) -> None:
    """Calculate the stability figure at both ends of every assumed range of a tube.

    The tube is commissioned again for each end. Two runs for each range, of ten to twenty
    seconds each; `--only heat` takes a part. Writes a plot and prints a table.

    Example: `tubetwin sensitivity --only heat`
    """
    from twin.runs.progress import campaign
    from twin.study.campaign import run_series
    from twin.study.sensitivity import sensitivities

    path = options.plot_of(out, "sensitivity", as_json)
    if path:
        check_picture(path, "--out")
    job = options.job_of(scenario, tube, seed=seed)
    names = [name for name, _ in job.tube.assumptions()]
    if not names:
        raise InputError(f"{job.tube_name}: no parameter has a range; give assumed ones a range")
    if not any(name.startswith(only) for name in names):
        raise InputError(
            f"--only {only}: no assumption of {job.tube_name} begins so; "
            f"try one of {', '.join(sorted({name.split('.')[0] for name in names}))}"
        )
    with campaign(f"sensitivity of {job.tube_name}", as_json) as progress:
        found = sensitivities(job, only, progress)
        nominal = run_series(job).rms_true_percent
    from twin.cli.tables import show_sensitivity
    from twin.study.budget_figure import draw_sensitivity

    if path:
        heading = f"Sensitivity of the verdict: {job.tube_name}, {job.scenario.name}"
        draw_picture(path, "--out", draw_sensitivity, found, nominal, heading)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        show_sensitivity(found, nominal)
        print(f"plot: {path}")
