"""The commands about tubes: tubes, tube, compare, budget, sensitivity."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer

from twin.files.errors import InputError
from twin.tube.tube import DEFAULT_TUBE

TubeOption = Annotated[
    str, typer.Option(help="A built-in tube (see `tubetwin tubes`) or a .toml file.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the front door."""
    for command in (tubes, tube, compare, budget, sensitivity):
        app.command()(command)


def tubes(as_json: JsonOption = False) -> None:
    """List the built-in tubes: power, cooling, focal spot, W/µm, melting margin, class, life."""
    from twin.catalogue.catalogue import facts_of
    from twin.tube.tube import builtin_tubes, load_tube

    facts = [facts_of(*load_tube(name)) for name in builtin_tubes()]
    if as_json:
        _print_json([one.listed() for one in facts])
        return
    from twin.cli.tables import show_tubes

    show_tubes(facts)


def tube(
    file: Annotated[str, typer.Argument(metavar="FILE.toml", help="A description of a tube.")],
    as_json: JsonOption = False,
) -> None:
    """Check a description of a tube, and say what it amounts to.

    What is wrong is said in one line with its place (exit status 2). What the models doubt, such
    as a target that melts, follows as notes.
    """
    from twin.tube.tube import load_tube

    name, description = load_tube(file)  # what is wrong is said before what it takes to calculate
    from twin.catalogue.catalogue import beam_facts_of, doubts_of, facts_of

    facts, doubts = facts_of(name, description), doubts_of(description)
    beam = beam_facts_of(description)
    if as_json:
        _print_json(
            {
                **asdict(facts),
                "beam": asdict(beam) if beam else None,
                "assumptions": len(description.assumptions()),
                "doubts": doubts,
            }
        )
        return
    from twin.cli.tables import show_tube

    show_tube(facts, beam, description, doubts)


def compare(
    tubes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TUBE]…", help="Built-in tubes or .toml files; default: published"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the published comparison of laboratory sources: I = B R α², the models' beside the
    published values, with each difference."""
    from twin.catalogue.sources import compare as compare_sources
    from twin.catalogue.sources import published_tubes
    from twin.tube.tube import load_tube

    chosen = [load_tube(name) for name in dict.fromkeys(tubes or published_tubes())]
    rows = compare_sources(chosen)
    if as_json:
        _print_json([row.listed() for row in rows])
        return
    from twin.cli.tables import show_comparison

    show_comparison(rows)


def budget(
    tube: TubeOption = DEFAULT_TUBE,
    scenario: Annotated[
        str, typer.Option(help="A built-in scenario (see `tubetwin scenarios`) or a .toml file.")
    ] = "ramp",
    hours: Annotated[
        float | None, typer.Option(help="Simulated hours, if shorter than the scenario.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise and drift.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="The plot. Default: out/budget.png")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The error budget: what each mechanism does alone and all together, laws off and on.

    Each mechanism's tube is commissioned anew, then run twice, side by side on all processors:
    about three minutes on two.
    """
    from twin.runs.prepare import prepare
    from twin.runs.progress import campaign
    from twin.study.budget import budget as find

    path = _png(out, "budget", as_json)
    job = prepare(scenario, tube, None, hours, seed, ())
    with campaign(f"budget of {job.tube_name}", as_json) as progress:
        lines = find(job, progress)
    from twin.cli.tables import show_budget
    from twin.study.budget_figure import draw_budget

    if path:
        _draw(draw_budget, lines, f"Error budget: {job.tube_name}, {job.scenario.name}", path=path)
    if as_json:
        _print_json([asdict(line) for line in lines])
    else:
        show_budget(lines, job.tube_name, job.scenario.name)
        print(f"plot: {path}")


def sensitivity(
    tube: TubeOption = DEFAULT_TUBE,
    scenario: Annotated[
        str, typer.Option(help="A built-in scenario (see `tubetwin scenarios`) or a .toml file.")
    ] = "ramp",
    only: Annotated[
        str, typer.Option(metavar="NAME", help="Only parameters that begin so, e.g. optics.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise and drift.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="The plot. Default: out/sensitivity.png")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The verdict at both ends of every assumed range of a tube, each end commissioned anew.

    Two runs for each range, of ten to twenty seconds each; `--only heat` takes a part.
    """
    from twin.runs.prepare import prepare
    from twin.runs.progress import campaign
    from twin.study.campaign import run_series
    from twin.study.sensitivity import sensitivities

    path = _png(out, "sensitivity", as_json)
    job = prepare(scenario, tube, None, None, seed, ())
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
        _draw(draw_sensitivity, found, nominal, heading, path=path)
    if as_json:
        _print_json([asdict(one) for one in found])
    else:
        show_sensitivity(found, nominal)
        print(f"plot: {path}")


def _png(out: Path | None, name: str, as_json: bool) -> Path | None:
    """Where the plot goes; None if only JSON is wanted. InputError, before anything has run, if
    it can't be written there."""
    if as_json and out is None:
        return None
    path = out or Path("out") / f"{name}.png"
    if path.suffix.lower() != ".png":
        raise InputError(f"--out {path}: is no .png; name a file such as {name}.png")
    try:
        if not _exists(path):
            nearest = next(parent for parent in path.absolute().parents if _exists(parent))
            with TemporaryFile(dir=nearest):
                pass
        elif path.is_dir():
            raise InputError(f"--out {path}: is a directory; name a file in it")
        elif not path.is_file():
            raise InputError(f"--out {path}: is not a plain file; name another")
        else:
            path.open("ab").close()
    except OSError as error:
        raise _cannot_write(path, error) from None
    return path


def _exists(path: Path) -> bool:
    """Path.exists, but OSError where it can't be."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"--out {path}: can't be written ({error.strerror}); name a file where you can write"
    )


def _draw(draw: Any, *what: Any, path: Path) -> None:
    """Draw into the file, whole or not at all. InputError if it can't be written."""
    from twin.report.drawing import style

    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with style():
                draw(*what, unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _print_json(document: Any) -> None:
    print(json.dumps(_plain(document), ensure_ascii=False))


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
