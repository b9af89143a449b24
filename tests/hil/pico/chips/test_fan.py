"""The tachometer's edges: as many as the speed says, at even distances, however time is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.pico.chips.fan import Fan


@given(st.floats(0, 20000), st.lists(st.integers(0, 200000), min_size=1, max_size=20))
def test_edges_are_even_and_as_many_as_the_speed_says(rpm, steps_us):
    fan = Fan(lambda: rpm)
    now_us, edges = 0, []
    for step_us in steps_us:
        now_us += step_us
        new = fan.edges_until(now_us)
        assert all(now_us - step_us <= time_us <= now_us for time_us, _ in new)
        edges += new
    assert abs(len(edges) - rpm / 60e6 * 4 * now_us) < 1.001
    assert [level for _, level in edges] == [0, 1] * (len(edges) // 2) + [0] * (len(edges) % 2)
    for (one_us, _), (other_us, _) in pairwise(edges):
        assert other_us - one_us == pytest.approx(15e6 / rpm, abs=2.0)


def test_a_standing_fan_has_no_edges():
    assert Fan(lambda: 0.0).edges_until(10**9) == []


def test_a_fan_begins_where_its_clock_stands():
    fan = Fan(lambda: 3000.0, begin_us=10**9)
    assert fan.edges_until(10**9 + 5000) == [(10**9 + 5000, 0)]
