"""Commissioning: finds what only these tests know, and never looks where an engineer could not.

Each commissioning is some six hours of simulated time and as many seconds of a processor, so that
four tubes are all there are: the default one (its constants are shipped, and test_calibrations.py
repeats the procedure) and three that differ from it in everything that is looked for.
"""

import ast
import inspect
import sys
from functools import cache
from math import exp, log, sqrt

import numpy as np
import pytest

import twin.commission
from firmware.compensation import Compensation
from tests.twin.variants import DEFAULT, varied
from twin.air import densities_kg_m3, optical_depth
from twin.calibrations import calibration_of
from twin.commission import COLUMNS, Laboratory, commission, rooms_in_hand_c
from twin.errors import InputError
from twin.optics import FOUR_LN_2, Beam
from twin.run import Job, simulate
from twin.scenario import Scenario
from twin.tube import DEFAULT_TUBE, Parameter

TUBES = {
    "default": {},
    # on the optic's peak, little expansion, opposite coefficients, laminar fins, heavy
    "calm": {
        "optics.head_expansion_um_per_k": 0.5, "optics.mount_expansion_um_per_k": 0.05,
        "optics.focus_offset_um": 0.0,
        "generator.kv_ppm_per_k": -50.0, "generator.ma_ppm_per_k": 50.0,
        "heat.fan_exponent": 0.5, "heat.head_capacity_j_per_k": 1000.0,
        "heat.anode_capacity_j_per_k": 80.0, "heat.mount_capacity_j_per_k": 1500.0,
        "heat.head_still_w_per_k": 0.3,
    },
    # far on the other side, a narrow optic, a starved gun
    "restless": {
        "optics.head_expansion_um_per_k": 1.5, "optics.mount_expansion_um_per_k": 0.3,
        "optics.focus_offset_um": 5.0, "optics.acceptance_mrad": 0.4,
        "optics.focal_distance_mm": 40.0, "optics.source_fwhm_um": 30.0,
        "generator.kv_ppm_per_k": 50.0, "generator.ma_ppm_per_k": -50.0,
        "cathode.perveance_ma_per_kv1_5": 0.009, "cathode.emitting_area_mm2": 0.8,
        "heat.head_capacity_j_per_k": 500.0, "heat.head_fan_w_per_k": 2.0,
    },
    # head and mount push in opposite directions, a wide optic, a generous cathode
    "contrary": {
        "optics.head_expansion_um_per_k": -1.0, "optics.mount_expansion_um_per_k": 0.2,
        "optics.focus_offset_um": -5.0, "optics.acceptance_mrad": 0.6,
        "optics.focal_distance_mm": 100.0, "optics.source_fwhm_um": 50.0,
        "generator.kv_ppm_per_k": -50.0, "generator.ma_ppm_per_k": -50.0,
        "cathode.perveance_ma_per_kv1_5": 0.013, "cathode.emitting_area_mm2": 2.0,
        "sensors.head_offset_k": -0.26, "sensors.mount_offset_k": 0.22,
        "sensors.room_offset_k": -0.5, "heat.head_fan_w_per_k": 2.6,
    },
}  # fmt: skip


PROGRESS: dict[str, list[float]] = {name: [] for name in TUBES}


@cache
def tube(name):
    return varied(TUBES[name])


@cache
def found(name):
    """The constants that commissioning finds. Should it read a parameter, it fails."""
    if name == "default":
        return calibration_of(DEFAULT_TUBE, DEFAULT)
    with parameters_out_of_sight():
        return commission(tube(name), PROGRESS[name].append)


class parameters_out_of_sight:  # noqa: N801
    """A Parameter that is touched by code of twin/commission.py raises."""

    def __enter__(self):
        def guarded(self, name):
            caller = sys._getframe(1).f_globals.get("__name__")
            if caller == "twin.commission":
                raise AssertionError(f"commissioning has read Parameter.{name}")
            return object.__getattribute__(self, name)

        Parameter.__getattribute__ = guarded  # type: ignore[method-assign]

    def __exit__(self, *_):
        del Parameter.__getattribute__


