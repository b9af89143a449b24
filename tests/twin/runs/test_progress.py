"""What a person at a terminal sees while a run goes on."""

from io import StringIO

import pytest
from rich.console import Console

from twin.runs import progress
from twin.verdict import Frames


@pytest.mark.parametrize(
    ("end_ms", "now_ms", "said"),
    [(26_000, 12_300, "12.3 of 26 s"), (19_800_000, 12_300, "0:00 h"), (7.2e6, 3.9e6, "1:05 h")],
)
def test_a_short_run_tells_its_seconds_and_a_long_one_its_hours(monkeypatch, end_ms, now_ms, said):
    screen = StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=120))
    with progress.running("a run", int(end_ms), quiet=False) as show:
        show(int(now_ms), Frames(counts_per_frame=1e6, seed=1))
    assert said in screen.getvalue()
