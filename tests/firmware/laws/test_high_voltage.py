"""The high-voltage law: slew, power limit, clamps, and commands that make no sense."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import DAC_FULL
from firmware.laws.high_voltage import HighVoltage
from firmware.settings import Settings
from tests.kit.full_scales import KV_FULL

DT_S = 0.1
KV_PER_COUNT = KV_FULL / DAC_FULL

any_number = st.floats()  # NaN and both infinities are among them
commands = st.lists(any_number | st.floats(0.0, 60.0), min_size=1, max_size=30)


@given(commands=commands)
def test_no_sequence_of_commands_leaves_the_slew_or_the_rating(commands: list[float]):
    s = Settings()
    law = HighVoltage(s)
    for kv in commands:
        before_kv, before_raw = law.kv, law.kv_program_raw
        law.ramp(kv, DT_S)
        assert abs(law.kv - before_kv) <= s.kv_slew_kv_per_s * DT_S + 1e-9
        assert 0.0 <= law.kv <= s.kv_max
        assert abs(law.kv_program_raw * KV_PER_COUNT - law.kv) <= KV_PER_COUNT / 2 + 1e-9
        most = s.kv_slew_kv_per_s * DT_S / KV_PER_COUNT + 1
        assert abs(law.kv_program_raw - before_raw) <= most


@given(start_kv=st.floats(0.0, 50.0), kv=st.floats(0.0, 50.0))
def test_the_commanded_voltage_is_reached_and_said_to_be(start_kv: float, kv: float):
    law = HighVoltage(Settings())
    law.kv = start_kv
    turns = 1
    while not law.ramp(kv, DT_S):
        turns += 1
        assert turns <= abs(kv - start_kv) / (10.0 * DT_S) + 2
    assert law.kv == kv
    assert law.ramp(kv, DT_S)


@pytest.mark.parametrize("kv", [math.nan, -math.inf, -1.0])
def test_a_voltage_that_is_none_leads_to_zero(kv: float):
    law = HighVoltage(Settings())
    assert law.ramp(kv, DT_S)
    assert (law.kv, law.kv_program_raw) == (0.0, 0)
    law.kv = 50.0
    for _ in range(50):
        law.ramp(kv, DT_S)
    assert (law.kv, law.kv_program_raw) == (0.0, 0)


def test_a_voltage_without_end_leads_to_the_rating_at_the_slew():
    law = HighVoltage(Settings())
    turns = 1
    while not law.ramp(math.inf, DT_S):
        turns += 1
    assert (turns, law.kv) == (50, 50.0)


def test_off_is_at_once():
    law = HighVoltage(Settings())
    law.kv, law.kv_program_raw = 50.0, 3413
    law.off()
    assert (law.kv, law.kv_program_raw) == (0.0, 0)


@given(
    kv=st.floats(0.0, 60.0),
    ma=any_number,
    power_limit_w=st.floats(1.0, 100.0),
    ma_max=st.floats(0.01, 2.0),
)
def test_no_current_is_allowed_beyond_either_rating(
    kv: float, ma: float, power_limit_w: float, ma_max: float
):
    s = Settings()
    s.power_limit_w, s.ma_max = power_limit_w, ma_max
    law = HighVoltage(s)
    law.kv = kv
    allowed_ma = law.allowed_ma(ma)
    assert 0.0 <= allowed_ma <= ma_max
    assert kv * allowed_ma <= power_limit_w * (1.0 + 1e-12)
    if 0.0 <= ma <= ma_max and kv * ma <= power_limit_w and kv > 0.0:
        assert allowed_ma == ma


def test_without_voltage_no_current_is_allowed():
    """There is none to be had, and the loops must not open the gun in search of it."""
    assert HighVoltage(Settings()).allowed_ma(0.98) == 0.0
