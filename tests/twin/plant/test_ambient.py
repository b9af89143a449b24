"""Room conditions over time: straight lines between points, and nothing beyond the last."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.plant.ambient import Ambient

TEMPERATURES = st.floats(-20.0, 60.0)


@st.composite
def tables(draw, repeat=False):
    """Time from 0 with steps of 1 ms to 1 h, and three columns as wide as a room can be."""
    steps = draw(st.lists(st.floats(1e-3, 3600.0), min_size=1, max_size=20))
    temperature_c, pressure_hpa, humidity_percent = columns = [
        draw(st.lists(values, min_size=len(steps) + 1, max_size=len(steps) + 1))
        for values in (TEMPERATURES, st.floats(500.0, 1100.0), st.floats(0.0, 100.0))
    ]
    if repeat:
        for column in columns:
            column[-1] = column[0]
    time_s = np.concatenate([[0.0], np.cumsum(steps)])
    return Ambient(time_s, temperature_c, pressure_hpa, humidity_percent, repeat)


def interpolated(ambient, t_s):
    columns = (ambient.temperature_c, ambient.pressure_hpa, ambient.humidity_percent)
    return tuple(float(np.interp(t_s, ambient.time_s, column)) for column in columns)


@given(tables(), st.data())
def test_between_the_points_it_is_what_numpy_interpolates(ambient, data):
    t_s = data.draw(st.floats(0.0, ambient.duration_s))
    assert ambient.at(t_s) == pytest.approx(interpolated(ambient, t_s), rel=1e-9, abs=1e-9)


@given(tables())
def test_at_the_points_it_is_exactly_the_table(ambient):
    for k, t_s in enumerate(ambient.time_s):
        columns = (ambient.temperature_c, ambient.pressure_hpa, ambient.humidity_percent)
        assert ambient.at(t_s) == tuple(column[k] for column in columns)


@given(st.booleans().flatmap(lambda repeat: tables(repeat=repeat)), st.data())
def test_the_order_of_questions_does_not_change_the_answers(ambient, data):
    end_s = ambient.duration_s * (3.0 if ambient.repeat else 1.0)
    times = data.draw(st.lists(st.floats(-10.0, end_s), max_size=20))
    in_order = {t_s: ambient.at(t_s) for t_s in sorted(times)}
    assert [ambient.at(t_s) for t_s in times] == [in_order[t_s] for t_s in times]
    fresh = pickle.loads(pickle.dumps(ambient))
    assert [fresh.at(t_s) for t_s in reversed(times)] == [in_order[t_s] for t_s in reversed(times)]


@given(tables(repeat=True), st.data())
def test_a_table_that_repeats_is_periodic(ambient, data):
    t_s = data.draw(st.floats(0.0, ambient.duration_s, exclude_max=True))
    later_s = t_s + ambient.duration_s * data.draw(st.integers(1, 10))
    again = math.fmod(later_s, ambient.duration_s)  # t_s but for the rounding of the sum
    assert ambient.at(later_s) == ambient.at(again)
    assert ambient.at(ambient.duration_s) == ambient.at(0.0)


def test_a_slow_table_comes_back_after_each_period():
    ambient = Ambient([0, 600, 1500], [21, 23, 21], [1000, 1010, 1000], [40, 50, 40], repeat=True)
    for t_s in range(0, 1500, 7):
        assert ambient.at(t_s + 12 * 1500) == pytest.approx(ambient.at(t_s), abs=1e-9)


@given(tables(), st.data())
def test_it_can_be_ended_earlier_without_a_change_before_the_end(ambient, data):
    end_s = data.draw(st.floats(5e-4, ambient.duration_s))
    shorter = ambient.until(end_s)
    assert shorter.duration_s == end_s
    t_s = data.draw(st.floats(0.0, end_s))
    assert shorter.at(t_s) == pytest.approx(ambient.at(t_s), rel=1e-9, abs=1e-9)
    with pytest.raises(ValueError, match="end"):
        shorter.at(end_s + 0.01)


@given(tables())
def test_before_the_start_the_first_values_hold(ambient):
    assert ambient.at(-1200.0) == ambient.at(0.0) == ambient.at(-math.inf)


def test_nothing_is_held_beyond_the_end():
    ambient = Ambient([0, 19800], [18, 34.5], [1013, 1013], [45, 45])
    assert ambient.at(19800) == (34.5, 1013, 45)
    assert ambient.at(19800.0005) == (34.5, 1013, 45)  # less than the clock's millisecond
    for beyond in (19800.01, 1e9, math.inf, math.nan):
        with pytest.raises(ValueError, match="room conditions end at 19800"):
            ambient.at(beyond)
    with pytest.raises(ValueError, match="no room conditions until"):
        ambient.until(20000.0)


def test_its_temperature_range_is_that_of_the_part_in_use():
    ambient = Ambient([0, 3600, 7200], [20, 24, 16], [1013] * 3, [45] * 3)
    assert ambient.temperature_range_c == (16.0, 24.0)
    assert ambient.until(5400).temperature_range_c == (20.0, 24.0)
    assert ambient.until(3600).temperature_range_c == (20.0, 24.0)
    assert list(ambient.until(3600).time_s) == [0, 3600]
    assert ambient.until(1800).temperature_range_c == (20.0, 22.0)


@pytest.mark.parametrize(
    ("time_s", "temperature_c", "repeat"),
    [
        ([0], [20], False),
        ([1, 2], [20, 21], False),
        ([0, 5, 5], [20, 21, 22], False),
        ([0, 5, 4], [20, 21, 22], False),
        ([0, math.nan], [20, 21], False),
        ([0, 1], [20, math.inf], False),
        ([0, 1], [20, 21, 22], False),
        ([0, 1], [20, 21], True),
    ],
)
def test_a_table_made_wrong_by_a_program_is_refused(time_s, temperature_c, repeat):
    with pytest.raises(ValueError):
        Ambient(time_s, temperature_c, [1013] * len(time_s), [45] * len(time_s), repeat)


@pytest.mark.parametrize(
    ("first_s", "last_s", "expected"),
    [
        (0.0, 100.0, (10.0, 20.0)),
        (0.0, 25.0, (10.0, 15.0)),
        (25.0, 75.0, (15.0, 20.0)),
        (60.0, 90.0, (12.0, 18.0)),
        (90.0, 120.0, (10.0, 14.0)),  # over the end of the table
        (160.0, 170.0, (16.0, 18.0)),
        (30.0, 530.0, (10.0, 20.0)),
    ],
)
def test_the_range_between_two_times_of_a_room_that_repeats(first_s, last_s, expected):
    room = Ambient([0, 50, 100], [10.0, 20.0, 10.0], [1000.0] * 3, [40.0] * 3, repeat=True)
    assert room.temperature_range_between_c(first_s, last_s) == pytest.approx(expected)


def test_the_range_between_two_times_of_a_room_that_does_not_repeat():
    room = Ambient([0, 50, 100], [10.0, 20.0, 5.0], [1000.0] * 3, [40.0] * 3)
    assert room.temperature_range_between_c(10.0, 100.0) == pytest.approx((5.0, 20.0))
    assert room.temperature_range_between_c(10.0, 20.0) == pytest.approx((12.0, 14.0))
