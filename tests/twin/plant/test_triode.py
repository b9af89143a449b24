"""The gun: its triode against space charge, saturation and its own bias; the LaB6 crystal."""

import itertools
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.constants import Stefan_Boltzmann
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from firmware.calibration import DAC_FULL
from tests.kit.full_scales import GRID_FULL_V
from tests.kit.open_loop import IDEAL, advance, plant_of, switch_on
from tests.kit.variants import DEFAULT, varied
from twin.plant.cathode import MELTS_K, Filament, Triode

PLENTY_MA = 1e9  # a cathode that never saturates


def triode(perveance=0.0104, amplification=100.0, self_bias_kohm=0.0):
    return Triode(
        varied(
            {
                "cathode.perveance_ma_per_kv1_5": perveance,
                "cathode.amplification": amplification,
                "cathode.self_bias_kohm": self_bias_kohm,
            }
        ).cathode
    )


def smooth_least(space_ma, saturation_ma):
    """The lesser of two currents, rounded where they meet."""
    return 1.0 / sqrt(1.0 / space_ma**2 + 1.0 / saturation_ma**2)


def at_rest(gun, drive_kv, saturation_ma, start_ma=0.0, ticks=3):
    ma = start_ma
    for _ in range(ticks):
        ma = gun.current_ma(drive_kv, saturation_ma, ma)
    return ma


def implicit(perveance, amplification, self_bias_kohm, drive_kv, saturation_ma):
    """What i = f(U + mu Vg - mu Rb i) says, by bisection."""

    def excess(ma):
        left_kv = drive_kv - 1e-3 * amplification * self_bias_kohm * ma
        if left_kv <= 0.0:
            return ma
        return ma - smooth_least(perveance * left_kv**1.5, saturation_ma)

    return brentq(excess, 0.0, saturation_ma, xtol=1e-15, rtol=1e-14)


# Space charge and saturation ---------------------------------------------------------------------


def test_far_from_saturation_the_current_grows_with_the_power_of_three_halves():
    gun = triode()
    drives_kv = np.geomspace(0.1, 60.0, 20)
    currents = [gun.current_ma(float(kv), PLENTY_MA, 0.0) for kv in drives_kv]
    slope, offset = np.polyfit(np.log(drives_kv), np.log(currents), 1)
    assert slope == pytest.approx(1.5, abs=1e-9)
    assert exp(offset) == pytest.approx(0.0104, rel=1e-9)


def test_with_plenty_of_voltage_the_cathode_gives_all_that_it_emits_and_no_more():
    gun = triode(perveance=10.0)
    assert gun.current_ma(50.0, 1.0, 0.0) == pytest.approx(1.0, rel=1e-6)
    assert gun.current_ma(50.0, 1.0, 0.0) < 1.0


def test_where_both_limits_meet_the_current_is_seven_tenths_of_either():
    gun = triode()
    space_ma = 0.0104 * 25.0**1.5
    assert gun.current_ma(25.0, space_ma, 0.0) == pytest.approx(space_ma / sqrt(2.0), rel=1e-9)


@given(st.floats(1e-3, 400.0), st.floats(1e-6, 1e3), st.floats(1e-7, 10.0))
def test_the_current_is_below_both_limits_and_rises_with_each(drive_kv, saturation_ma, perveance):
    gun = triode(perveance)
    ma = gun.current_ma(drive_kv, saturation_ma, 0.0)
    assert 0.0 < ma <= min(perveance * drive_kv**1.5, saturation_ma) * (1.0 + 1e-12)
    rounded = 1.0 - 1e-12
    assert gun.current_ma(1.01 * drive_kv, saturation_ma, 0.0) >= ma * rounded
    assert gun.current_ma(drive_kv, 1.01 * saturation_ma, 0.0) >= ma * rounded


@pytest.mark.parametrize(("drive_kv", "saturation_ma"), [(0.0, 1.0), (-5.0, 1.0), (5.0, 0.0)])
def test_nothing_flows_without_drive_or_without_emission(drive_kv, saturation_ma):
    assert triode().current_ma(drive_kv, saturation_ma, 0.0) == 0.0
    assert at_rest(triode(self_bias_kohm=100.0), drive_kv, saturation_ma, start_ma=1.0) == 0.0