def true_constants(name):
    """What the optic's constants are in the firmware's terms, from the tube's own numbers."""
    optics = tube(name).optics
    width_um = optics.acceptance_mrad.value * optics.focal_distance_mm.value
    per_um = sqrt(FOUR_LN_2 / (optics.source_fwhm_um.value**2 + width_um**2))
    sensors = tube(name).sensors
    # where the spot is when head and mount read what they read at the reference
    head_k = tube(name).firmware_settings().head_set_c - sensors.head_offset_k.value
    mount_k = found(name)["mount_ref_c"] - sensors.mount_offset_k.value
    beam = Beam(optics)
    z0 = per_um * beam.displacement_um(head_k, mount_k)
    alpha = per_um * optics.head_expansion_um_per_k.value
    beta = per_um * optics.mount_expansion_um_per_k.value
    return alpha, beta, z0


EVERY_TUBE = pytest.mark.parametrize("name", TUBES)


# What it finds -----------------------------------------------------------------------------------


@EVERY_TUBE
def test_the_expansions_and_the_focus_offset_are_found(name):
    """To 2 % of the head's expansion, 3 % of the mount's or 0.01 um/K, and 0.3 um of the offset;
    the sign of all three together is free, since the optic is symmetric."""
    alpha, beta, z0 = true_constants(name)
    at = found(name)
    sign = 1.0 if at["head_alpha_per_k"] * alpha > 0.0 else -1.0
    per_um = abs(alpha / tube(name).optics.head_expansion_um_per_k.value)
    assert sign * at["head_alpha_per_k"] == pytest.approx(alpha, rel=0.02)
    assert sign * at["mount_beta_per_k"] == pytest.approx(beta, rel=0.03, abs=0.01 * per_um)
    assert sign * at["focus_z0"] == pytest.approx(z0, abs=0.3 * per_um)
    assert at["focus_z0"] >= 0.0


@EVERY_TUBE
def test_the_temperature_coefficients_are_found_with_their_sign(name):
    """To 8 ppm/K: noise and drift of an hour are in it. 8 ppm/K make 0.004 % rms of the ramp."""
    generator = tube(name).generator
    assert found(name)["kv_ppm_per_k"] == pytest.approx(generator.kv_ppm_per_k.value, abs=8.0)
    assert found(name)["ma_ppm_per_k"] == pytest.approx(generator.ma_ppm_per_k.value, abs=8.0)


@EVERY_TUBE
def test_the_exponent_of_the_voltage_is_found(name):
    beam = Beam(tube(name).optics)
    true = log(beam.line_yield(50.2) / beam.line_yield(48.2)) / log(50.2 / 48.2)
    assert found(name)["kv_exponent"] == pytest.approx(true, abs=0.02)


@EVERY_TUBE
def test_the_absorption_of_the_path_is_found(name):
    """To 0.5 %: of 30 cm of air that warm by 10 K, 0.006 % of the intensity."""
    optics = tube(name).optics
    depth = optical_depth(
        *densities_kg_m3(22.0, 1013.25, 45.0), 1.0,
        optics.air_dry_cm2_per_g.value, optics.air_vapour_cm2_per_g.value,
    )  # fmt: skip
    assert found(name)["air_depth_per_cm"] == pytest.approx(depth, rel=0.005)


@EVERY_TUBE
def test_the_fans_law_is_found(name):
    """Though the mount takes its part of the heat, and for an hour too little or too much."""
    p = {key: parameter.value for key, parameter in tube(name).heat}
    at = found(name)
    mount_w_k = 1.0 / (p["head_to_mount_k_per_w"] + p["mount_to_air_k_per_w"])
    for fan in (0.1, 0.2, 0.4, 0.6, 1.0):
        true = p["head_still_w_per_k"] + mount_w_k + p["head_fan_w_per_k"] * fan**p["fan_exponent"]
        law = at["fan_g0_w_per_k"] + at["fan_g1_w_per_k"] * fan ** at["fan_exponent"]
        assert law == pytest.approx(true, rel=0.04)
    assert at["fan_exponent"] == pytest.approx(p["fan_exponent"], abs=0.05)


