"""Times of a counter that wraps compare rightly across the wrap."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.ticks import MASK, PERIOD_MS, diff

times = st.integers(0, MASK)
less_than_half = st.integers(-(PERIOD_MS // 2), PERIOD_MS // 2 - 1)


@given(start_ms=times, duration_ms=less_than_half)
def test_a_duration_of_less_than_half_a_period_is_found_again(start_ms: int, duration_ms: int):
    assert diff((start_ms + duration_ms) & MASK, start_ms) == duration_ms


@given(one_ms=times, other_ms=times)
def test_the_way_back_is_the_way_there_but_for_its_sign(one_ms: int, other_ms: int):
    there, back = diff(one_ms, other_ms), diff(other_ms, one_ms)
    assert there == -back or there == back == -(PERIOD_MS // 2)


def test_one_tick_after_the_last_count_comes_the_first():
    assert diff(0, MASK) == 1
    assert diff(MASK, 0) == -1