@pytest.mark.parametrize("amplification", [70.0, 100.0, 140.0])
def test_the_grid_cuts_the_plants_current_off_at_the_voltage_over_the_amplification(amplification):
    cut_off_v = -1000.0 * 50.0 / amplification
    currents = []
    for beyond_v in (1.0, -1.0):
        plant = switch_on(
            plant_of(IDEAL | {"cathode.amplification": amplification}),
            grid_v=cut_off_v - beyond_v,
        )
        currents.append(plant.ma)
    assert currents[0] == 0.0
    assert 0.0 < currents[1] < 0.01


# Self-bias ---------------------------------------------------------------------------------------

# (perveance, amplification, resistor in kohm, drive in kV, saturation in mA) of tubes that could be
GUNS = {
    "50 W": (0.0104, 100.0, 100.0, 25.0, 1.5),
    "50 W, a large resistor": (0.0104, 100.0, 1000.0, 50.0, 3.0),
    "50 W, saturated": (0.0104, 100.0, 50.0, 50.0, 0.3),
    "2.5 kW": (0.279, 60.0, 5.0, 45.0, 80.0),
    "nano": (8.44e-5, 100.0, 20000.0, 35.0, 0.02),
}


@pytest.mark.parametrize("name", GUNS)
@pytest.mark.parametrize("start", [0.0, 0.5, 0.999, 1.0, 5.0])
def test_a_self_biased_gun_is_at_once_where_its_implicit_equation_says(name, start):
    """Its cathode's capacitance over the resistor is microseconds: a tick is rest."""
    gun = triode(*GUNS[name][:3])
    rest_ma = implicit(*GUNS[name])
    reached_ma = gun.current_ma(*GUNS[name][3:], start * rest_ma)
    assert reached_ma == pytest.approx(rest_ma, rel=1e-6)


@given(
    st.floats(1e-7, 10.0),
    st.floats(5.0, 1e4),
    st.floats(1.0, 1e6),
    st.floats(0.01, 400.0),
    st.floats(1e-6, 1e3),
    st.floats(0.0, 2.0),
)
@example(4.0, 5.0, 574604.5, 7.0, 1.0, 0.0)  # Newton's steps alone go round in circles here
def test_any_allowed_gun_is_there(
    perveance, amplification, self_bias_kohm, drive_kv, saturation_ma, start
):
    gun = triode(perveance, amplification, self_bias_kohm)
    rest_ma = implicit(perveance, amplification, self_bias_kohm, drive_kv, saturation_ma)
    reached_ma = at_rest(gun, drive_kv, saturation_ma, start * rest_ma, ticks=1)
    assert reached_ma == pytest.approx(rest_ma, rel=1e-6)


@pytest.mark.parametrize("name", GUNS)
@pytest.mark.parametrize("moved", ["bias", "emission", "perveance"])
def test_the_resistor_makes_the_current_less_sensitive_by_one_over_one_and_gm_rb(name, moved):
    """Small changes, of the grid, of the cathode or of the gun's geometry; gm in mA/V."""
    perveance, amplification, resistor_kohm, drive_kv, saturation_ma = GUNS[name]
    rest_ma = implicit(*GUNS[name])
    inner_kv = drive_kv - 1e-3 * amplification * resistor_kohm * rest_ma
    part = 1e-5

    def change(kohm, at_kv):
        """Of the current, of a gun with this resistor, whose own drive is then at_kv."""
        ends = []
        for sign in (1.0 + part, 1.0 - part):
            gun = triode(perveance * (sign if moved == "perveance" else 1.0), amplification, kohm)
            drive = at_kv + (1e-3 * inner_kv * (sign - 1.0) * 1e3 if moved == "bias" else 0.0)
            saturation = saturation_ma * (sign if moved == "emission" else 1.0)
            ends.append(at_rest(gun, drive, saturation, rest_ma))
        return ends[0] - ends[1]

    gun = triode(perveance, amplification)
    step_kv = 1e-5 * inner_kv
    gm = (
        1e-3
        * amplification
        * (
            gun.current_ma(inner_kv + step_kv, saturation_ma, 0.0)
            - gun.current_ma(inner_kv - step_kv, saturation_ma, 0.0)
        )
        / (2.0 * step_kv)
    )
    ratio = change(resistor_kohm, drive_kv) / change(0.0, inner_kv)
    assert ratio == pytest.approx(1.0 / (1.0 + gm * resistor_kohm), rel=1e-4)
    assert ratio < 1.0


