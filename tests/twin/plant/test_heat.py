"""The thermal network against an integrator that knows only its differential equations."""

import itertools
import json

import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp

from tests.kit.variants import DEFAULT, numbers, varied
from twin.plant.heat import RATED_AIR_KG_M3, Heat

STEP_S = 0.5
NODES = ("anode_c", "head_c", "mount_c", "electronics_c", "fan")
# Beam, filament (W), fan program, room (degC), air (kg/m3), heaters of mount and electronics (W).
BEAM = (49.0, 3.0, 0.3, 20.0, 1.19, 0.0, 0.0)
STEPS = (
    BEAM,
    (49.0, 3.0, 0.6, 25.0, 1.10, 20.0, 0.0),  # fan up, room up, thinner air, foil on the mount
    (0.0, 0.0, 0.02, 25.0, 1.10, 0.0, 20.0),  # beam off, fan told to turn too slowly to turn
    (30.0, 4.0, 0.9, 15.0, 1.25, 0.0, 0.0),
)


def integrated(tube, start, segments, steps, step_s=STEP_S, method="DOP853"):
    """The five states after each of `steps` steps in each segment of constant inputs."""
    p = numbers(tube.heat)

    def speed(_, x, beam_w, filament_w, program, room_c, air, mount_w, electronics_w):
        anode, head, mount, electronics, fan = x
        goal = program if program > p["fan_stall"] else 0.0
        turning = (max(fan, 0.0) * air / RATED_AIR_KG_M3) ** p["fan_exponent"]
        to_air_w = (p["head_still_w_per_k"] + p["head_fan_w_per_k"] * turning) * (head - room_c)
        to_head_w = (anode - head) / p["anode_to_head_k_per_w"]
        to_mount_w = (head - mount) / p["head_to_mount_k_per_w"]
        backscatter_w = beam_w * p["backscatter_fraction"]
        return [
            (beam_w - backscatter_w - to_head_w) / p["anode_capacity_j_per_k"],
            (backscatter_w + filament_w + to_head_w - to_mount_w - to_air_w)
            / p["head_capacity_j_per_k"],
            (mount_w + to_mount_w - (mount - room_c) / p["mount_to_air_k_per_w"])
            / p["mount_capacity_j_per_k"],
            (
                p["electronics_loss_w"]
                + electronics_w
                - (electronics - room_c) / p["electronics_to_air_k_per_w"]
            )
            / p["electronics_capacity_j_per_k"],
            (goal - fan) / p["fan_lag_s"],
        ]

    parts, x = [], list(start)
    for inputs in segments:
        at_s = step_s * np.arange(1, steps + 1)
        # short steps: the integrator's values between its own steps are less exact
        limits = {"rtol": 1e-12, "atol": 1e-11, "max_step": 5.0}
        parts.append(solve_ivp(speed, (0.0, at_s[-1]), x, method, at_s, args=inputs, **limits).y)
        x = parts[-1][:, -1]
    return np.concatenate(parts, axis=1).T


def advanced(heat, segments, steps):
    rows = []
    for *inputs, mount_w, electronics_w in segments:
        heat.mount_heater_w, heat.electronics_heater_w = mount_w, electronics_w
        for _ in range(steps):
            heat.advance(*inputs)
            rows.append([getattr(heat, node) for node in NODES])
    return np.array(rows)


def soaked(tube=DEFAULT, room_c=20.0, fan=0.0, step_s=STEP_S):
    heat = Heat(tube.heat, step_s)
    heat.soak(room_c)
    heat.fan = fan
    return heat


def state_of(heat):
    return [getattr(heat, node) for node in NODES]


def test_constant_inputs_are_solved_to_parts_in_a_hundred_million():
    heat = soaked(fan=0.3)
    exact = integrated(DEFAULT, state_of(heat), [BEAM], 4000)
    assert np.abs(advanced(heat, [BEAM], 4000) / exact - 1.0).max() < 1e-8


def test_steps_of_power_room_and_foils_are_solved_as_well():
    heat = soaked(fan=0.3)
    segments = [(*inputs[:2], 0.3, *inputs[3:]) for inputs in STEPS]
    exact = integrated(DEFAULT, state_of(heat), segments, 600)
    assert np.abs(advanced(heat, segments, 600) / exact - 1.0).max() < 1e-8


def test_a_fan_that_jumps_costs_a_third_of_a_millikelvin_at_worst():
    """Within a step its speed counts with the mean: from rest to 90 % in one step is the worst."""
    heat = soaked(fan=0.3)
    exact = integrated(DEFAULT, state_of(heat), STEPS, 600)
    found = advanced(heat, STEPS, 600)
    assert np.abs(found[:, :4] - exact[:, :4]).max() < 3e-4
    assert np.abs(found[:, 4] - exact[:, 4]).max() < 1e-7


