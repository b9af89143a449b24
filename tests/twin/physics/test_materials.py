"""Target materials against xraylib, other compilations and laws of physics."""

from math import log, log10

import numpy as np
import pytest
import xraylib
from scipy.optimize import brentq

from twin.physics.materials import TARGETS
from twin.plant.cathode import RESISTIVITY_UOHM_CM, heat_capacity_j_mol_k

SOLID = ("Cu", "Mo", "W", "Ag")
LORENZ = 2.443e-8  # W ohm/K2
# Beaton and Hewitt, Physical Property Data for the Design Engineer (1989), W/mK at 300 and 400 K.
BEATON_HEWITT = {"Ag": (429, 425), "Cu": (401, 393), "Mo": (138, 134)}
# CRC Handbook, micro-ohm cm at 300 K.
RESISTIVITY_300_K = {"Cu": 1.725, "Ag": 1.629, "Mo": 5.52}
# Alcock, Itkin and Horrigan 1984, over the liquid: log10(p/atm) = a + b/T + c log10(T).
LIQUID_PRESSURE = {
    "Cu": (5.849, -16415, 0.0),
    "Ag": (5.752, -13827, 0.0),
    "Ga": (6.754, -13984, -0.3413),
}


def milner_w_mk(kelvin):
    """Tungsten, the fit that MOOSE's solid_properties module uses (Milner 2024)."""
    t = kelvin / 1000.0
    return (-3.679 + 118.1 * t + 58.79 * t**2 + 2.867 * t**3) / (-0.02052 + 0.4741 * t + t**2)


def backscattered(z, kev):
    """Part of the electrons, Hunger and Kuechler, Phys. Stat. Sol. A 56 (1979) K45."""
    power = 0.1382 - 0.9211 / z**0.5
    return kev**power * (0.1904 - 0.2235 * log(z) + 0.1292 * log(z) ** 2 - 0.01491 * log(z) ** 3)


def mean_energy(absorbed, z):
    """Of the backscattered electrons, in parts of the beam's, that this heat implies."""
    return (1.0 - absorbed) / backscattered(z, 50.0)


@pytest.mark.parametrize("symbol", TARGETS)
def test_the_elements_are_those_of_xraylib(symbol):
    target = TARGETS[symbol]
    assert target.symbol == symbol
    assert xraylib.SymbolToAtomicNumber(symbol) == target.atomic_number
    assert xraylib.AtomicWeight(target.atomic_number) == pytest.approx(
        target.molar_mass_g, rel=1e-3
    )
    if symbol != "Ga":
        density = 1000.0 * xraylib.ElementDensity(target.atomic_number)
        assert density == pytest.approx(target.density_kg_m3, rel=1e-3)


def test_liquid_gallium_is_denser_than_the_solid():
    solid = 1000.0 * xraylib.ElementDensity(31)
    assert 1.02 < TARGETS["Ga"].density_kg_m3 / solid < 1.04  # 3.2 % less volume on melting


@pytest.mark.parametrize("symbol", BEATON_HEWITT)
def test_conductivities_agree_with_another_compilation(symbol):
    for kelvin, published in zip((300.0, 400.0), BEATON_HEWITT[symbol], strict=True):
        assert TARGETS[symbol].conductivity_at(kelvin) == pytest.approx(published, rel=0.01)


def test_the_conductivity_of_tungsten_agrees_with_a_newer_fit_up_to_melting():
    for kelvin in range(300, 3601, 100):
        ours = TARGETS["W"].conductivity_at(float(kelvin))
        assert ours == pytest.approx(milner_w_mk(kelvin), rel=0.05)


@pytest.mark.parametrize("symbol", RESISTIVITY_300_K)
def test_wiedemann_and_franz_find_the_conductivity_within_a_tenth(symbol):
    expected = LORENZ * 300.0 / (1e-8 * RESISTIVITY_300_K[symbol])
    assert TARGETS[symbol].conductivity_at(300.0) == pytest.approx(expected, rel=0.10)


