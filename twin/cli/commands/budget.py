"""The command `tubetwin budget`."""

from dataclasses import asdict

from twin.cli import options
from twin.cli.pictures import check_picture, draw_picture
from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE
from twin.files.json import print_json


def budget(
    tube: options.Tube = DEFAULT_TUBE,
    scenario: options.ScenarioOption = DEFAULT_SCENARIO,
    hours: options.Hours = None,
    seed: options.Seed = 1,
    out: options.Plot = None,
    as_json: options.Json = False,
) -> None:
    """Calculate the error budget: each mechanism alone and all together, laws off and on.

    The tube of each mechanism is commissioned again, then run twice, side by side on all
    processors: about three minutes on two. Writes a plot and prints a table.

    Example: `tubetwin budget --tube cu-50w-air --out budget.png`
    """
    from twin.runs.progress import campaign
    from twin.study.budget import budget as find

    path = options.plot_of(out, "budget", as_json)
    if path:
        check_picture(path, "--out")
    job = options.job_of(scenario, tube, hours=hours, seed=seed)
    with campaign(f"budget of {job.tube_name}", as_json) as progress:
        lines = find(job, progress)
    from twin.cli.tables import show_budget
    from twin.study.budget_figure import draw_budget

    if path:
        heading = f"Error budget: {job.tube_name}, {job.scenario.name}"
        draw_picture(path, "--out", draw_budget, lines, heading)
    if as_json:
        print_json([asdict(line) for line in lines])
    else:
        show_budget(lines, job.tube_name, job.scenario.name)
        print(f"plot: {path}")