def test_the_error_of_a_changing_fan_falls_with_the_square_of_the_step():
    """Nothing is early or late by a part of a step."""
    segments, errors = [BEAM, STEPS[1], STEPS[3]], []
    for shorter in (1, 4):
        heat = soaked(fan=0.3, step_s=STEP_S / shorter)
        exact = integrated(DEFAULT, state_of(heat), segments, 120 * shorter, STEP_S / shorter)
        errors.append(np.abs(advanced(heat, segments, 120 * shorter)[:, 1] - exact[:, 1]).max())
    assert errors[1] < errors[0] / 14.0


def test_with_the_fan_at_rest_the_step_does_not_matter():
    paths = []
    for shorter in (1, 10):
        heat = soaked(fan=0.3, step_s=STEP_S / shorter)
        paths.append(advanced(heat, [BEAM], 600 * shorter)[shorter - 1 :: shorter])
    assert paths[0] == pytest.approx(paths[1], rel=1e-9)


def test_heat_in_is_heat_stored_plus_heat_given_to_the_room():
    """Node by node, over the warm-up and a step, from temperatures integrated by Simpson's rule."""
    p = numbers(DEFAULT.heat)
    heat = soaked(fan=0.3)
    beam_w, filament_w, _, room_c, air, *_ = BEAM
    foil_w, steps = 20.0, 4000
    start = state_of(heat)
    rows = np.vstack([start, advanced(heat, [(*BEAM[:5], foil_w, 0.0)], steps)])
    passed_s = steps * STEP_S
    mean = simpson(rows, dx=STEP_S, axis=0) / passed_s
    stored_j = rows[-1] - rows[0]
    to_head_w = (mean[0] - mean[1]) / p["anode_to_head_k_per_w"]
    to_mount_w = (mean[1] - mean[2]) / p["head_to_mount_k_per_w"]
    to_air_w = heat.conductance_w_per_k(0.3, air) * (mean[1] - room_c)
    mount_to_air_w = (mean[2] - room_c) / p["mount_to_air_k_per_w"]

    def watts(node, name):
        return p[f"{name}_capacity_j_per_k"] * stored_j[node] / passed_s

    assert beam_w * (1.0 - 0.21) - to_head_w == pytest.approx(watts(0, "anode"), abs=1e-5)
    assert beam_w * 0.21 + filament_w + to_head_w - to_mount_w - to_air_w == pytest.approx(
        watts(1, "head"), abs=1e-5
    )
    assert to_mount_w + foil_w - mount_to_air_w == pytest.approx(watts(2, "mount"), abs=1e-5)
    whole_w = watts(0, "anode") + watts(1, "head") + watts(2, "mount")
    assert beam_w + filament_w + foil_w == pytest.approx(
        whole_w + to_air_w + mount_to_air_w, abs=1e-5
    )


@pytest.mark.parametrize("fan_exponent", [0.5, 0.8])
@pytest.mark.parametrize("room_c", [15.0, 22.0, 35.0])
def test_equilibrium_is_a_rest_at_the_set_point(room_c, fan_exponent):
    heat = Heat(varied({"heat.fan_exponent": fan_exponent}).heat, STEP_S)
    heat.equilibrium(55.0, 49.0, 2.9, room_c, 1.19)
    rest = state_of(heat)
    if heat.fan not in (0.0, 1.0):
        assert heat.head_c == pytest.approx(55.0, abs=1e-9)
    for _ in range(400):
        heat.advance(49.0, 2.9, heat.fan, room_c, 1.19)
    assert state_of(heat) == pytest.approx(rest, abs=1e-9)


def test_equilibrium_is_a_rest_where_the_fan_would_have_to_turn_too_slowly_to_turn():
    heat = Heat(varied({"heat.fan_stall": 0.3}).heat, STEP_S)
    heat.equilibrium(55.0, 49.0, 2.9, 20.0, 1.19)
    assert heat.fan == 0.0
    assert heat.head_c > 55.0
    rest = state_of(heat)
    for _ in range(400):
        heat.advance(49.0, 2.9, heat.fan, 20.0, 1.19)
    assert state_of(heat) == pytest.approx(rest, abs=1e-9)


def test_equilibrium_takes_the_nearer_end_of_the_fan_where_none_is_right():
    heat = Heat(DEFAULT.heat, STEP_S)
    heat.equilibrium(55.0, 49.0, 2.9, 45.0, 1.19)
    assert heat.fan == 1.0
    assert heat.head_c > 55.0
    heat.equilibrium(55.0, 5.0, 2.9, 10.0, 1.19)
    assert heat.fan == 0.0
    assert heat.head_c < 55.0


