"""Settings that cannot be are named with what is wrong."""

import pytest

from firmware.setting_table import LIMITS, ORDER
from firmware.settings import Settings


def test_the_defaults_can_be():
    assert Settings().problem() is None


def test_every_setting_has_limits_and_only_settings_do():
    assert sorted(name for name, _, _ in LIMITS) == sorted(Settings().values())


@pytest.mark.parametrize(("name", "low", "high"), LIMITS)
def test_a_value_beyond_its_limits_is_named(name, low, high):
    for beyond in (low - 1.0, high + 1.0, float("nan")):
        settings = Settings()
        setattr(settings, name, beyond)
        problem = settings.problem()
        assert problem is not None
        assert problem[0] == name
        assert "outside" in problem[1]


@pytest.mark.parametrize(("name", "above"), ORDER)
def test_what_must_not_lie_above_another_is_named(name, above):
    settings = Settings()
    setattr(settings, above, 0.5 * getattr(settings, name))
    problem = settings.problem()
    assert problem is not None
    assert name in problem or above in problem[0]


def test_an_operating_point_above_the_power_rating_is_named():
    settings = Settings()
    settings.ma = 1.1
    assert settings.problem() == ("ma", "55 W is above power_limit_w = 50")
