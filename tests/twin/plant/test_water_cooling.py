"""A head cooled by water: the network against its differential equations, and its chiller."""

import itertools

import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp

from tests.kit.variants import DEFAULT, numbers, varied
from twin.plant.heat import Heat
from twin.tube.sections import COOLANT, FAN, HeatParameters

STEP_S = 0.5
# A rotating anode of 2.5 kW.
WATER = {
    "coolant_w_per_k": 800.0,
    "coolant_c": 20.0,
    "coolant_k_per_k": 0.1,
    "anode_capacity_j_per_k": 600.0,
    "anode_to_head_k_per_w": 0.012,
    "head_capacity_j_per_k": 5000.0,
    "head_still_w_per_k": 1.5,
    "head_to_mount_k_per_w": 3.0,
    "mount_capacity_j_per_k": 3000.0,
    "mount_to_air_k_per_w": 0.7,
    "backscatter_fraction": 0.21,
}
# Beam, filament (W), room (degC), heater of the mount (W).
STEPS = ((2450.0, 60.0, 22.0, 0.0), (2450.0, 60.0, 27.0, 20.0), (0.0, 0.0, 18.0, 0.0))


def parameters(**other):
    document = DEFAULT.heat.model_dump() | dict.fromkeys(FAN) | {"cooling": "water"}
    for name, value in (WATER | other).items():
        document[name] = {"value": value}
    return HeatParameters.model_validate(document)


def water_c(p, room_c):
    """The chiller's water, in a room of 22 degC at its set-point."""
    return p["coolant_c"] + p["coolant_k_per_k"] * (room_c - 22.0)


def speed(_, x, p, beam_w, filament_w, room_c, mount_w):
    anode, head, mount = x
    back_w = beam_w * p["backscatter_fraction"]
    to_head_w = (anode - head) / p["anode_to_head_k_per_w"]
    to_mount_w = (head - mount) / p["head_to_mount_k_per_w"]
    to_water_w = p["coolant_w_per_k"] * (head - water_c(p, room_c))
    to_air_w = p["head_still_w_per_k"] * (head - room_c)
    return [
        (beam_w - back_w - to_head_w) / p["anode_capacity_j_per_k"],
        (back_w + filament_w + to_head_w - to_mount_w - to_water_w - to_air_w)
        / p["head_capacity_j_per_k"],
        (mount_w + to_mount_w - (mount - room_c) / p["mount_to_air_k_per_w"])
        / p["mount_capacity_j_per_k"],
    ]


def integrated(p, start, segments, steps, method="DOP853"):
    parts, x = [], start
    for inputs in segments:
        at_s = STEP_S * np.arange(1, steps + 1)
        parts.append(
            solve_ivp(
                speed,
                (0.0, at_s[-1]),
                x,
                method,
                at_s,
                args=(p, *inputs),
                rtol=1e-11,
                atol=1e-10,
                max_step=5.0,
            ).y
        )
        x = parts[-1][:, -1]
    return np.concatenate(parts, axis=1).T


def advanced(heat, segments, steps, fan_program=0.0):
    rows = []
    for beam_w, filament_w, room_c, mount_w in segments:
        heat.mount_heater_w = mount_w
        for _ in range(steps):
            heat.advance(beam_w, filament_w, fan_program, room_c, 1.19)
            rows.append((heat.anode_c, heat.head_c, heat.mount_c))
    return np.array(rows)


def state_of(heat):
    return [heat.anode_c, heat.head_c, heat.mount_c, heat.electronics_c]


def rest(p, beam_w=2450.0, filament_w=60.0, room_c=22.0):
    heat = Heat(p, STEP_S)
    heat.equilibrium(23.1, beam_w, filament_w, room_c, 1.19)
    return heat


def test_steps_of_beam_room_and_heater_are_solved_to_parts_in_a_million():
    p = parameters()
    heat = Heat(p, STEP_S)
    heat.soak(22.0)
    exact = integrated(numbers(p), [22.0] * 3, STEPS, 600)
    assert np.abs(advanced(heat, STEPS, 600) / exact - 1.0).max() < 1e-6