def test_a_tube_that_is_off_rests_at_the_rooms_temperature():
    heat = soaked(room_c=18.0)
    rest = state_of(heat)
    for _ in range(1000):
        heat.advance(0.0, 0.0, 0.0, 18.0, 1.2)
    assert state_of(heat) == pytest.approx(rest, abs=1e-9)
    assert heat.head_c == pytest.approx(18.0)


# The corners of what a tube's file may say, of the numbers that make the network quick.
EXTREMES = list(itertools.product((5.0, 1000.0), (0.01, 3.0), (100.0, 20000.0), (0.1, 50.0)))


@pytest.mark.parametrize("corner", EXTREMES)
def test_any_allowed_network_is_stable_and_right(corner):
    names = (
        "heat.anode_capacity_j_per_k",
        "heat.anode_to_head_k_per_w",
        "heat.head_capacity_j_per_k",
        "heat.head_fan_w_per_k",
    )
    quick = {
        "heat.mount_capacity_j_per_k": 50.0,
        "heat.mount_to_air_k_per_w": 0.05,
        "heat.head_to_mount_k_per_w": 0.1,
        "heat.fan_lag_s": 0.1,
    }
    tube = varied({**dict(zip(names, corner, strict=True)), **quick})
    heat = soaked(tube, fan=1.0)
    inputs = (120.0, 10.0, 1.0, 20.0, 1.4, 20.0, 0.0)
    exact = integrated(tube, state_of(heat), [inputs], 40, method="Radau")
    found = advanced(heat, [inputs], 40)
    assert found[:, :3] == pytest.approx(exact[:, :3], rel=1e-6)


def test_the_fan_answers_with_its_lag():
    heat = soaked()
    for _ in range(3):  # 1.5 s, the lag
        heat.advance(0.0, 0.0, 0.8, 20.0, 1.19)
    assert heat.fan == pytest.approx(0.8 * (1.0 - np.exp(-1.0)))


@pytest.mark.parametrize(("program", "turns"), [(0.0, False), (0.04, False), (0.05, True)])
def test_a_fan_told_to_turn_too_slowly_stalls(program, turns):
    heat = soaked(fan=0.5)
    for _ in range(400):
        heat.advance(0.0, 0.0, program, 20.0, 1.19)
    assert heat.fan == pytest.approx(program if turns else 0.0, abs=1e-12)


def test_thin_air_cools_less_by_the_fans_exponent_and_a_still_fan_by_nothing():
    heat = Heat(DEFAULT.heat, STEP_S)
    still = heat.conductance_w_per_k(0.0, 1.0)
    assert still == heat.conductance_w_per_k(0.0, 1.2) == 0.5
    thick = heat.conductance_w_per_k(0.7, RATED_AIR_KG_M3) - still
    thin = heat.conductance_w_per_k(0.7, 0.9 * RATED_AIR_KG_M3) - still
    assert thin / thick == pytest.approx(0.9**0.8)
    assert heat.conductance_w_per_k(1.0, RATED_AIR_KG_M3) == pytest.approx(0.5 + 2.3)


def test_the_electronics_follow_the_room_and_their_own_loss():
    heat = soaked(room_c=20.0)
    assert heat.electronics_c == pytest.approx(20.0 + 0.8 * 9.0)
    heat.electronics_heater_w = 20.0
    for _ in range(1600):  # 800 s, their time constant
        heat.advance(0.0, 0.0, 0.0, 20.0, 1.19)
    assert heat.electronics_c == pytest.approx(27.2 + 16.0 * (1.0 - np.exp(-1.0)))


def test_the_time_constants_are_the_published_ones():
    """780 J/K over 0.8 K/W at little fan is 624 s, over 0.5 K/W 390 s; in a hot room less."""
    p = DEFAULT.heat
    joule_k = p.anode_capacity_j_per_k.value + p.head_capacity_j_per_k.value
    heat = Heat(p, STEP_S)
    mount_w_k = 1.0 / (p.head_to_mount_k_per_w.value + p.mount_to_air_k_per_w.value)
    for room_c, tau_s in ((15.0, 600.0), (22.0, 500.0), (27.0, 420.0), (34.5, 310.0)):
        heat.equilibrium(55.0, 49.0, 2.9, room_c, 1.19)
        found_s = joule_k / (heat.conductance_w_per_k(heat.fan, 1.19) + mount_w_k)
        assert found_s == pytest.approx(tau_s, rel=0.05)


def test_saved_heat_goes_on_bit_for_bit():
    heat = soaked(fan=0.2)
    advanced(heat, [STEPS[1]], 77)
    state = json.loads(json.dumps(heat.state()))
    later = [list(row) for row in advanced(heat, [STEPS[2]], 50)]
    other = Heat(DEFAULT.heat, STEP_S)
    other.load(state)
    assert [list(row) for row in advanced(other, [STEPS[2]], 50)] == later
