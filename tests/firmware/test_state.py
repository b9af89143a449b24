"""State as plain data, and a clamp that nothing gets through."""

import json

from hypothesis import given
from hypothesis import strategies as st

from firmware.state import Plain, clamp

numbers = st.floats(allow_nan=False)


@given(value=st.floats(), one=numbers, other=numbers)
def test_whatever_is_clamped_lies_within_the_limits(value: float, one: float, other: float):
    low, high = min(one, other), max(one, other)
    assert low <= clamp(value, low, high) <= high


@given(value=numbers)
def test_a_value_within_the_limits_is_left_alone(value: float):
    assert clamp(value, value, value) == value
    assert clamp(value, float("-inf"), float("inf")) == value


def test_what_is_not_a_number_becomes_the_lower_limit_and_infinity_the_nearer():
    assert clamp(float("nan"), 2.0, 3.0) == 2.0
    assert clamp(float("inf"), 2.0, 3.0) == 3.0
    assert clamp(float("-inf"), 2.0, 3.0) == 2.0


class Law(Plain):
    STATE = ("integral", "running")

    def __init__(self):
        self.gain = 2.0  # a setting: no state
        self.integral = 0.0
        self.running = False


@given(integral=st.floats(allow_nan=False, allow_infinity=False), running=st.booleans())
def test_a_state_goes_through_json_bit_for_bit(integral: float, running: bool):
    law, other = Law(), Law()
    law.integral, law.running = integral, running
    other.load(json.loads(json.dumps(law.state())))
    assert (other.integral, other.running) == (integral, running)


def test_a_state_holds_what_is_declared_and_nothing_else():
    assert set(Law().state()) == {"integral", "running"}