def test_heat_in_is_heat_stored_plus_heat_given_to_water_and_room():
    p = parameters()
    values, steps = numbers(p), 4000
    beam_w, filament_w, room_c, mount_w = STEPS[1]
    heat = Heat(p, STEP_S)
    heat.soak(room_c)
    rows = np.vstack([[room_c] * 3, advanced(heat, STEPS[1:2], steps)])
    passed_s = steps * STEP_S
    _, head, mount = simpson(rows, dx=STEP_S, axis=0) / passed_s
    stored_w = (
        (rows[-1] - rows[0])
        @ [values[f"{node}_capacity_j_per_k"] for node in ("anode", "head", "mount")]
        / passed_s
    )
    to_water_w = values["coolant_w_per_k"] * (head - water_c(values, room_c))
    to_air_w = values["head_still_w_per_k"] * (head - room_c)
    to_air_w += (mount - room_c) / values["mount_to_air_k_per_w"]
    given_w = beam_w + filament_w + mount_w
    assert given_w == pytest.approx(stored_w + to_water_w + to_air_w, rel=1e-6)
    assert to_water_w > 0.9 * given_w


def test_the_rest_is_where_the_heat_flows_say():
    """By hand: the head between water and room, the anode above it by its own resistance."""
    p, room_c = parameters(), 25.0
    values = numbers(p)
    heat = rest(p, room_c=room_c)
    air_w_k = values["head_still_w_per_k"] + 1.0 / (3.0 + 0.7)
    head_c = (2450.0 + 60.0 + 800.0 * water_c(values, room_c) + air_w_k * room_c) / (
        800.0 + air_w_k
    )
    assert heat.head_c == pytest.approx(head_c, abs=1e-9)
    assert heat.anode_c == pytest.approx(head_c + 2450.0 * 0.79 * 0.012, abs=1e-9)
    assert heat.mount_c == pytest.approx(room_c + (head_c - room_c) * 0.7 / 3.7, abs=1e-9)
    assert heat.fan == 0.0


@pytest.mark.parametrize("room_c", [15.0, 22.0, 35.0])
@pytest.mark.parametrize("coolant_k_per_k", [0.0, 0.1, 1.0])
def test_equilibrium_is_a_rest(room_c, coolant_k_per_k):
    heat = rest(parameters(coolant_k_per_k=coolant_k_per_k), room_c=room_c)
    before = state_of(heat)
    for _ in range(400):
        heat.advance(2450.0, 60.0, 0.0, room_c, 1.19)
    assert state_of(heat) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("coolant_k_per_k", [0.0, 0.1, 0.5, 1.0])
def test_the_head_follows_the_room_by_the_coolants_coefficient_and_by_what_the_air_adds(
    coolant_k_per_k,
):
    p = parameters(coolant_k_per_k=coolant_k_per_k)
    moved_k = rest(p, room_c=32.0).head_c - rest(p, room_c=22.0).head_c
    air_w_k = 1.5 + 1.0 / 3.7
    assert moved_k / 10.0 == pytest.approx(
        (800.0 * coolant_k_per_k + air_w_k) / (800.0 + air_w_k), rel=1e-9
    )


def test_at_22_degrees_the_coefficient_does_not_matter():
    heads = [rest(parameters(coolant_k_per_k=part)).head_c for part in (0.0, 0.3, 1.0)]
    assert heads == pytest.approx([heads[0]] * 3, abs=1e-12)


def test_a_coolant_that_follows_the_room_wholly_moves_everything_with_it():
    p = parameters(coolant_k_per_k=1.0)
    cold, warm = rest(p, room_c=18.0), rest(p, room_c=28.0)
    assert np.subtract(state_of(warm), state_of(cold)) == pytest.approx(10.0, abs=1e-9)


def test_a_colder_chiller_cools_the_head_by_as_much():
    """What commissioning turns at the chiller's knob."""
    heat = rest(parameters())
    before_c = heat.head_c
    heat.coolant_c -= 4.0
    heat.equilibrium(23.1, 2450.0, 60.0, 22.0, 1.19)
    assert heat.head_c - before_c == pytest.approx(-4.0, rel=0.003)


