"""The command `tubetwin autotune`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli import options
from twin.cli.pictures import check_picture, draw_picture
from twin.defaults import DEFAULT_SCENARIO, DEFAULT_TUBE
from twin.files.errors import InputError
from twin.files.json import print_json
from twin.files.whole import check_writable

if TYPE_CHECKING:
    from twin.runs.job import Job
    from twin.runs.outcome import Outcome
    from twin.study.autotune import Margins, Measured

MOST_DRIFT_K_PER_H = 20.0


@dataclass
class Report:
    """The result of an autotune; later fields are None after a failed step."""

    job: "Job"
    measured: "Measured"
    margins: "Margins | None" = None
    outcome: "Outcome | None" = None
    stored: Path | None = None

    @property
    def reason(self) -> str:
        """The reason why nothing is stored; empty if the constants are stored."""
        from twin.study.autotune import LEAST_GAIN_MARGIN, LEAST_PHASE_MARGIN_DEG

        if self.measured.reason:
            return self.measured.reason
        if self.margins and not self.margins.held:
            return (
                f"gain margin {self.margins.gain:.2g} and phase margin "
                f"{self.margins.phase_deg:.0f} degrees; required are at least "
                f"{LEAST_GAIN_MARGIN:g} and {LEAST_PHASE_MARGIN_DEG:g} degrees"
            )
        if self.outcome and self.outcome.trips:
            return f"the firmware tripped in the check ({self.outcome.trips[0]['cause']})"
        if self.outcome and not self.outcome.passed:
            return "the limit did not hold in the check"
        return ""

    def before(self) -> dict[str, float]:
        values = self.job.settings().values()
        return {name: values[name] for name in self.measured.found}

    def listed(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        measured, outcome = self.measured, self.outcome
        return {
            "passed": self.stored is not None,
            "reason": self.reason,
            "stored": str(self.stored) if self.stored else None,
            "tube": self.job.tube_name,
            "scenario": self.job.scenario.name,
            "seed": self.job.seed,
            "minutes": measured.duration_s / 60.0,
            "before": self.before(),
            "found": measured.found,
            "capacity_j_per_k": measured.capacity_j_per_k,
            "delay_s": measured.delay_s,
            "noise_k": measured.noise_k,
            "gain_margin": self.margins.gain if self.margins else None,
            "phase_margin_deg": self.margins.phase_deg if self.margins else None,
            "rms_true_percent": outcome.frames.true.rms_percent if outcome else None,
            "rms_measured_percent": outcome.frames.measured.rms_percent if outcome else None,
        }


def autotune(
    tube: Annotated[str, typer.Argument(help="A built-in tube or a .toml file.")] = DEFAULT_TUBE,
    scenario: Annotated[
        str, typer.Option(help="Scenario of the check of the constants, before they are stored.")
    ] = DEFAULT_SCENARIO,
    seed: options.Seed = 1,
    drift: Annotated[
        float, typer.Option(metavar="K_PER_H", help="Drift of the room temperature, K per hour.")
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Default: out/TUBE.calibration.json"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also draw the experiment.")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Tune the unit at this port, not the twin; TUBE: its tube."
        ),
    ] = None,
    start_beam: Annotated[
        bool, typer.Option("--start-beam", help="With --port: switch the beam of the unit on.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Measure a tube's head and fan by the firmware and derive the thermal law's constants; check
    the constants in the twin; store them in a file, and with --port on the unit.

    Exit status 1, and nothing stored, if the tube can't be tuned or the check fails.
    """
    from twin.runs.prepare import prepare

    _check_arguments(drift, out, plot)
    _check_port(port, start_beam, plot)
    job = prepare(scenario, tube, None, None, seed, ())
    path = out or Path("out") / f"{job.tube_name}.calibration.json"
    if port is None:
        report = _tuned(job, _on_the_twin(job, drift, as_json), quiet=as_json)
        _keep(report, path)
    else:
        report = _tuned_on_a_unit(job, port, path, quiet=as_json)
    if plot:
        from twin.study.autotune_figure import draw_autotune

        head_set_c = report.job.settings().head_set_c
        heading = f"autotune: {report.job.tube_name}"
        draw_picture(plot, "--plot", draw_autotune, report.measured, head_set_c, heading)
    if as_json:
        print_json(report.listed())
    else:
        print("\n".join(_lines(report)))
    raise typer.Exit(1 if report.reason else 0)


