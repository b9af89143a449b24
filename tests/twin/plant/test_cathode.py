"""The cathode against published tables, and its tick against the whole non-linear balance."""

import json
from math import pi

import numpy as np
import pytest
from scipy.constants import Stefan_Boltzmann
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from tests.kit.variants import DEFAULT, varied
from twin.plant.cathode import (
    MELTS_K,
    RESISTIVITY_UOHM_CM,
    Filament,
    emissivity,
    heat_capacity_j_mol_k,
)

# Forsythe and Worthing 1925: K -> micro-ohm cm. Some of the table's nodes, typed anew.
PUBLISHED_UOHM_CM = {
    300: 5.65,
    500: 10.56,
    1000: 24.93,
    1500: 40.36,
    1900: 53.35,
    2000: 56.67,
    2400: 70.39,
    2500: 73.91,
    2600: 77.49,
    3000: 92.04,
    3500: 111.1,
}
# Richardson-Dushman with A = 60.2 A/cm2 K2 and 4.52 eV, worked out elsewhere: K -> A/cm2.
RICHARDSON_A_CM2 = {2300: 0.040, 2400: 0.112, 2500: 0.291, 2600: 0.705, 2700: 1.60}

RADIATION_ONLY = varied({"cathode.lead_conduction_mw_per_k": 0.0})
DIAMETER_M, LENGTH_M = 0.125e-3, 12e-3


def at(kelvin, amps=0.0, tube=DEFAULT, dt_s=0.01):
    """A filament at this temperature."""
    filament = Filament(tube.cathode, dt_s)
    filament.kelvin = kelvin
    filament.moved_k = 0.0
    filament.set_current(amps)
    return filament


def resistance_ohm(kelvin):
    return at(kelvin, amps=1.0).power_w()


def balance(tube=DEFAULT):
    """dT/dt of the wire (K/s) at a current (A), written down anew, for an integrator."""
    table = CubicSpline(np.arange(300.0, 3601.0, 100.0), RESISTIVITY_UOHM_CM)
    cathode = tube.cathode
    diameter_m = 1e-3 * cathode.wire_diameter_mm.value
    length_m = 1e-3 * cathode.wire_length_mm.value
    leads_w_k = 1e-3 * cathode.lead_conduction_mw_per_k.value
    section_m2 = 0.25 * pi * diameter_m**2

    def speed(_, y, amps):
        kelvin = y[0]
        ohm = 1e-8 * float(table(kelvin)) * length_m / section_m2
        radiated = float(emissivity(np.array(kelvin))) * Stefan_Boltzmann * pi * diameter_m
        lost_w = radiated * length_m * (kelvin**4 - 330.0**4) + leads_w_k * (kelvin - 330.0)
        mol = 19250.0 * section_m2 * length_m / 0.18384
        capacity = mol * float(heat_capacity_j_mol_k(np.array(kelvin)))
        return [(amps**2 * ohm - lost_w) / capacity]

    return speed


@pytest.mark.parametrize("kelvin", PUBLISHED_UOHM_CM)
def test_the_published_resistivities_come_back(kelvin):
    ohm = 1e-8 * PUBLISHED_UOHM_CM[kelvin] * LENGTH_M / (0.25 * pi * DIAMETER_M**2)
    assert resistance_ohm(float(kelvin)) == pytest.approx(ohm, rel=1e-9)


def test_resistance_rises_smoothly_between_the_nodes():
    ohm = np.array([resistance_ohm(kelvin) for kelvin in np.arange(300.0, 3600.0, 1.0)])
    assert (np.diff(ohm) > 0.0).all()


def test_the_heat_capacity_is_of_tungsten():
    assert float(heat_capacity_j_mol_k(np.array(298.15))) == pytest.approx(24.3, abs=0.1)
    below, above = heat_capacity_j_mol_k(np.array([1899.9999, 1900.0]))
    assert above == pytest.approx(below, rel=0.005)  # the two published pieces meet


