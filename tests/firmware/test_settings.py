"""Settings: known names, finite numbers, all or none."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.controller import Controller
from firmware.setting_table import LIMITS, ORDER
from firmware.settings import Settings

NAMES = sorted(Settings().values())
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()


@given(given_values=st.dictionaries(st.sampled_from(NAMES), numbers))
def test_named_values_are_taken_over_and_the_others_stay(given_values: dict[str, float]):
    settings, before = Settings(), Settings().values()
    settings.load(given_values)
    assert settings.values() == {**before, **given_values}


@pytest.mark.parametrize(
    "name", ["", "KV", "kv ", "load", "values", "__doc__", "__class__", "__dict__", "settings"]
)
def test_a_name_that_is_no_setting_is_refused_by_name(name: str):
    with pytest.raises(ValueError, match=f"unknown setting {name}"):
        Settings().load({name: 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "50", None, [50.0], 1j])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match=r"setting kv is not a (finite )?number"):
        Settings().load({"kv": value})


def test_after_a_refusal_nothing_is_changed():
    settings = Settings()
    with pytest.raises(ValueError, match="unknown setting nonsense"):
        settings.load({"kv": 10.0, "nonsense": 1.0})
    assert settings.values() == Settings().values()


def test_values_are_a_copy_and_go_through_json():
    settings = Settings()
    values = settings.values()
    values["kv"] = 0.0
    assert settings.kv == 50.0
    other = Settings()
    other.load(json.loads(json.dumps(settings.values())))
    assert other.values() == settings.values()


def test_the_limits_that_trip_lie_beyond_the_ratings_and_those_beyond_the_operating_point():
    s = Settings()
    assert s.kv <= s.kv_max < s.trip_kv < 60.0
    assert s.ma <= s.ma_max < s.trip_ma < 2.0
    assert s.kv * s.ma * (1.0 + s.trim_up) <= s.power_limit_w < s.trip_power_w
    assert s.head_set_c < s.trip_head_c
    assert s.filament_preheat_a < s.filament_limit_a < 4.0
    assert 0.0 < s.fan_min < 1.0


def test_an_uncalibrated_tube_is_trimmed_by_nothing():
    s = Settings()
    assert s.head_per_k == s.mount_per_k == s.air_depth_per_cm == 0.0
    assert s.kv_ppm_per_k == s.ma_ppm_per_k == 0.0


def settings_of(**changed: float) -> Settings:
    settings = Settings()
    settings.load(changed)
    return settings


def test_every_setting_has_limits_and_the_defaults_keep_them():
    assert sorted(name for name, _, _ in LIMITS) == NAMES
    assert Settings().problem() is None


@pytest.mark.parametrize(("name", "low", "high"), LIMITS)
def test_a_setting_outside_its_limits_is_reported_by_name(name: str, low: float, high: float):
    for value in (low - 0.001 - abs(low), high + 0.001 + abs(high)):
        problem = settings_of(**{name: value}).problem()
        assert problem is not None
        assert problem[0] == name
        assert f"outside {low:g} to {high:g}" in problem[1]


@pytest.mark.parametrize(("name", "above"), ORDER)
def test_a_setting_above_the_one_that_limits_it_is_reported_with_both_names(name: str, above: str):
    values = {bound: low for bound, low, _ in LIMITS}
    problem = settings_of(**{above: max(values[above], 0.5 * getattr(Settings(), name))}).problem()
    assert problem is not None
    assert above in problem[1] or problem[0] == above


def test_an_operating_point_beyond_the_power_is_reported():
    problem = settings_of(ma=1.01).problem()
    assert problem is not None
    assert "power_limit_w" in problem[1]


@pytest.mark.parametrize("end", [0, 1])
def test_a_controller_can_be_built_at_either_end_of_every_limit(end: int):
    for name, *ends in LIMITS:
        Controller(settings_of(**{name: ends[end]}))