def test_the_plant_has_the_current_of_the_implicit_equation():
    plant = switch_on(plant_of(IDEAL | {"cathode.self_bias_kohm": 100.0}), grid_v=-100.0)
    drive_kv = plant.kv + 0.1 * GRID_FULL_V * (plant.grid_program_raw / DAC_FULL - 1.0)
    plant.advance()
    saturation_ma = plant.filament.richardson_ma(plant.filament.temperature_k)
    cathode = DEFAULT.cathode
    expected_ma = implicit(
        cathode.perveance_ma_per_kv1_5.value, 100.0, 100.0, drive_kv, saturation_ma
    )
    assert plant.ma == pytest.approx(expected_ma, rel=1e-5)
    assert 0.1 < plant.ma < 0.9 * saturation_ma


def test_a_resistor_quietens_a_flickering_cathode_and_a_drifting_one():
    """In the plant: emission falls by 5 %, and the self-biased current by less."""
    falls = []
    for resistor_kohm, grid_v in ((0.0, -250.0), (200.0, -60.0)):
        plant = switch_on(
            plant_of(IDEAL | {"cathode.self_bias_kohm": resistor_kohm}), 50.0, grid_v=grid_v
        )
        before_ma = plant.ma
        plant.filament.drift *= 0.95
        advance(plant, 2.0)
        falls.append(1.0 - plant.ma / before_ma)
    assert 0.0 < falls[1] < 0.8 * falls[0]


# LaB6 --------------------------------------------------------------------------------------------

# Lafferty's constants, 29 A/cm2 K2 and 2.66 eV, worked out elsewhere: K -> A/cm2.
LAB6_A_CM2 = {1700: 1.09, 1800: 3.35}
OHM, MJ_PER_K, AREA_MM2, EMISSIVITY, LEADS_MW_PER_K = 1.0, 12.0, 5.0, 0.8, 1.4
LAB6 = varied(
    {
        "cathode.emitter": "LaB6",
        "cathode.wire_diameter_mm": None,
        "cathode.wire_length_mm": None,
        "cathode.heater_ohm": OHM,
        "cathode.heat_capacity_mj_per_k": MJ_PER_K,
        "cathode.radiating_area_mm2": AREA_MM2,
        "cathode.emissivity": EMISSIVITY,
        "cathode.lead_conduction_mw_per_k": LEADS_MW_PER_K,
        "cathode.emitting_area_mm2": 0.2,
        "cathode.work_function_ev": 2.66,
        "cathode.richardson_a_per_cm2_k2": 29.0,
    }
).cathode


def lost_w(kelvin):
    radiated_w = EMISSIVITY * Stefan_Boltzmann * 1e-6 * AREA_MM2 * (kelvin**4 - 330.0**4)
    return radiated_w + 1e-3 * LEADS_MW_PER_K * (kelvin - 330.0)


def crystal_at(kelvin, amps=0.0):
    filament = Filament(LAB6, 0.01)
    filament.kelvin, filament.moved_k = kelvin, 0.0
    filament.set_current(amps)
    return filament


@pytest.mark.parametrize("kelvin", LAB6_A_CM2)
def test_richardsons_current_densities_of_lab6_come_back(kelvin):
    density = 1e-3 * Filament(LAB6, 0.01).richardson_ma(float(kelvin)) / 0.002
    assert density == pytest.approx(LAB6_A_CM2[kelvin], rel=0.005)


def test_lab6_emits_at_1700_kelvin_what_tungsten_does_at_2600():
    """0.2 mm2 of either; what a LaB6 cathode is bought for."""
    tungsten = Filament(varied({"cathode.emitting_area_mm2": 0.2}).cathode, 0.01)
    assert tungsten.working_k(Filament(LAB6, 0.01).richardson_ma(1700.0)) == pytest.approx(
        2650.0, abs=30.0
    )


def test_its_emission_grows_by_one_and_a_tenth_per_cent_a_kelvin():
    filament = Filament(LAB6, 0.01)
    growth = filament.richardson_ma(1751.0) / filament.richardson_ma(1750.0) - 1.0
    assert 100.0 * growth == pytest.approx(1.1, abs=0.05)


