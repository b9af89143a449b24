"""Pacing, with a clock that is told the time."""

import pytest

from twin.runs.pace import LATE_S, Pace


class Clock:
    """Shows `now_s`; waiting moves it."""

    def __init__(self, now_s=1000.0):
        self.now_s = now_s
        self.waits = []

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now_s += seconds


def paced(rate):
    clock = Clock()
    return Pace(rate, clock, clock.wait), clock


def test_without_a_rate_it_never_waits_and_strides_far():
    pace, clock = paced(None)
    assert pace.stride_ms(1000) == 60_000
    pace.keep(10_000_000)
    assert clock.waits == []
    assert pace.overruns == 0


@pytest.mark.parametrize(
    ("rate", "stride_ms"), [(0.001, 10), (0.5, 10), (1, 20), (1.4, 20), (10, 200), (1e6, 1000)]
)
def test_a_stride_is_whole_ticks_of_about_a_fiftieth_of_a_second_of_wall_time(rate, stride_ms):
    pace, _ = paced(rate)
    assert pace.stride_ms(1000) == stride_ms


@pytest.mark.parametrize("rate", [0.25, 1, 10, 500])
def test_simulated_time_keeps_to_the_rate(rate):
    pace, clock = paced(rate)
    now_ms = 0
    while now_ms < 60_000:
        now_ms += pace.stride_ms(1000)
        clock.now_s += 1e-4  # the simulation itself takes a little
        pace.keep(now_ms)
        assert clock.now_s - 1000.0 == pytest.approx(0.001 * now_ms / rate)
    assert pace.overruns == 0


def test_time_lost_is_made_up_for_and_told():
    pace, clock = paced(1)
    clock.now_s += 0.3
    pace.keep(20)
    assert clock.waits == []
    assert pace.overruns == 1
    assert pace.worst_s == pytest.approx(0.28)
    pace.keep(400)
    assert clock.waits == [pytest.approx(0.1)]
    assert pace.overruns == 1


@pytest.mark.parametrize(("late", "overruns"), [(0.9, 0), (1.1, 1)])
def test_being_late_by_a_little_is_no_overrun(late, overruns):
    pace, clock = paced(1)
    clock.now_s += 0.02 + late * LATE_S
    pace.keep(20)
    assert pace.overruns == overruns
    assert clock.waits == []