def triode_slope(name):
    """dI/d(grid) in mA/V at -250 V and the operating current, from the tube's own numbers."""
    p = {key: parameter.value for key, parameter in tube(name).cathode}
    drive_kv = 50.2 - 0.25 * p["amplification"]
    space = p["perveance_ma_per_kv1_5"] * drive_kv**1.5
    ma = tube(name).firmware_settings().ma
    saturation = ma / sqrt(1.0 - (ma / space) ** 2)
    slope = 1.5e-3 * p["amplification"] * space / drive_kv
    return slope * (saturation / sqrt(space**2 + saturation**2)) ** 3


@EVERY_TUBE
def test_the_guns_slope_is_found_well_enough_to_steer_by(name):
    """To 15 %: the filament's loop has begun to answer when it is looked at."""
    assert found(name)["grid_ma_per_v"] == pytest.approx(triode_slope(name), rel=0.15)


@EVERY_TUBE
def test_the_references_are_what_the_sensors_show_in_the_reference_room(name):
    heat, sensors = tube(name).heat, tube(name).sensors
    electronics_c = 22.0 + 9.0 * heat.electronics_to_air_k_per_w.value
    at = found(name)
    assert at["generator_ref_c"] == pytest.approx(
        electronics_c + sensors.electronics_offset_k.value, abs=0.02
    )
    mount_c = 22.0 + (55.0 - 22.0) / 3.0 + sensors.mount_offset_k.value
    assert at["mount_ref_c"] == pytest.approx(mount_c, abs=0.5)
    assert at["filament_preheat_a"] == pytest.approx(2.0, abs=0.3)


@EVERY_TUBE
def test_what_is_found_can_be_loaded_and_can_be(name):
    settings = tube(name).firmware_settings()
    settings.load(found(name))
    assert settings.problem() is None


# What it is good for -----------------------------------------------------------------------------


# Head (K off the set-point), room (degC), pressure (hPa), humidity (%); the rest follows the room.
ROOMS = [
    (0.0, 15.0, 1013.25, 45.0), (0.0, 34.5, 1013.25, 45.0), (0.0, 22.0, 990.0, 45.0),
    (0.0, 28.0, 1030.0, 80.0), (0.3, 18.0, 1000.0, 20.0), (-0.5, 30.0, 1020.0, 60.0),
    (1.0, 22.0, 1013.25, 45.0),
]  # fmt: skip


@EVERY_TUBE
@pytest.mark.parametrize("place", ROOMS)
def test_the_predicted_change_of_intensity_is_the_true_one(name, place):
    """To 0.03 % of the intensity, at rest, anywhere in 15 to 34.5 degC, where it truly changes by
    up to 5 %. What is predicted comes from the sensors, with their offsets; what is true does not."""
    off_k, room_c, pressure_hpa, humidity = place
    t = tube(name)
    p, o = t.sensors, t.optics
    beam = Beam(o)

    def truth(head_c, room_c, pressure_hpa, humidity):
        mount_c = room_c + (head_c - room_c) / 3.0
        warm_k = room_c + 7.2 - 25.0
        kv = 50.0 * 1.004 * (1.0 + 1e-6 * t.generator.kv_ppm_per_k.value * warm_k)
        depth = optical_depth(
            *densities_kg_m3(room_c, pressure_hpa, humidity), 10.0,
            o.air_dry_cm2_per_g.value, o.air_vapour_cm2_per_g.value,
        )  # fmt: skip
        return log(
            beam.acceptance(beam.displacement_um(head_c, mount_c)) * beam.line_yield(kv)
            * exp(-depth) * (1.0 + 1e-6 * t.generator.ma_ppm_per_k.value * warm_k)
        )  # fmt: skip

    def predicted(head_c, room_c, pressure_hpa, humidity):
        settings = t.firmware_settings()
        settings.load(found(name))
        law = Compensation(settings)
        law.sense(
            1.0, head_c + p.head_offset_k.value,
            room_c + (head_c - room_c) / 3.0 + p.mount_offset_k.value,
            room_c + 7.2 + p.electronics_offset_k.value, room_c + p.room_offset_k.value,
            100.0 * (pressure_hpa + p.pressure_offset_hpa.value),
            humidity + p.humidity_offset_percent.value,
        )  # fmt: skip
        law.step()
        return law.log_intensity

    rest = (55.0 - p.head_offset_k.value, 22.0, 1013.25, 45.0)
    there = (rest[0] + off_k, room_c, pressure_hpa, humidity)
    change = truth(*there) - truth(*rest)
    assert predicted(*there) - predicted(*rest) == pytest.approx(change, abs=3e-4)


