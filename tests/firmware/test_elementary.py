"""exp, log and power agree with the C library's, and are the same bits on every processor."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.elementary import exp, log, power
from tests.kit.on_micropython import printed_here, printed_on_micropython


@given(st.floats(-80.0, 80.0))
def test_exp_is_that_of_the_c_library_to_1e_10(x):
    assert exp(x) == pytest.approx(math.exp(x), rel=1e-10)


@given(st.floats(1e-30, 1e30))
def test_log_is_that_of_the_c_library_to_1e_10(x):
    assert log(x) == pytest.approx(math.log(x), rel=1e-10, abs=1e-12)


@given(st.floats(0.0, 10.0), st.floats(0.3, 4.0))
def test_power_is_that_of_the_c_library_to_1e_9(x, y):
    assert power(x, y) == pytest.approx(x**y, rel=1e-9, abs=1e-37)


def test_the_ends_are_finite():
    assert power(0.0, 0.8) == 0.0
    assert 0.0 < exp(-1e9) < 1e-38
    assert 1e38 < exp(1e9) < 3e38


BITS = """
from binascii import crc32
from struct import pack
from firmware.elementary import exp, log, power
crc = 0
for k in range(400):
    x = k / 32.0
    crc = crc32(pack("<3d", exp(x - 6.25), log(x + 0.03125), power(x, 1.25)), crc)
print(crc)
"""
WORST = """
from firmware.elementary import exp, log, power
for k in range(1, 200):
    x = k / 32.0
    print(exp(x), log(x), power(x, 0.8))
"""


def test_double_precision_gives_the_same_bits_here_and_on_micropython():
    assert printed_here(BITS) == printed_on_micropython("double", BITS)


def test_single_precision_is_right_to_its_last_bits():
    for k, line in enumerate(printed_on_micropython("single", WORST), start=1):
        x = k / 32.0
        values = [float(word) for word in line.split()]
        assert values == pytest.approx([math.exp(x), math.log(x), x**0.8], rel=5e-7, abs=2e-7)