@pytest.mark.parametrize(("kelvin", "published"), [(1700.0, 0.23), (2500.0, 0.31)])
def test_the_emissivity_is_the_published_one(kelvin, published):
    assert float(emissivity(np.array(kelvin))) == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize("kelvin", RICHARDSON_A_CM2)
def test_richardsons_current_densities_come_back(kelvin):
    area_cm2 = 1e-2 * DEFAULT.cathode.emitting_area_mm2.value
    density = 1e-3 * at(float(kelvin)).richardson_ma(float(kelvin)) / area_cm2
    assert density == pytest.approx(RICHARDSON_A_CM2[kelvin], rel=0.01)


def test_emission_grows_by_nine_tenths_of_a_per_cent_a_kelvin():
    filament = at(2500.0)
    growth = filament.richardson_ma(2501.0) / filament.richardson_ma(2500.0) - 1.0
    assert 100.0 * growth == pytest.approx(0.92, abs=0.03)


def test_the_published_wire_at_2500_kelvin():
    """0.125 x 12 mm: 2.41 A, 1.74 V, 4.2 W, 80 ms; +1 % of current gives +14 K.

    Its 4.2 W take an emissivity of 0.40; the published one is 0.31, so that current and power are
    12 % and 23 % lower here. What decides how well the current must be regulated, the 14 K, does
    not depend on it.
    """
    filament = Filament(RADIATION_ONLY.cathode, 0.01)
    amps = filament.steady_amps(2500.0)
    ohm = resistance_ohm(2500.0)
    assert amps == pytest.approx(2.41 * (0.31 / 0.402) ** 0.5, rel=0.005)
    assert amps * ohm == pytest.approx(1.74 * (0.31 / 0.402) ** 0.5, rel=0.005)
    assert amps**2 * ohm == pytest.approx(4.2 * 0.31 / 0.402, rel=0.005)
    assert 0.85 < amps / 2.41 < 1.0
    assert settled(1.01 * amps, 2500.0, RADIATION_ONLY) - 2500.0 == pytest.approx(14.0, abs=0.5)


def settled(amps, kelvin, tube=DEFAULT):
    filament = at(kelvin, amps, tube)
    for _ in range(1000):
        filament.relax()
    return filament.temperature_k


def test_the_published_time_constant_is_between_those_of_constant_current_and_of_power():
    """80 ms is heat capacity over 4 P/T at 4.2 W; at constant current the wire takes longer."""
    amps = Filament(RADIATION_ONLY.cathode, 0.01).steady_amps(2500.0)
    filament = at(2499.0, amps, RADIATION_ONLY, dt_s=1e-3)
    ticks = 0
    while filament.temperature_k < 2500.0 - np.exp(-1.0):
        filament.relax()
        ticks += 1
    assert 100 <= ticks <= 125  # ms


@pytest.mark.parametrize("kelvin", [1600.0, 2212.0, 2400.0, 2599.0, 3300.0])
def test_the_steady_current_holds_its_temperature(kelvin):
    filament = Filament(DEFAULT.cathode, 0.01)
    assert settled(filament.steady_amps(kelvin), kelvin) == pytest.approx(kelvin, abs=1e-6)
    assert settled(filament.steady_amps(kelvin), kelvin - 30.0) == pytest.approx(kelvin, abs=0.02)