def test_tungsten_conducts_more_than_its_electrons_alone():
    """Its lattice adds 10 to 35 %: k over Wiedemann and Franz, with Forsythe and Worthing's
    resistivity."""
    for kelvin in range(500, 3001, 500):
        resistivity = 1e-8 * RESISTIVITY_UOHM_CM[(kelvin - 300) // 100]
        electrons = LORENZ * kelvin / resistivity
        assert 1.05 < TARGETS["W"].conductivity_at(float(kelvin)) / electrons < 1.35


@pytest.mark.parametrize("symbol", SOLID)
def test_conductivity_falls_with_temperature_down_to_melting(symbol):
    target = TARGETS[symbol]
    values = [target.conductivity_at(kelvin) for kelvin in np.linspace(300, target.melts_k, 50)]
    assert (np.diff(values) < 0.0).all()
    assert target.table_k[-1] == pytest.approx(target.melts_k)


@pytest.mark.parametrize(("symbol", "kelvin"), [("Cu", 600), ("Mo", 600), ("Ag", 600), ("W", 800)])
def test_the_constant_conductivity_is_the_tables_at_its_stated_temperature(symbol, kelvin):
    target = TARGETS[symbol]
    assert target.conductivity_w_mk == pytest.approx(target.conductivity_at(kelvin), rel=0.01)


@pytest.mark.parametrize("symbol", SOLID)
def test_the_mean_conductivity_lies_between_its_ends(symbol):
    target = TARGETS[symbol]
    mean = target.mean_conductivity_w_mk(333.0, target.melts_k)
    assert target.conductivity_at(target.melts_k) < mean < target.conductivity_at(333.0)
    assert target.mean_conductivity_w_mk(300.0, 400.0) == pytest.approx(
        0.5 * (target.conductivity_at(300.0) + target.conductivity_at(400.0))
    )


@pytest.mark.parametrize("symbol", TARGETS)
def test_specific_heats_follow_dulong_and_petit(symbol):
    target = TARGETS[symbol]
    molar = 1e-3 * target.molar_mass_g * target.specific_heat_j_kgk
    assert molar == pytest.approx(3 * 8.314, rel=0.10)


def test_the_specific_heat_of_tungsten_is_janafs():
    molar = 0.18384 * TARGETS["W"].specific_heat_j_kgk
    assert molar == pytest.approx(float(heat_capacity_j_mol_k(np.array(800.0))), rel=0.01)


def test_copper_spreads_heat_as_measured():
    """1.17e-4 m2/s at 300 K, 1.03e-4 at 600 K (Touloukian)."""
    assert TARGETS["Cu"].diffusivity_m2_s == pytest.approx(1.03e-4, rel=0.03)


@pytest.mark.parametrize("symbol", LIQUID_PRESSURE)
def test_a_liquid_boils_where_its_vapour_has_one_atmosphere(symbol):
    a, b, c = LIQUID_PRESSURE[symbol]
    boils_k = brentq(lambda kelvin: a + b / kelvin + c * log10(kelvin), 1500.0, 4000.0)
    assert TARGETS[symbol].boils_k == pytest.approx(boils_k, rel=0.02)


def test_the_backscattered_electrons_have_kept_a_likely_part_of_their_energy():
    """Seven to eight tenths, and the more the heavier the target. Their number is Hunger and
    Kuechler's, another source than the heat's."""
    energies = [mean_energy(target.absorbed, target.atomic_number) for target in TARGETS.values()]
    assert 0.70 < min(energies) < max(energies) < 0.82
    copper, molybdenum, tungsten = energies[:3]
    assert copper < molybdenum < tungsten


def test_the_heat_of_another_element_would_not_pass_for_tungsten():
    assert mean_energy(TARGETS["Cu"].absorbed, 74) < 0.5
    assert mean_energy(TARGETS["W"].absorbed, 29) > 1.0  # more than they came with


def test_silver_and_gallium_lie_on_the_curve_through_the_other_three():
    known = [TARGETS[symbol] for symbol in ("Cu", "Mo", "W")]
    curve = np.polyfit(
        [target.atomic_number for target in known], [target.absorbed for target in known], 2
    )
    for symbol in ("Ag", "Ga"):
        target = TARGETS[symbol]
        assert target.absorbed == pytest.approx(np.polyval(curve, target.atomic_number), abs=0.01)


@pytest.mark.parametrize("symbol", SOLID)
def test_a_metal_expands_by_about_two_per_cent_until_it_melts(symbol):
    """The old rule for metals, 1.3 to 2.5 % with the coefficient at room temperature."""
    target = TARGETS[symbol]
    assert 0.013 < target.expansion_per_k * target.melts_k < 0.025


def test_tungsten_expands_as_the_newer_fit_says():
    per_k = 1e-5 * (0.4869 - 2 * 0.03056 * 0.3 + 3 * 0.02234 * 0.3**2)
    assert TARGETS["W"].expansion_per_k == pytest.approx(per_k, rel=0.08)


def test_targets_melt_before_they_boil():
    for target in TARGETS.values():
        assert target.melts_k < target.boils_k
        assert 0.0 < target.absorbed < 1.0
