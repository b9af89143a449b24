"""The laws hold in the single precision of a microcontroller.

A 32-bit MicroPython with single floats and a microcontroller's heap runs the same source. Where
its outputs act on the plant, the loops take up what its rounding does; so it is compared with
double precision by what becomes of the plant, and by its outputs with bounds that are some times
what was measured (docs/board/micropython.md).
"""

import pytest

from firmware.calibration import pt100_temperature_c
from firmware.controller import BEAM, Controller
from hil.link.shadow import NAMES
from tests.kit.on_micropython import printed_here, printed_on_micropython
from tests.kit.ramp import MINUTE_MS, beside, ramp_world

EXACT = ("hv_enable", "lamp_on", "kv_program_raw", "state", "trip")
PRE_ROLL_MS = 60_000
END_MS = 2 * MINUTE_MS


class Course:
    """What became of a run: outputs of each tick, truth once a second, monitor and its target."""

    def __init__(self, world):
        self.outputs: list[tuple[int, ...]] = []
        self.head_c: list[float] = []
        self.intensity: list[float] = []
        self.monitor: list[int] = []
        self.target: list[float] = []
        self.world = world
        self.controller: Controller = world.controller
        world.every(10, self._tick)
        world.every(1000, self._second)

    def _tick(self, now_ms: int) -> None:
        self.outputs.append(self.world.outputs.values())
        self.monitor.append(self.world.inputs.ma_monitor_raw)
        self.target.append(self.controller.emission.target_raw)

    def _second(self, now_ms: int) -> None:
        self.head_c.append(self.world.plant.heat.head_c)
        self.intensity.append(self.world.plant.take_intensity())


def mean(values: list) -> float:
    return sum(values) / len(values)


@pytest.fixture(scope="module")
def in_double() -> Course:
    """The run driven by the firmware here."""
    world = ramp_world(PRE_ROLL_MS)
    course = Course(world)
    world.run(END_MS)
    return course


@pytest.fixture(scope="module")
def in_single() -> Course:
    """The same run driven by the firmware in single precision."""
    world = ramp_world(PRE_ROLL_MS)
    course = Course(world)
    with beside(world, "micropython-f32", peer_drives=True) as shadow:
        world.run(END_MS)
        assert shadow.condition == BEAM
        assert shadow.ticks == (PRE_ROLL_MS + END_MS) // 10
    return course


def test_the_emission_current_is_held_on_its_target(in_single):
    minute = slice(-6000, None)
    off = mean(in_single.monitor[minute]) / mean(in_single.target[minute]) - 1.0
    assert abs(off) < 10e-6


def test_the_head_goes_the_way_that_it_goes_under_double_precision(in_single, in_double):
    apart_k = [abs(a - b) for a, b in zip(in_single.head_c, in_double.head_c, strict=True)]
    assert max(apart_k) < 0.01


def test_the_intensity_is_that_under_double_precision(in_single, in_double):
    off = mean(in_single.intensity[-60:]) / mean(in_double.intensity[-60:]) - 1.0
    assert abs(off) < 10e-6


def test_its_outputs_stay_by_those_of_double_precision(in_single, in_double):
    worst = [
        max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in zip(
            zip(*in_double.outputs, strict=True), zip(*in_single.outputs, strict=True), strict=True
        )
    ]
    by_name = dict(zip(NAMES, worst, strict=True))
    assert [by_name[name] for name in EXACT] == [0] * len(EXACT)
    assert 0 < by_name["grid_program_raw"] <= 20
    assert by_name["filament_program_raw"] <= 3
    assert by_name["fan_program_raw"] <= 2000  # one count of the head's sensor is worth some 800


def test_on_the_same_inputs_it_parts_from_double_precision_only_slowly():
    """Integrators that steer nothing run apart; that they do so slowly shows the laws' rounding."""
    world = ramp_world(PRE_ROLL_MS)
    with beside(world, "micropython-f32") as shadow:
        world.run(END_MS)
    worst = shadow.worst
    assert [worst[name] for name in EXACT] == [0] * len(EXACT)
    assert 0 < worst["grid_program_raw"] <= 12
    assert worst["filament_program_raw"] <= 20
    assert worst["fan_program_raw"] <= 20


LAWS = """
from firmware.calibration import air_mass_kg_m3, pt100_temperature_c
from firmware.laws.compensation import Compensation
from firmware.settings import Settings
for raw in range(8200, 12400, 10):
    print(pt100_temperature_c(raw))
for room_c in range(15, 36):
    for pressure_pa in (95000.0, 101325.0, 103000.0):
        print(air_mass_kg_m3(float(room_c), pressure_pa, 45.0, 1.046))
settings = Settings()
settings.load({
    "head_per_k": 0.005859375, "head_per_k2": -0.0009765625, "mount_per_k": 0.00087890625,
    "mount_per_k2": -2.288818359375e-05, "head_mount_per_k2": -0.00030517578125,
    "air_depth_per_cm": 0.01171875, "kv_ppm_per_k": 50.0, "kv_exponent": 1.5, "ma_ppm_per_k": 50.0,
})
law = Compensation(settings)
for n in range(300):
    law.sense(
        1.0, pt100_temperature_c(9950 + n * 7 % 5), pt100_temperature_c(9200 + n),
        0.01 * (2860 + n), 0.01 * (1800 + 5 * n), 101325.0 + n % 3, 45.0,
    )
    law.step()
    print(law.trim)
"""


def test_each_law_by_itself_rounds_to_less_than_its_sensor_resolves():
    here = [float(line) for line in printed_here(LAWS)]
    there = [float(line) for line in printed_on_micropython("single", LAWS)]
    apart = [abs(a - b) for a, b in zip(here, there, strict=True)]
    assert pt100_temperature_c(9901) - pt100_temperature_c(9900) > 0.03
    assert max(apart[:420]) < 0.5e-3  # K
    assert max(apart[420:483]) < 1e-6  # kg/m3
    assert max(apart[483:]) < 5e-6  # of the current