def ramp(name, without=()):
    """True rms (%) in a room that warms by 10 K in an hour, while the pressure falls."""
    scenario = Scenario.model_validate({
        "name": "steep", "title": "steep", "start": "warm", "duration_h": 0.5, "ambient_csv": None,
        "ambient": {"time_h": (0.0, 0.5), "temperature_c": (22.0, 27.0),
                    "pressure_hpa": (1013.0, 1008.0)},
    })  # fmt: skip
    outcome = simulate(Job(scenario, name, tube(name), found(name), 3, without))
    assert outcome.trips == []
    return outcome.frames.true.rms_percent


@pytest.mark.parametrize("name", ["calm", "restless"])
def test_in_a_closed_loop_the_constants_help(name):
    with_it, without = ramp(name), ramp(name, ("compensation",))
    assert with_it < 0.04
    assert without > 5.0 * with_it


def test_the_rooms_in_hand_follow_from_the_fans_law():
    settings = tube("default").firmware_settings()
    settings.load(found("default"))
    coldest_c, warmest_c = rooms_in_hand_c(settings)
    # the true fan at its least and at its most: 0.5 + 1/3 + 2.3 v**0.8 W/K, 51.9 W
    true = [55.0 - 51.9 / (0.833 + 2.3 * fan**0.8) for fan in (0.08, 1.0)]
    assert [coldest_c, warmest_c] == pytest.approx(true, abs=1.0)
    assert coldest_c < 15.0
    assert warmest_c > 35.0


# What it may look at -----------------------------------------------------------------------------

# An engineer's hands and instruments, as the names that twin/commission.py may use of the plant.
PLANT_READ = {"now_ms", "kv", "ma", "path_cm", "take_intensity"}
PLANT_SET = {"path_cm", "heat.mount_heater_w", "heat.electronics_heater_w"}
WORLD_READ = {
    "every", "run", "outputs.fan_program_raw", "inputs.kv_monitor_raw", "inputs.ma_monitor_raw",
    "inputs.head_temperature_raw", "inputs.mount_temperature_raw",
    "inputs.generator_temperature_raw", "inputs.room_temperature_raw", "inputs.room_pressure_raw",
    "inputs.room_humidity_raw", "inputs.filament_monitor_raw",
}  # fmt: skip
TUBE_READ = {"firmware_settings"}
FORBIDDEN = {"getattr", "vars", "eval", "exec", "globals", "locals", "__dict__", "__getattribute__",
             "attrgetter", "dir", "model_dump", "state"}  # fmt: skip


@pytest.fixture(scope="module")
def module():
    tree = ast.parse(inspect.getsource(twin.commission))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    return tree


def uses(tree, name):
    """Each use of the variable or attribute `name`: (what of it, or None; read or set)."""
    found_uses = []
    for node in ast.walk(tree):
        is_it = (isinstance(node, ast.Name) and node.id == name) or (
            isinstance(node, ast.Attribute) and node.attr == name
        )
        if not is_it or isinstance(node.ctx, ast.Store):
            continue
        chain = []
        while isinstance(node.parent, ast.Attribute):
            node = node.parent
            chain.append(node.attr)
        context = "set" if isinstance(node.ctx, ast.Store) else "read"
        found_uses.append((".".join(chain) or None, context, node.parent))
    return found_uses


