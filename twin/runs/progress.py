"""Progress bars on standard error, where a person is looking; nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from twin.verdict import LIMIT_PERCENT, Frames

console = Console(stderr=True)

SHORT_MS = 600_000  # runs of less tell their time in seconds


def _bar(quiet: bool, *columns: ProgressColumn) -> Progress:
    off = quiet or not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=off)


@contextmanager
def commissioning(tube: str) -> Iterator[Callable[[float], None]]:
    """A bar that appears only if commissioning is needed; call it with the part done."""
    with _bar(False, TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as bar:
        task = None

        def show(part: float) -> None:
            nonlocal task
            if task is None:
                if not console.is_terminal:
                    console.print(f"commissioning {tube}: a tube not seen before, some seconds")
                task = bar.add_task(f"commissioning {tube}, once", total=1.0)
            bar.update(task, completed=part)

        yield show


@contextmanager
def running(name: str, end_ms: int, quiet: bool) -> Iterator[Callable[[int, Frames], None]]:
    """The bar of a run: simulated time and the figure so far."""
    with _bar(
        quiet,
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[clock]}  {task.fields[figure]}"),
    ) as bar:
        task = bar.add_task(name, total=end_ms, clock="", figure="")
        in_seconds = end_ms < SHORT_MS

        def show(now_ms: int, frames: Frames) -> None:
            minutes = now_ms // 60_000
            clock = f"{minutes // 60}:{minutes % 60:02} h"
            if in_seconds:
                clock = f"{now_ms / 1000:.1f} of {end_ms / 1000:g} s"
            figure = ""
            if frames.true.count > 1:
                figure = f"{frames.true.rms_percent:.3f} % rms so far (limit {LIMIT_PERCENT:.2f} %)"
            bar.update(task, completed=now_ms, clock=clock, figure=figure)

        yield show


@contextmanager
def campaign(
    what: str, quiet: bool, note: str = "many runs, some minutes"
) -> Iterator[Callable[[float], None]]:
    """The bar of many runs; call it with the part that is done. note: where there is no bar."""
    with _bar(quiet, TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(what, total=1.0)
        if not quiet and not console.is_terminal:
            console.print(f"{what}: {note}")
        yield lambda part: bar.update(task, completed=part)


@contextmanager
def waiting(what: str, quiet: bool) -> Iterator[None]:
    """A spinner for a wait of unknown length."""
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
