"""Commissioning's bench: what it may look at, what it shows, and which tubes it refuses."""

import ast
import inspect
from typing import Any

import numpy as np
import pytest

import twin.commission.commission
from tests.kit.variants import DEFAULT, varied
from twin.commission.commission import COLUMNS, Laboratory, commission
from twin.files.errors import InputError

# What it may look at -----------------------------------------------------------------------------

# An engineer's hands and instruments, as the names that twin/commission/commission.py may use of
# the plant.
PLANT_READ = {"now_ms", "kv", "ma", "path_gas", "take_intensity"}
PLANT_SET = {
    "path_gas",
    "heat.mount_heater_w",
    "heat.electronics_heater_w",
    "heat.coolant_c",
}
WORLD_READ = {
    "every",
    "run",
    "outputs.fan_program_raw",
    "inputs.kv_monitor_raw",
    "inputs.ma_monitor_raw",
    "inputs.head_temperature_raw",
    "inputs.mount_temperature_raw",
    "inputs.generator_temperature_raw",
    "inputs.room_temperature_raw",
    "inputs.room_pressure_raw",
    "inputs.room_humidity_raw",
    "inputs.filament_monitor_raw",
}
TUBE_READ = {"target.element", "target.line", "firmware_settings"}
FORBIDDEN = {
    "getattr",
    "vars",
    "eval",
    "exec",
    "globals",
    "locals",
    "__dict__",
    "__getattribute__",
    "attrgetter",
    "dir",
    "model_dump",
    "state",
}


@pytest.fixture(scope="module")
def module():
    tree = ast.parse(inspect.getsource(twin.commission.commission))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    return tree


def uses(tree, name):
    """Each use of the variable or attribute `name`: (what of it, or None; read or set)."""
    found_uses = []
    node: Any
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
            assert ast.unparse(parent).startswith("World(")
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
            assert ast.unparse(parent).startswith(("Laboratory(", "Plant("))
        else:
            assert what in TUBE_READ, what


def test_commissioning_has_no_back_door_to_parameters(module):
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not names & FORBIDDEN
    imported = {
        (node.module, name.name)
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "twin").startswith("twin")
        for name in node.names
    }
    assert imported == {
        ("twin.plant.ambient", "Ambient"),
        ("twin.files.errors", "InputError"),
        ("twin.plant.plant", "Plant"),
        ("twin.physics.line_yield", "helium_part"),
        ("twin.tube.tube", "Tube"),
        ("twin.world.firmware", "LocalFirmware"),
        ("twin.world.world", "World"),
    }


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


def test_the_stated_length_is_the_sum_of_the_steps():
    source = inspect.getsource(commission) + inspect.getsource(twin.commission.commission._gun)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    minutes = 0.0
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("wait", "seconds"):
            amount = ast.literal_eval(call.args[0])
            in_loop = amount == 24  # four set-points
            minutes += amount * (4 if in_loop else 1) / (1 if call.func.attr == "wait" else 60)
    assert minutes <= twin.commission.commission.TOTAL_MINUTES < minutes + 2.0


# Tubes that cannot be commissioned ---------------------------------------------------------------


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
        16.0
        + 1.5 * np.log(rows[:, at["kv_reference"]] / 50.2)
        - (2 * 0.12 + z) * z
        - 0.115 * (1.0 - rows[:, at["helium"]])
    )
    rows[:, at["counts"]] = rng.poisson(0.98 * np.exp(log_rate))
    return rows, {"mount_c": 33.0, "kv_reference": 50.2, "air_kg_m3": 1.19}, at


def fit(rows, reference):
    return twin.commission.commission._spot_and_air(rows, reference, 55.0, 10.0)


def test_the_fit_finds_the_constants_that_made_the_readings():
    rows, reference, _ = readings()
    expected = {
        "kv_exponent": (1.5, 0.01),
        "head_per_k": (-0.0072, 1e-4),
        "head_per_k2": (-9e-4, 2e-5),
        "mount_per_k": (0.0012, 1e-4),
        "mount_per_k2": (-2.5e-5, 1e-5),
        "air_depth_per_cm": (0.0115, 3e-5),
    }
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