def test_commissioning_reads_of_the_plant_only_what_instruments_show(module):
    for what, how, parent in uses(module, "_plant"):
        if what is None:  # handed over whole: to the world and to nobody else
            assert isinstance(parent, ast.Call)
            assert parent.func.id == "World"
        else:
            assert what in (PLANT_SET if how == "set" else PLANT_READ), what


def test_commissioning_reads_of_the_world_only_what_crosses_the_seam(module):
    aliases = [what for what, *_ in uses(module, "_world") if what in ("inputs", "outputs")]
    assert aliases == ["inputs"]  # `inputs = self._world.inputs`, whose fields come next
    for what, how, _ in uses(module, "_world"):
        assert how == "read"
        assert what in WORLD_READ | {"inputs"}, what
    for what, how, _ in uses(module, "inputs"):
        assert how == "read"
        assert what is None or f"inputs.{what}" in WORLD_READ, what


def test_commissioning_knows_of_the_tube_only_the_makers_settings(module):
    for what, _, parent in uses(module, "tube"):
        if what is None:  # handed over whole: to the bench, or to the plant that stands there
            assert isinstance(parent, ast.Call)
            assert parent.func.id in ("Laboratory", "Plant")
        else:
            assert what in TUBE_READ, what


def test_commissioning_has_no_back_door_to_parameters(module):
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not names & FORBIDDEN
    imported = {
        (node.module, name.name)
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("twin")
        for name in node.names
    }
    assert imported == {
        ("twin.ambient", "Ambient"), ("twin.errors", "InputError"), ("twin.plant", "Plant"),
        ("twin.tube", "Tube"), ("twin.world", "World"),
    }  # fmt: skip


def test_the_guard_of_the_parameters_does_bite(monkeypatch):
    monkeypatch.setattr(
        Laboratory, "helium",
        eval("lambda self, _: self.tube.heat.fan_exponent.value", vars(twin.commission)),
    )  # fmt: skip
    lab = Laboratory(DEFAULT)
    with parameters_out_of_sight(), pytest.raises(AssertionError, match="has read Parameter"):
        lab.helium(True)
    assert lab.helium(True) == 0.8


# The bench ---------------------------------------------------------------------------------------


def column(rows, name):
    return np.array(rows)[:, COLUMNS.index(name)]


def test_the_bench_shows_what_instruments_would_show():
    lab = Laboratory(DEFAULT, room_c=24.0)
    lab.seconds(1)
    lab.command.run = True
    lab.seconds(29)
    rows = lab.wait(2)
    assert len(rows) == 2
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert column(rows, "time_s") == pytest.approx([60.5, 120.5])
    assert column(rows, "kv_reference") == pytest.approx(50.0 * 1.004, rel=1e-3)
    assert column(rows, "kv_monitor") == pytest.approx(50.0, rel=1e-3)
    assert column(rows, "ma_monitor") == pytest.approx(0.98, rel=1e-3)
    assert column(rows, "ma_reference") == pytest.approx(0.98 / 0.997, rel=1e-3)
    assert column(rows, "room_c") == pytest.approx(24.4, abs=0.05)
    assert (column(rows, "helium") == 0.0).all()
    lab.helium(True)
    assert column(lab.wait(1), "helium") == [1.0]


def test_the_progress_comes_to_its_end_and_not_beyond():
    found("calm")
    told = PROGRESS["calm"]
    assert len(told) > 300
    assert told == sorted(told)
    assert 0.0 < told[0] < 0.01
    assert 0.99 < told[-1] <= 1.0


def test_the_stated_length_is_the_sum_of_the_steps():
    source = inspect.getsource(commission) + inspect.getsource(twin.commission._gun)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    minutes = 0.0
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("wait", "seconds"):
            amount = ast.literal_eval(call.args[0])
            in_loop = amount == 24  # four set-points
            minutes += amount * (4 if in_loop else 1) / (1 if call.func.attr == "wait" else 60)
    assert minutes <= twin.commission.TOTAL_MINUTES < minutes + 2.0