def test_more_water_brings_the_head_nearer_to_it():
    above_k = [
        rest(parameters(coolant_w_per_k=w_per_k)).head_c - 20.0 for w_per_k in (200.0, 400.0, 800.0)
    ]
    assert above_k == sorted(above_k, reverse=True)
    assert above_k[0] / above_k[2] == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize("program", [0.3, 1.0])
def test_a_fan_program_does_nothing_to_a_head_without_a_fan(program):
    paths = []
    for fan_program in (0.0, program):
        heat = Heat(parameters(), STEP_S)
        heat.soak(22.0)
        paths.append(advanced(heat, STEPS, 50, fan_program).tolist())
    assert paths[0] == paths[1]


def test_thin_air_does_nothing_to_it_either():
    heads = []
    for air_kg_m3 in (0.9, 1.2):
        heat = rest(parameters())
        heat.advance(2450.0, 60.0, 0.0, 22.0, air_kg_m3)
        heads.append(heat.head_c)
    assert heads[0] == heads[1]


def test_an_air_cooled_head_knows_no_water():
    heads = []
    for coolant_c in (0.0, 60.0):
        heat = Heat(DEFAULT.heat, STEP_S)
        heat.coolant_c = coolant_c
        for _ in range(100):
            heat.advance(49.0, 3.0, 0.3, 30.0, 1.19)
        heads.append(heat.head_c)
    assert heads[0] == heads[1]


EXTREMES = list(itertools.product((0.1, 5000.0), (5.0, 60.0), (0.0, 1.0), (100.0, 200000.0)))


@pytest.mark.parametrize("corner", EXTREMES)
def test_any_allowed_coolant_is_stable_and_right(corner):
    names = ("coolant_w_per_k", "coolant_c", "coolant_k_per_k", "head_capacity_j_per_k")
    p = parameters(**dict(zip(names, corner, strict=True)))
    heat = Heat(p, STEP_S)
    heat.soak(22.0)
    inputs = (2450.0, 60.0, 35.0, 0.0)
    exact = integrated(numbers(p), [22.0] * 3, [inputs], 40, "Radau")
    found = advanced(heat, [inputs], 40)
    assert found == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    ("anode_j_k", "anode_k_w"), list(itertools.product((20.0, 20000.0), (0.0005, 10.0)))
)
def test_any_allowed_anode_on_water_is_stable_and_right(anode_j_k, anode_k_w):
    p = parameters(
        anode_capacity_j_per_k=anode_j_k,
        anode_to_head_k_per_w=anode_k_w,
        coolant_w_per_k=5000.0,
        head_capacity_j_per_k=100.0,
        mount_capacity_j_per_k=50.0,
        mount_to_air_k_per_w=0.05,
        head_to_mount_k_per_w=0.1,
    )
    heat = Heat(p, STEP_S)
    heat.soak(22.0)
    inputs = (100.0, 60.0, 35.0, 10.0)
    exact = integrated(numbers(p), [22.0] * 3, [inputs], 40, "Radau")
    assert advanced(heat, [inputs], 40) == pytest.approx(exact, rel=1e-6)


def test_a_description_has_either_fan_or_coolant():
    air = DEFAULT.heat.model_dump()
    with pytest.raises(ValueError, match="does not apply"):
        HeatParameters.model_validate(air | {"coolant_c": {"value": 20.0}})
    for missing in COOLANT:
        water = parameters().model_dump() | {missing: None}
        with pytest.raises(ValueError, match="needs it"):
            HeatParameters.model_validate(water)
    with pytest.raises(ValueError, match="cooled by water"):  # the firmware is told the same
        varied(
            {
                "heat.cooling": "water",
                **{f"heat.{name}": None for name in FAN},
                "heat.coolant_w_per_k": 30.0,
                "heat.coolant_c": 20.0,
                "heat.coolant_k_per_k": 0.0,
            }
        )
