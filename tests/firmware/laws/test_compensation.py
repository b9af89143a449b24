"""The compensation law: intensity times trim is constant, within the limits of the trim."""

from math import exp, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firmware.calibration import air_mass_kg_m3
from firmware.laws.compensation import Compensation
from firmware.settings import Settings

AIR_REF_KG_M3 = 1.19
CONSTANTS = (  # settings that switch a term off when they are 0, and the readings it goes by
    (("head_per_k", "head_per_k2", "head_mount_per_k2"), ("head_c",)),
    (("mount_per_k", "mount_per_k2", "head_mount_per_k2"), ("mount_c",)),
    (("air_depth_per_cm",), ("room_c", "pressure_pa", "humidity_percent")),
    (("kv_ppm_per_k", "ma_ppm_per_k"), ("generator_c",)),
)
REST = {
    "head_c": 55.0,
    "mount_c": 33.0,
    "generator_c": 30.0,
    "room_c": 22.0,
    "pressure_pa": 101300.0,
    "humidity_percent": 45.0,
}

readings = st.fixed_dictionaries(
    {
        "head_c": st.floats(50.0, 60.0),
        "mount_c": st.floats(20.0, 50.0),
        "generator_c": st.floats(15.0, 60.0),
        "room_c": st.floats(15.0, 35.0),
        "pressure_pa": st.floats(95000.0, 105000.0),
        "humidity_percent": st.floats(0.0, 100.0),
    }
)


@st.composite
def tubes(draw: st.DrawFn) -> Settings:
    """Settings of some commissioned tube."""
    s = Settings()
    s.trim_up, s.trim_down = draw(st.floats(0.0, 0.1)), draw(st.floats(0.0, 0.3))
    s.head_per_k = draw(st.floats(-0.02, 0.02))
    s.mount_per_k = draw(st.floats(-0.004, 0.004))
    s.head_per_k2 = -draw(st.floats(0.0, 0.0025))
    s.mount_per_k2 = -draw(st.floats(0.0, 0.0001))
    s.head_mount_per_k2 = -draw(st.floats(-0.0005, 0.0005))
    s.air_depth_per_cm = draw(st.floats(0.0, 0.02))
    s.air_ref_kg_m3 = AIR_REF_KG_M3
    s.beam_path_cm = draw(st.floats(0.0, 50.0))
    s.kv_exponent = draw(st.floats(0.5, 3.0))
    s.kv_ppm_per_k = draw(st.floats(-300.0, 300.0))
    s.ma_ppm_per_k = draw(st.floats(-300.0, 300.0))
    return s


def intensity(s: Settings, at: dict[str, float]) -> float:
    """What the tube of these constants gives at a fixed current monitor: an optic that passes a
    Gaussian of where the spot is, Beer's law, a power law in the voltage, a shunt; relative to
    its references."""
    head_k, mount_k = at["head_c"] - 55.0, at["mount_c"] - 33.0
    optic = exp(s.head_per_k * head_k) * exp(s.head_per_k2 * head_k**2)
    optic *= exp(s.mount_per_k * mount_k) * exp(s.mount_per_k2 * mount_k**2)
    optic *= exp(s.head_mount_per_k2 * head_k * mount_k)
    air = air_mass_kg_m3(at["room_c"], at["pressure_pa"], at["humidity_percent"], 1.046)
    path = exp(-s.air_depth_per_cm * s.beam_path_cm * (air / AIR_REF_KG_M3 - 1.0))
    warm_k = at["generator_c"] - 30.0
    voltage = (1.0 + 1e-6 * s.kv_ppm_per_k * warm_k) ** s.kv_exponent
    shunt = 1.0 + 1e-6 * s.ma_ppm_per_k * warm_k
    return optic * path * voltage * shunt


def trim_at(s: Settings, at: dict[str, float]) -> float:
    """The trim after one look at these readings; the first is taken as it is."""
    law = Compensation(s)
    law.sense(1.0, **at)
    law.step()
    return law.trim


@given(s=tubes(), at=readings)
def test_intensity_times_trim_is_constant_while_the_trim_is_inside_its_limits(
    s: Settings, at: dict[str, float]
):
    trim = trim_at(s, at)
    assume(1.0 - s.trim_down < trim < 1.0 + s.trim_up)
    # 300 ppm/K over 30 K is not quite its own logarithm: 1e-4
    assert intensity(s, at) * trim == pytest.approx(1.0, abs=3e-4)


@given(s=tubes(), at=readings)
def test_the_trim_keeps_its_limits_and_goes_as_far_as_they_let_it(
    s: Settings, at: dict[str, float]
):
    trim = trim_at(s, at)
    assert 1.0 - s.trim_down <= trim <= 1.0 + s.trim_up
    wanted = -log(intensity(s, at))
    if wanted > log(1.0 + s.trim_up) + 3e-4:
        assert trim == 1.0 + s.trim_up
    if wanted < log(1.0 - s.trim_down) - 3e-4:
        assert trim == 1.0 - s.trim_down


@pytest.mark.parametrize(("constants", "names"), CONSTANTS, ids=lambda value: value[0])
@given(s=tubes(), at=readings)
def test_a_constant_of_0_switches_its_term_off(
    constants: tuple[str, ...], names: tuple[str, ...], s: Settings, at: dict[str, float]
):
    s.trim_up = s.trim_down = 0.3
    for name in constants:
        setattr(s, name, 0.0)
    assert trim_at(s, at) == trim_at(s, {**at, **{name: REST[name] for name in names}})


@given(at=readings)
def test_a_tube_without_calibration_is_not_trimmed(at: dict[str, float]):
    assert trim_at(Settings(), at) == 1.0


@given(s=tubes())
def test_at_its_references_a_tube_is_not_trimmed(s: Settings):
    s.air_ref_kg_m3 = air_mass_kg_m3(22.0, 101300.0, 45.0, s.air_vapour_ratio)
    assert trim_at(s, REST) == 1.0


def test_after_the_first_look_readings_are_taken_in_within_seconds():
    s = Settings()
    s.ma_ppm_per_k, s.trim_up, s.trim_down = 1000.0, 0.3, 0.3
    law = Compensation(s)
    law.sense(1.0, **REST)
    warmer = {**REST, "generator_c": 40.0}
    seconds = 0
    while law.generator_c < 40.0 - 10.0 * exp(-1.0):
        law.sense(1.0, **warmer)
        seconds += 1
    assert 3 <= seconds <= 10


def test_the_noise_of_a_sensor_hardly_moves_the_trim():
    s = Settings()
    s.ma_ppm_per_k, s.trim_up, s.trim_down = 1000.0, 0.3, 0.3
    law = Compensation(s)
    trims = []
    for second in range(200):
        law.sense(1.0, **{**REST, "generator_c": 31.0 if second % 2 else 29.0})
        law.step()
        trims.append(law.trim)
    assert max(trims[100:]) - min(trims[100:]) < 0.1 * 2.0 * 1000e-6