# Tubes that cannot be commissioned -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "settings", "words"),
    [
        ({"cathode.perveance_ma_per_kv1_5": 0.001}, {}, "perveance is too small"),
        ({"cathode.wire_diameter_mm": 0.05}, {"filament_preheat_a": 2.6}, "cathode"),
        ({"cathode.amplification": 5.0}, {}, r"tripped \(over-current\) after 1 min"),
        ({"heat.fan_max_rpm": 1000.0}, {}, r"tripped \(fan\)"),
    ],
)
def test_a_tube_that_cannot_be_run_is_refused_in_one_line(values, settings, words):
    with pytest.raises(InputError, match=words) as caught:
        commission(varied(values, settings))
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


def readings(minutes=300):
    """Readings of a made-up bench at rest, with all that is needed to learn the constants."""
    rng = np.random.default_rng(5)
    rows = np.zeros((minutes, len(COLUMNS)))
    at = {name: index for index, name in enumerate(COLUMNS)}
    rows[:, at["head_c"]] = 55.0 + np.repeat((0.0, -10.0, 5.0, -5.0, 0.0, 0.0), minutes // 6)
    rows[:, at["mount_c"]] = 33.0
    rows[-100:, at["mount_c"]] = np.linspace(33.0, 45.0, 100)
    rows[:, at["kv_reference"]] = 50.2
    rows[10:25, at["kv_reference"]] = 48.2
    rows[25:40, at["helium"]] = 1.0
    for name, value in (("ma_reference", 0.98), ("ma_monitor", 0.98), ("air_kg_m3", 1.19)):
        rows[:, at[name]] = value
    head_k, mount_k = rows[:, at["head_c"]] - 55.0, rows[:, at["mount_c"]] - 33.0
    z = 0.03 * head_k - 0.005 * mount_k
    log_rate = (
        16.0 + 1.5 * np.log(rows[:, at["kv_reference"]] / 50.2) - (2 * 0.12 + z) * z
        - 0.115 * (1.0 - rows[:, at["helium"]])
    )  # fmt: skip
    rows[:, at["counts"]] = rng.poisson(0.98 * np.exp(log_rate))
    return rows, {"mount_c": 33.0, "kv_reference": 50.2, "air_kg_m3": 1.19}, at


def fit(rows, reference):
    return twin.commission._spot_and_air(rows, reference, 55.0, 10.0)


def test_the_fit_finds_the_constants_that_made_the_readings():
    rows, reference, _ = readings()
    expected = {"kv_exponent": (1.5, 0.01), "head_alpha_per_k": (0.03, 1e-4),
                "mount_beta_per_k": (-0.005, 3e-4), "focus_z0": (0.12, 1e-3),
                "air_depth_per_cm": (0.0115, 3e-5)}  # fmt: skip
    constants = fit(rows, reference)
    for name, (true, within) in expected.items():
        assert constants[name] == pytest.approx(true, abs=within)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows, at: rows.__setitem__((slice(None), at["counts"]), 0.0), "with beam at rest;"),
        (
            lambda rows, at: rows.__setitem__((slice(20, 45), at["counts"]), 3.0),
            "at rest with helium in the beam path",
        ),
        (
            lambda rows, at: rows.__setitem__((slice(None), at["kv_reference"]), 50.2),
            "at the lower voltage",
        ),
        (
            lambda rows, at: rows.__setitem__((slice(None), at["head_c"]), 55.0),
            "at other head temperatures",
        ),
        (
            lambda rows, at: rows.__setitem__((slice(None), at["head_c"]), np.arange(300.0)),
            "with beam at rest;",
        ),
    ],
)
def test_readings_that_teach_nothing_are_refused(spoil, words):
    rows, reference, at = readings()
    spoil(rows, at)
    with pytest.raises(InputError, match=words) as caught:
        fit(rows, reference)
    assert "\n" not in str(caught.value)


def test_minutes_without_beam_are_left_out():
    rows, reference, at = readings()
    clean = fit(rows, reference)
    rows[150:160, at["counts"]] = 0.0
    spoilt = fit(rows, reference)
    for name, value in clean.items():
        assert spoilt[name] == pytest.approx(value, rel=0.01)