@pytest.mark.parametrize("kelvin", [1400.0, 1702.0, 1950.0, 2300.0])
def test_the_working_temperature_is_where_richardson_gives_the_current(kelvin):
    for cathode in (LAB6, DEFAULT.cathode):
        filament = Filament(cathode, 0.01)
        ma = filament.richardson_ma(kelvin)
        assert filament.working_k(ma) == pytest.approx(kelvin, abs=1e-6)
        assert filament.working_k(2.0 * ma) > filament.working_k(ma)


def test_there_is_no_working_temperature_for_what_not_even_a_molten_one_gives():
    filament = Filament(LAB6, 0.01)
    with pytest.raises(ValueError, match="sign"):
        filament.working_k(1.01 * filament.richardson_ma(MELTS_K["LaB6"]))


@pytest.mark.parametrize("kelvin", [1200.0, 1700.0, 2000.0])
def test_the_crystals_steady_current_makes_up_for_what_it_loses(kelvin):
    filament = Filament(LAB6, 0.01)
    assert filament.steady_amps(kelvin) ** 2 * OHM == pytest.approx(lost_w(kelvin), rel=1e-4)


def test_the_crystal_follows_its_balance_through_warming_up_and_steps():
    def speed(_, y, amps):
        return [(amps**2 * OHM - lost_w(y[0])) / (1e-3 * MJ_PER_K)]

    filament, kelvin, error_k = Filament(LAB6, 0.01), 330.0, []
    for amps in [0.5, 1.0, 1.5, 1.8] + [1.9] * 60 + [1.92] * 20 + [1.88] * 20 + [0.0] * 20:
        exact = solve_ivp(
            speed,
            (0.0, 0.1),
            [kelvin],
            "LSODA",
            np.arange(1, 11) * 0.01,
            args=(amps,),
            rtol=1e-9,
            atol=1e-7,
        )
        kelvin = exact.y[0, -1]
        filament.set_current(amps)
        for tick in range(10):
            filament.relax()
            error_k.append(abs(filament.temperature_k - exact.y[0, tick]))
    assert max(error_k) < 0.3
    assert max(error_k[640:1040]) < 0.02  # while the emission is regulated


def test_its_time_constant_is_its_heat_capacity_over_the_slope_of_its_losses():
    """A LaB6 emitter is slower than a wire: a second here, a tenth of one there."""
    kelvin = 1700.0
    slope_w_k = 4.0 * EMISSIVITY * Stefan_Boltzmann * 1e-6 * AREA_MM2 * kelvin**3
    slope_w_k += 1e-3 * LEADS_MW_PER_K
    filament = crystal_at(kelvin - 1.0, Filament(LAB6, 0.01).steady_amps(kelvin))
    ticks = 0
    while filament.temperature_k < kelvin - exp(-1.0):
        filament.relax()
        ticks += 1
    assert 0.01 * ticks == pytest.approx(1e-3 * MJ_PER_K / slope_w_k, rel=0.02)


def test_a_crystal_that_melts_is_broken_for_good():
    filament = Filament(LAB6, 0.01)
    filament.set_current(6.0)
    for _ in range(500):
        assert filament.temperature_k < MELTS_K["LaB6"] + 100.0
        filament.relax()
    assert filament.broken
    filament.set_current(1.0)
    assert (filament.amps, filament.power_w()) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("ohm", "heat_mj_k", "amps"), list(itertools.product((0.1, 20.0), (0.1, 1000.0), (0.5, 15.0)))
)
def test_any_allowed_crystal_stays_between_cold_and_molten(ohm, heat_mj_k, amps):
    document = LAB6.model_dump() | {
        "heater_ohm": ohm,
        "heat_capacity_mj_per_k": heat_mj_k,
    }
    filament = Filament(type(LAB6).model_validate(document), 0.01)
    filament.set_current(amps)
    for _ in range(2000):
        assert filament.relax() >= 0.0
        assert 329.0 < filament.temperature_k < MELTS_K["LaB6"] or filament.broken


def test_the_slope_against_reciprocal_temperature_is_the_work_function():
    """Richardson's plot: ln(i/T**2) over 1/kT."""
    filament = Filament(LAB6, 0.01)
    kelvin = np.array([1400.0, 1600.0, 1800.0, 2000.0])
    plotted = [log(filament.richardson_ma(float(k)) / k**2) for k in kelvin]
    slope_ev = -np.polyfit(1.0 / (8.617333e-5 * kelvin), plotted, 1)[0]
    assert slope_ev == pytest.approx(2.66, rel=1e-6)