def test_the_tick_follows_the_whole_balance_through_soft_start_and_steps():
    """The error of the linearised tick: 0.3 K while the wire heats or cools by thousands of
    kelvin, and 7 mK (0.007 % of emission) while the emission is regulated."""
    soft_start = [min(2.04, 0.1 * (step + 1)) for step in range(40)]
    regulated = [2.04] * 20 + [2.05] * 10 + [2.03] * 20 + [1.96] * 30 + [2.10] * 30
    off_and_on = [0.0] * 20 + [2.2] * 30
    filament, speed = Filament(DEFAULT.cathode, 0.01), balance()
    kelvin = filament.temperature_k
    error_k = []
    for amps in soft_start + regulated + off_and_on:
        exact = solve_ivp(
            speed,
            (0.0, 0.1),
            [kelvin],
            "Radau",
            np.arange(1, 11) * 0.01,
            args=(amps,),
            rtol=1e-8,
            atol=1e-6,
        )
        kelvin = exact.y[0, -1]
        filament.set_current(amps)
        for tick in range(10):
            filament.relax()
            error_k.append(abs(filament.temperature_k - exact.y[0, tick]))
    assert max(error_k[:400]) < 0.3
    assert max(error_k[400:1500]) < 0.007
    assert max(error_k[1500:]) < 0.3


def test_the_emission_between_two_linearisations_is_richardsons():
    filament = at(2400.0, Filament(DEFAULT.cathode, 0.01).steady_amps(2402.0))
    for _ in range(200):
        saturation = filament.relax()
        exact = filament.richardson_ma(filament.temperature_k)
        assert saturation == pytest.approx(exact, rel=2e-5)


def test_the_tick_does_not_depend_on_how_often_the_current_is_set_anew():
    """The plant sets it again twice a second, which must not move the wire."""
    left, poked = at(2380.0, 2.0), at(2380.0, 2.0)
    for tick in range(500):
        left.relax()
        if tick % 50 == 0:
            poked.set_current(2.0)
        poked.relax()
    assert poked.temperature_k == pytest.approx(left.temperature_k, abs=0.01)


def test_half_the_step_gives_the_same_path():
    whole, half = at(2000.0, 2.1, dt_s=0.01), at(2000.0, 2.1, dt_s=0.005)
    for _ in range(100):
        whole.relax()
        half.relax()
        half.relax()
        assert whole.temperature_k == pytest.approx(half.temperature_k, abs=0.05)


def test_drift_is_a_factor_on_the_emission():
    filament = at(2400.0)
    fresh = filament.richardson_ma(2400.0)
    filament.drift = 0.9
    assert filament.richardson_ma(2400.0) == pytest.approx(0.9 * fresh)


def test_a_wire_without_current_ends_at_its_surroundings():
    filament = at(2400.0)
    for _ in range(12_000):
        filament.relax()
    assert filament.temperature_k == pytest.approx(330.0, abs=1.0)


@pytest.mark.parametrize("diameter_mm", [0.02, 0.05, 0.125, 1.0])
@pytest.mark.parametrize("amps", [0.5, 2.1, 4.0])
@pytest.mark.parametrize("leads_mw_k", [0.0, 5.0])
def test_any_allowed_wire_stays_between_cold_and_molten(diameter_mm, amps, leads_mw_k):
    tube = varied(
        {
            "cathode.wire_diameter_mm": diameter_mm,
            "cathode.lead_conduction_mw_per_k": leads_mw_k,
        }
    )
    filament = Filament(tube.cathode, 0.01)
    filament.set_current(amps)
    for _ in range(2000):
        assert filament.relax() >= 0.0
        assert 329.0 < filament.temperature_k < MELTS_K["tungsten"] or filament.broken


def test_a_wire_that_melts_is_broken_for_good():
    filament = Filament(varied({"cathode.wire_diameter_mm": 0.05}).cathode, 0.01)
    filament.set_current(4.0)
    for _ in range(200):
        filament.relax()
    assert filament.broken
    filament.set_current(1.0)
    assert filament.amps == 0.0
    assert filament.relax() < 1e-30
    assert filament.power_w() == 0.0


def test_a_saved_filament_goes_on_bit_for_bit():
    filament = at(2300.0, 2.04)
    for _ in range(33):
        filament.relax()
    state = json.loads(json.dumps(filament.state()))
    later = [filament.relax() for _ in range(100)]
    other = Filament(DEFAULT.cathode, 0.01)
    other.load(state)
    assert [other.relax() for _ in range(100)] == later
