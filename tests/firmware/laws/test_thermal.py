"""The thermal law against tubes written here, smaller than the twin's and independent of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firmware.calibration import FAN_FULL
from firmware.laws.thermal import INTEGRAL_LIMIT_W, Thermal
from firmware.settings import Settings

DT_S = 0.5
CUTS = 4  # of a step of the law, for the plant's Euler
BEAM_W, REST_W = 49.0, 4.0
HOUR_S = 3600
SET_C = 55.0


@dataclass
class Tube:
    """Anode - head - fan air, and a sensor that lags. An anode of 0 J/K leaves a first order."""

    head_c: float = 22.0
    head_j_per_k: float = 720.0
    anode_j_per_k: float = 58.0
    anode_k_per_w: float = 0.25
    sensor_lag_s: float = 8.0
    fan_lag_s: float = 2.0
    g0_w_per_k: float = 0.8
    g1_w_per_k: float = 2.2
    exponent: float = 0.8
    fan_is_dead: bool = False
    fan: float = 0.0
    anode_c: float = field(init=False)
    sensed_c: float = field(init=False)

    def __post_init__(self):
        self.anode_c = self.sensed_c = self.head_c

    def advance(self, beam_w: float, rest_w: float, fan_program: float, room_c: float) -> None:
        goal = 0.0 if self.fan_is_dead else fan_program
        dt = DT_S / CUTS
        for _ in range(CUTS):
            self.fan += dt / self.fan_lag_s * (goal - self.fan)
            flow_w = (self.anode_c - self.head_c) / self.anode_k_per_w
            if self.anode_j_per_k:
                self.anode_c += dt * (0.8 * beam_w - flow_w) / self.anode_j_per_k
            else:
                flow_w = 0.8 * beam_w
            g = self.g0_w_per_k + self.g1_w_per_k * self.fan**self.exponent
            lost_w = g * (self.head_c - room_c)
            self.head_c += dt * (flow_w + 0.2 * beam_w + rest_w - lost_w) / self.head_j_per_k
            self.sensed_c += dt / self.sensor_lag_s * (self.head_c - self.sensed_c)


def run(
    law: Thermal,
    tube: Tube,
    duration_s: float,
    room_c: float | Callable[[float], float] = 22.0,
    beam_w: float = BEAM_W,
    rest_w: float = REST_W,
    unmetered_w: float = 0.0,
) -> list[float]:
    """Head temperatures, one each step of the law, which sees the sensor and the meters."""
    heads_c = []
    for step in range(int(duration_s / DT_S)):
        room = room_c if isinstance(room_c, float) else room_c(step * DT_S)
        law.step(DT_S, tube.sensed_c, room, beam_w + rest_w)
        tube.advance(beam_w, rest_w + unmetered_w, law.fan_program_raw / FAN_FULL, room)
        heads_c.append(tube.head_c)
    return heads_c


def warm(tube: Tube) -> Thermal:
    """The law after two hours with this tube, in a room of 22 degC."""
    law = Thermal(Settings())
    assert abs(run(law, tube, 2 * HOUR_S)[-1] - SET_C) < 0.01
    return law


def after(heads_c: list[float], time_s: float) -> list[float]:
    return heads_c[int(time_s / DT_S) :]


def furthest_k(heads_c: list[float]) -> float:
    """Largest distance from the set-point."""
    return max(abs(head_c - SET_C) for head_c in heads_c)


TUBES: dict[str, dict[str, Any]] = {
    "as the law takes it to be": {},
    "laminar fins": {"exponent": 0.5},
    "fan as strong as fast": {"exponent": 1.0},
    "no anode": {"anode_j_per_k": 0.0},
    "slow sensor": {"sensor_lag_s": 20.0},
    "small head": {"head_j_per_k": 400.0},
    "large head": {"head_j_per_k": 1600.0},
    "small head and slow sensor": {"head_j_per_k": 400.0, "sensor_lag_s": 20.0},
    "strong fan": {"g0_w_per_k": 0.5, "g1_w_per_k": 3.0},
    "weak fan": {"g1_w_per_k": 1.8},
    "slow fan": {"fan_lag_s": 6.0},
}
each_tube = pytest.mark.parametrize("given_tube", TUBES.values(), ids=TUBES)


@each_tube
def test_a_cold_tube_reaches_its_set_point_and_hardly_passes_it(given_tube: dict[str, Any]):
    heads_c = run(Thermal(Settings()), Tube(**given_tube), 2 * HOUR_S)
    assert max(heads_c) < SET_C + 0.3
    assert furthest_k(after(heads_c, 1.5 * HOUR_S)) < 0.002


@each_tube
def test_a_room_that_warms_by_5_k_an_hour_moves_the_head_by_hundredths(
    given_tube: dict[str, Any],
):
    tube = Tube(**given_tube)
    heads_c = run(warm(tube), tube, 2 * HOUR_S, lambda time_s: 22.0 + 5.0 * time_s / HOUR_S)
    assert furthest_k(heads_c) < 0.02


@each_tube
def test_a_step_of_the_room_moves_the_head_by_tenths_and_is_forgotten(
    given_tube: dict[str, Any],
):
    tube = Tube(**given_tube)
    heads_c = run(warm(tube), tube, HOUR_S, 27.0)
    assert furthest_k(heads_c) < 0.1
    assert furthest_k(after(heads_c, 1800.0)) < 0.01


@settings(max_examples=25)
@given(
    g0=st.floats(0.5, 1.1),
    g1=st.floats(1.5, 3.2),
    exponent=st.floats(0.5, 1.0),
    head_j_per_k=st.floats(400.0, 1500.0),
    beam_w=st.floats(35.0, 50.0),
    room_c=st.floats(15.0, 35.0),
)
def test_no_error_stays_whatever_the_tube_as_long_as_the_fan_can_do_it(
    g0: float, g1: float, exponent: float, head_j_per_k: float, beam_w: float, room_c: float
):
    excess_k, heat_w = SET_C - room_c, beam_w + REST_W
    speed = max(0.0, (heat_w / excess_k - g0) / g1) ** (1.0 / exponent)
    assume(0.1 < speed < 0.9)
    law = Thermal(Settings())
    unexplained_w = (0.8 + 2.2 * speed**0.8) * excess_k - heat_w
    assume(abs(unexplained_w) < 0.9 * INTEGRAL_LIMIT_W)
    tube = Tube(SET_C, head_j_per_k, g0_w_per_k=g0, g1_w_per_k=g1, exponent=exponent)
    heads_c = run(law, tube, 2 * HOUR_S, room_c, beam_w)
    assert furthest_k(after(heads_c, 1.5 * HOUR_S)) < 0.01


def test_heat_beyond_what_the_integral_may_explain_leaves_an_error_that_the_gain_bounds():
    tube = Tube()
    law = warm(tube)
    heads_c = run(law, tube, 2 * HOUR_S, unmetered_w=INTEGRAL_LIMIT_W - 2.0)
    assert furthest_k(heads_c[-100:]) < 0.01
    heads_c = run(law, tube, 2 * HOUR_S, unmetered_w=INTEGRAL_LIMIT_W + 5.0)
    assert heads_c[-1] - SET_C == pytest.approx(5.0 / Settings().head_kp_w_per_k, abs=0.02)


@pytest.mark.parametrize("room_c", [45.0, 56.0])
def test_after_an_hour_with_too_warm_a_room_it_recovers_within_minutes(room_c: float):
    tube = Tube()
    law = warm(tube)
    hot = run(law, tube, HOUR_S, room_c)
    assert law.fan_program_raw == FAN_FULL
    assert hot[-1] > SET_C + 5.0
    recovering = run(law, tube, HOUR_S)
    assert min(recovering) > SET_C - 1.0
    assert furthest_k(after(recovering, 600.0)) < 0.1


def test_a_fan_that_was_dead_for_an_hour_takes_up_where_it_left():
    tube = Tube()
    law = warm(tube)
    tube.fan_is_dead = True
    run(law, tube, HOUR_S, beam_w=25.0)
    assert law.fan_program_raw == FAN_FULL
    tube.fan_is_dead = False
    recovering = run(law, tube, HOUR_S)
    assert min(recovering) > SET_C - 1.5
    assert furthest_k(after(recovering, 900.0)) < 0.05


def test_an_hour_without_beam_does_not_wind_the_integral_up():
    tube = Tube()
    law = warm(tube)
    run(law, tube, HOUR_S, beam_w=0.0, rest_w=0.0)
    assert law.fan_program_raw == int(0.08 * FAN_FULL + 0.5)
    assert abs(law.integral_w) < 1.0
    heads_c = run(law, tube, HOUR_S)
    assert max(heads_c) < SET_C + 0.3
    assert furthest_k(after(heads_c, 0.5 * HOUR_S)) < 0.01


def test_a_set_point_step_gives_no_derivative_kick():
    without, with_derivative = Settings(), Settings()
    without.head_kd_w_s_per_k = 0.0
    laws = [Thermal(without), Thermal(with_derivative)]
    for law in laws:
        for _ in range(10):
            law.step(DT_S, SET_C, 22.0, 53.0)
        before = law.fan
        law.settings.head_set_c = SET_C - 0.2
        law.step(DT_S, SET_C, 22.0, 53.0)
        assert law.fan > before + 0.01
    assert laws[0].fan_program_raw == laws[1].fan_program_raw


@given(
    fan=st.floats(0.08, 1.0),
    head_c=st.floats(SET_C - 0.5, SET_C + 0.5),
    room_c=st.floats(15.0, 35.0),
    unexplained_w=st.floats(-8.0, 8.0),
)
def test_the_start_is_bumpless(fan: float, head_c: float, room_c: float, unexplained_w: float):
    law = Thermal(Settings())
    law.fan = fan
    heat_w = (0.8 + 2.2 * fan**0.8) * (head_c - room_c) + unexplained_w
    assume(heat_w > 0.0)
    law.step(DT_S, head_c, room_c, heat_w)
    assert law.fan == pytest.approx(fan, abs=1e-9)
    assert abs(law.fan_program_raw - fan * FAN_FULL) <= 1.0


def test_a_head_that_warms_gets_more_fan_than_one_at_rest_and_one_that_cools_less():
    fans = []
    for rate_k_per_s in (-0.02, 0.0, 0.02):
        s = Settings()
        s.head_kp_w_per_k = s.head_ki_w_per_k_s = 0.0
        law = Thermal(s)
        law.fan = 0.5
        for step in range(40):
            law.step(DT_S, SET_C + rate_k_per_s * DT_S * (step - 39), 22.0, 53.0)
        fans.append(law.fan)
    assert fans[0] < fans[1] - 0.01
    assert fans[2] > fans[1] + 0.01


def test_the_heat_of_a_beam_switched_on_is_fed_forward_with_the_lag_of_the_anode():
    law = Thermal(Settings())
    law.step(DT_S, SET_C, 22.0, 0.0)
    for _ in range(int(15.0 / DT_S)):
        law.step(DT_S, SET_C, 22.0, 50.0)
    assert law.power_w == pytest.approx(50.0 * (1.0 - 0.37), abs=1.0)


@given(
    heads_c=st.lists(st.floats(-242.0, 885.0), min_size=2, max_size=20),
    room_c=st.floats(-40.0, 85.0),
    power_w=st.floats(0.0, 130.0),
)
def test_the_fan_stays_in_its_range_whatever_the_sensors_say(
    heads_c: list[float], room_c: float, power_w: float
):
    law = Thermal(Settings())
    for head_c in heads_c:
        law.step(DT_S, head_c, room_c, power_w)
        assert 0.08 <= law.fan <= 1.0
        assert law.fan_program_raw == int(law.fan * FAN_FULL + 0.5)
        assert abs(law.integral_w) <= INTEGRAL_LIMIT_W


@given(room_c=st.floats(SET_C - 1.9, 80.0))
def test_a_room_as_warm_as_the_head_asks_for_all_of_the_fan(room_c: float):
    """Nothing else helps, and the quotient of heat and excess has lost its meaning."""
    law = Thermal(Settings())
    for _ in range(20):
        law.step(DT_S, SET_C + 1.0, room_c, 53.0)
    assert law.fan == 1.0


def test_a_hotter_head_never_gets_less_fan():
    speeds = []
    for tenth_c in range(500, 800):
        law = Thermal(Settings())
        law.running, law.head_c, law.power_w = True, 0.1 * tenth_c, 53.0
        law.step(DT_S, 0.1 * tenth_c, 22.0, 53.0)
        speeds.append(law.fan)
    assert speeds == sorted(speeds)
    assert (speeds[0], speeds[-1]) == (0.08, 1.0)