def _check_arguments(drift: float, out: Path | None, plot: Path | None) -> None:
    if not abs(drift) <= MOST_DRIFT_K_PER_H:
        raise InputError(
            f"--drift {drift:g}: give K per hour, -{MOST_DRIFT_K_PER_H:g} to {MOST_DRIFT_K_PER_H:g}"
        )
    if out is not None:
        check_writable(out, "--out", folders=True)
    if plot is not None:
        check_picture(plot, "--plot")


def _check_port(port: str | None, start_beam: bool, plot: Path | None) -> None:
    if port is None and start_beam:
        raise InputError("--start-beam: is only for a unit; name its --port")
    if port is not None and not start_beam:
        raise InputError(
            f"--port {port}: the unit's beam will be on for one to two hours; add --start-beam"
        )
    if port is not None and plot is not None:
        raise InputError("--plot: draws only a run of the twin; leave it out with --port")


def _on_the_twin(job: "Job", drift: float, quiet: bool) -> "Measured":
    from twin.runs.progress import waiting
    from twin.study.autotune import measure

    with waiting(f"{job.tube_name}: autotune, one to two hours of beam", quiet):
        return measure(job.tube, job.calibration, job.seed, drift)


def _tuned_on_a_unit(job: "Job", port: str, path: Path, quiet: bool) -> Report:
    """Measure on a unit, check in the twin, and store on the unit what passed the check."""
    from time import sleep

    from hil.unit.autotune import keep_on, measure_on
    from hil.unit.console import connect
    from twin.runs.progress import waiting

    with connect(port) as unit:
        with waiting(f"{unit.name}: autotune, one to two hours of beam", quiet):
            measured = measure_on(unit, sleep)
        report = _tuned(job, measured, quiet)
        _keep(report, path)
        if report.stored:
            keep_on(unit, report.measured.found)
    return report


def _keep(report: Report, path: Path) -> None:
    """Write the measured constants, if the check passed."""
    from twin.study.autotune import store

    if not report.reason:
        store(path, report.job, report.measured.found)
        report.stored = path


def _tuned(job: "Job", measured: "Measured", quiet: bool) -> Report:
    """Calculate the margins and run the check, each only after a successful step before."""
    from twin.runs.progress import running
    from twin.study.autotune import check, margins

    report = Report(job, measured)
    if not report.reason:
        report.margins = margins(measured.found, measured.capacity_j_per_k, measured.delay_s)
    if not report.reason:
        with running(f"{job.scenario.name} on {job.tube_name}", job.end_ms, quiet) as show:
            report.outcome = check(job, measured.found, show)
    return report


def _lines(report: Report) -> list[str]:
    """The text for the console."""
    job, measured = report.job, report.measured
    word = "STORED" if report.stored else "NOT STORED"
    minutes = measured.duration_s / 60.0
    lines = [
        f"{word}  (autotune, {job.tube_name}, seed {job.seed})",
        f"  measured   {minutes:.0f} min of beam{_head_range(measured)}",
    ]
    if measured.found:
        lines.append(f"  {'setting':20}  {'before':>9}  {'found':>9}")
        before = report.before()
        lines += [
            f"  {name:20}  {before[name]:9.4g}  {value:9.4g}"
            for name, value in measured.found.items()
        ]
    if report.margins:
        lines.append(
            f"  loop       gain margin {report.margins.gain:.2g}, phase margin "
            f"{report.margins.phase_deg:.0f}°; head {measured.capacity_j_per_k:.0f} J/K, "
            f"delay {measured.delay_s:.1f} s"
        )
    if report.outcome:
        frames = report.outcome.frames
        lines.append(
            f"  {job.scenario.name:9}  {frames.true.rms_percent:.3f} % rms true, "
            f"{frames.measured.rms_percent:.3f} % rms measured; head "
            f"{report.outcome.head_c.deviation:.3f} K rms"
        )
    lines.append(
        f"  stored     {report.stored}" if report.stored else f"  reason     {report.reason}"
    )
    return lines


def _head_range(measured: "Measured") -> str:
    """The range of the head temperature; empty for a unit, which does not report it."""
    head_c = measured.trace.head_c
    return f"; head {min(head_c):.2f} to {max(head_c):.2f} °C" if head_c else ""
