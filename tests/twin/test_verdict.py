"""The stability figure: the definition, the running sums, and the counting statistics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.verdict import FRAME_MS, LIMIT_PERCENT, Frames, Spread

numbers = st.floats(1e-3, 1e6, allow_nan=False)


def spread(values):
    running = Spread()
    for value in values:
        running.add(value)
    return running


def test_the_limit_is_the_published_one_and_a_frame_a_minute():
    assert LIMIT_PERCENT == 0.19
    assert FRAME_MS == 60_000


@given(st.lists(numbers, min_size=2, max_size=60))
def test_the_running_figures_are_numpys(values):
    running, series = spread(values), np.array(values)
    assert running.count == len(values)
    assert running.mean == pytest.approx(series.mean(), rel=1e-12)
    assert running.deviation == pytest.approx(series.std(), rel=1e-6, abs=1e-7 * series.mean())
    assert running.rms_percent == pytest.approx(
        100.0 * series.std() / series.mean(), rel=1e-6, abs=1e-5
    )
    assert running.peak_to_peak_percent == pytest.approx(100.0 * np.ptp(series) / series.mean())


def test_a_small_variation_of_a_large_mean_is_not_lost_to_rounding():
    series = 1e9 + np.random.default_rng(1).standard_normal(100_000)
    assert spread(series.tolist()).deviation == pytest.approx(series.std(), rel=1e-6)


def test_a_ramp_is_not_detrended():
    """A straight line from 1 to 1.01: its rms is the range over the root of 12."""
    figure = spread(np.linspace(1.0, 1.01, 2001).tolist())
    assert figure.rms_percent == pytest.approx(100 * 0.01 / 1.005 / math.sqrt(12.0), rel=1e-3)


@pytest.mark.parametrize("value", [1.0, 0.1, 0.7331, 1e-12])
def test_a_constant_series_varies_by_nothing(value):
    figure = spread([value] * 1000)
    assert figure.rms_percent == pytest.approx(0.0, abs=1e-10)
    assert figure.peak_to_peak_percent == 0.0


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0], [-1.0, -2.0]])
def test_where_there_is_nothing_to_judge_the_figure_is_not_a_number(values):
    assert math.isnan(spread(values).rms_percent)


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 10])
def test_what_is_not_a_number_has_not_held(values):
    frames = Frames(1e6, 1)
    for value in values:
        frames.add(value)
    assert not frames.held()


def test_counting_adds_poisson_noise_of_the_counts_that_there_are():
    """At 0.86 of the nominal intensity 0.86e6 counts: 0.108 %."""
    frames = Frames(1e6, 1)
    measured = np.array([frames.add(0.86) for _ in range(20_000)])
    assert measured.mean() == pytest.approx(0.86, rel=5e-5)
    assert measured.std() / 0.86 == pytest.approx(1.0 / math.sqrt(0.86e6), rel=0.03)
    assert frames.true.rms_percent == pytest.approx(0.0, abs=1e-9)
    assert frames.measured.rms_percent == pytest.approx(0.108, rel=0.03)
    assert np.abs(np.corrcoef(measured[1:], measured[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("counts", [1e5, 1e6, 1e7])
def test_the_published_counting_limits_come_back(counts):
    frames = Frames(counts, 3)
    for _ in range(4000):
        frames.add(1.0)
    published = {1e5: 0.316, 1e6: 0.100, 1e7: 0.032}
    assert frames.measured.rms_percent == pytest.approx(published[counts], rel=0.05)


def test_true_and_measured_variation_add_in_squares():
    frames = Frames(1e6, 5)
    for index in range(20_000):
        frames.add(1.0 + 0.001 * math.sin(0.1 * index))
    expected = math.hypot(frames.true.rms_percent, 0.1)
    assert frames.true.rms_percent == pytest.approx(0.0707, rel=0.01)
    assert frames.measured.rms_percent == pytest.approx(expected, rel=0.03)


def test_both_figures_must_hold():
    true_fails, measured_fails, both_hold = Frames(1e9, 1), Frames(1e4, 1), Frames(1e7, 1)
    for index in range(300):
        true_fails.add(1.0 + 0.01 * (index % 2))
        measured_fails.add(1.0)
        both_hold.add(1.0)
    assert (true_fails.held(), measured_fails.held(), both_hold.held()) == (False, False, True)


def test_the_seed_decides_the_counts():
    drawn = [Frames(1e6, seed).add(1.0) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("intensity", [0.0, 1e-9, 5.0])
def test_any_intensity_can_be_counted(intensity):
    frames = Frames(1e12, 1)
    assert frames.add(intensity) == pytest.approx(intensity, rel=0.2, abs=1e-9)
