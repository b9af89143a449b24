"""The yield of lines against SpekPy 2.5.4 (PENELOPE's Monte Carlo underneath) and NIST's data."""

from functools import cache
from math import exp, log, pi, radians, sin
from pathlib import Path

import numpy as np
import pytest
import spekpy
import xraydb
from scipy.integrate import quad
from scipy.interpolate import CubicSpline, RegularGridInterpolator
from scipy.special import exp1

from twin.physics import line_yield
from twin.physics.cross_sections import MAX_KV
from twin.physics.line_yield import LineYield

SPEKPY_TABLES = Path(spekpy.__file__).parent / "data" / "tables" / "advanced"
ELECTRONS_PER_MAS = 1e-3 / 1.602176634e-19
# Middle and width of a bin that has the whole line, and none other of the element.
BIN_KEV = {"Cu": (7.5, 2.0), "Mo": (17.5, 2.0), "Ag": (22.5, 2.0), "W": (8.0, 1.0)}
LINE = {"Cu": "Ka", "Mo": "Ka", "Ag": "Ka", "W": "La"}
ATOMIC_NUMBER = {"Cu": 29, "Ga": 31, "Mo": 42, "Ag": 47, "W": 74}


@cache
def spekpy_yield(element, take_off_deg, kv):
    """Photons of the line per electron and steradian; no filter, 100 cm, 1 mAs."""
    middle_kev, width_kev = BIN_KEV[element]
    shift = (middle_kev - kv) / width_kev + 0.5
    tube = spekpy.Spek(
        kvp=kv,
        th=take_off_deg,
        targ=element,
        physics="kqp",
        dk=width_kev,
        shift=shift - round(shift),
    )
    kev, photons_cm2 = tube.get_spectrum(diff=False, brem=False)
    (line,) = photons_cm2[np.abs(kev - middle_kev) < 1e-6]
    return line * 100.0**2 / ELECTRONS_PER_MAS


@cache
def line(element, take_off_deg, **more):
    return LineYield(element, LINE.get(element, "Ka"), take_off_deg, **more)


def ratio(element, take_off_deg, kv):
    """To SpekPy."""
    found = line(element, take_off_deg).photons_per_electron_sr(kv)
    return found / spekpy_yield(element, take_off_deg, kv)


CASES = [
    *(("Cu", 6.0, kv) for kv in (20.0, 30.0, 40.0)),
    *(("Cu", angle, kv) for angle in (4.0, 45.0) for kv in (20.0, 50.0)),
    *(("Mo", 6.0, kv) for kv in (25.0, 35.0)),
    *(("Mo", angle, kv) for angle in (4.0, 45.0) for kv in (25.0, 50.0)),
]


@pytest.mark.parametrize(("element", "take_off_deg", "kv"), CASES)
def test_copper_and_molybdenum_are_as_in_spekpy(element, take_off_deg, kv):
    """Found, 20 (Mo: 25) to 50 kV and 4 to 45 degrees: relative to 50 kV and 6 degrees -0.6 to
    2.1 % (Cu), -2.5 to 1.6 % (Mo); absolute 3.2 to 5.9 % and -1.4 to 2.8 %. Of copper's 3.5 % are
    in the fluorescence yield and the line's part, xraylib's against PENELOPE's."""
    absolute = ratio(element, take_off_deg, kv)
    assert absolute / ratio(element, 6.0, 50.0) == pytest.approx(1.0, abs=0.03)
    assert absolute == pytest.approx(1.0, abs=0.065)


def test_silver_and_tungsten_are_near_spekpy_too():
    """Found: silver within 3 % at 35 to 50 kV, 3 to 6 % low at 30 kV; tungsten's La at 20 to 50 kV
    -1 to 7.5 %, most at 4 degrees and 50 kV."""
    assert ratio("Ag", 6.0, 35.0) == pytest.approx(1.0, abs=0.03)
    assert ratio("Ag", 6.0, 30.0) == pytest.approx(0.96, abs=0.02)
    assert ratio("W", 6.0, 20.0) == pytest.approx(1.04, abs=0.03)
    assert ratio("W", 4.0, 50.0) == pytest.approx(1.075, abs=0.02)


def test_close_to_the_edge_the_difference_to_spekpy_grows():
    """1 kV above molybdenum's edge it is 10 %: SpekPy has 20.01 keV for it, and a table there."""
    assert ratio("Mo", 6.0, 21.0) == pytest.approx(0.895, abs=0.03)


def test_the_sensitivity_of_copper_to_voltage_is_spekpys():
    there = log(spekpy_yield("Cu", 6.0, 50.0) / spekpy_yield("Cu", 6.0, 40.0)) / log(50.0 / 40.0)
    here = line("Cu", 6.0)
    found = log(here.photons_per_electron_sr(50.0) / here.photons_per_electron_sr(40.0))
    assert found / log(50.0 / 40.0) == pytest.approx(there, abs=0.03)
    assert here.log_slope(50.0) == pytest.approx(0.95, abs=0.02)


def test_the_usual_power_law_would_not_be_as_in_spekpy():
    """Green and Cosslett's exponent, with no self-absorption: 40 % too little at 20 kV."""
    law = ((20.0 / 8.979 - 1.0) / (50.0 / 8.979 - 1.0)) ** 1.63
    computed = spekpy_yield("Cu", 6.0, 20.0) / spekpy_yield("Cu", 6.0, 50.0)
    assert law / computed < 0.65


def test_without_self_absorption_copper_would_be_wrong(monkeypatch):
    monkeypatch.setattr(line_yield, "escaping", lambda *_: 1.0)
    free = LineYield("Cu", "Ka", 6.0).photons_per_electron_sr(50.0)
    assert free / spekpy_yield("Cu", 6.0, 50.0) > 1.4


def test_without_fluorescence_by_the_continuum_molybdenum_would_be_wrong(monkeypatch):
    monkeypatch.setattr(line_yield, "ionised_by_continuum", lambda *_: 0.0)
    alone = LineYield("Mo", "Ka", 45.0).photons_per_electron_sr(50.0)
    assert alone / spekpy_yield("Mo", 45.0, 50.0) < 0.85


def casnati_cm2(edge_kev, electron_kev):
    """K shell: Casnati, Tartari and Baraldi, J. Phys. B 15 (1982) 155, an empirical formula."""
    u, t, j = electron_kev / edge_kev, electron_kev / 510.999, edge_kev / 510.999
    rydbergs = edge_kev / 0.0136057
    relativity = (
        (2.0 + j)
        / (2.0 + t)
        * ((1.0 + t) / (1.0 + j)) ** 2
        * ((j + t) * (2.0 + t) * (1.0 + j) ** 2 / (t * (2.0 + t) * (1.0 + j) ** 2 + j * (2.0 + j)))
        ** 1.5
    )
    shape = rydbergs ** (-0.0318 + 0.316 / u - 0.1135 / u**2) * 10.57
    shape *= exp(-1.736 / u + 0.317 / u**2) * log(u) / u
    return 2.0 * 5.29177e-9**2 * relativity * shape / rydbergs**2


@pytest.mark.parametrize("over", [1.5, 2.0, 3.0, 5.0, 7.0])
def test_galliums_cross_section_stands_as_near_to_an_empirical_one_as_its_neighbours(over):
    """SpekPy has no gallium. The two formulas are 5 to 35 % apart, more for heavier atoms."""
    apart = {}
    for element in ("Cu", "Ga", "Mo"):
        edge_kev = xraydb.xray_edge(element, "K").energy / 1e3
        found = line_yield.ionisation_cm2(element, "K", np.array(over * edge_kev))
        apart[element] = casnati_cm2(edge_kev, over * edge_kev) / float(found)
    assert 1.0 < apart["Cu"] - 0.01 < apart["Ga"] < apart["Mo"] < 1.4
    assert apart["Ga"] - apart["Cu"] < 0.4 * (apart["Mo"] - apart["Cu"]) + 0.01


@pytest.mark.parametrize("over", [2.0, 3.0, 4.0])
def test_gallium_is_between_copper_and_molybdenum_at_the_same_overvoltage(over):
    copper, gallium, molybdenum = (
        line(element, 90.0).photons_per_electron_sr(over * line(element, 90.0).edge_kv)
        for element in ("Cu", "Ga", "Mo")
    )
    assert copper < gallium < molybdenum
    assert gallium / copper == pytest.approx(1.04, abs=0.02)


def test_gallium_at_seventy_kilovolts():
    """Seen at 14 degrees it has 1.73 times the photons per electron of copper at 50 kV and 6
    degrees, 1.23 times those per watt."""
    gain = line("Ga", 14.0).photons_per_electron_sr(70.0)
    gain /= line("Cu", 6.0).photons_per_electron_sr(50.0)
    assert gain == pytest.approx(1.73, abs=0.03)


@pytest.mark.parametrize(
    ("element", "apart"), [("Cu", 0.012), ("Mo", 0.016), ("Ag", 0.015), ("W", 0.036)]
)
def test_electrons_get_as_far_as_in_nists_tables(element, apart):
    """Differences of ESTAR's ranges; below 20 keV there are corrections for the inner shells."""
    table = np.load(SPEKPY_TABLES / "CSDA.npz")
    z = ATOMIC_NUMBER[element]
    far = CubicSpline(table[f"E0{z}"].astype(float), table[f"rng{z}"].astype(float))
    for low, high in ((10.0, 20.0), (20.0, 50.0), (50.0, 100.0)):
        found = quad(
            lambda kev: 1.0 / float(line_yield.stopping_kev_cm2_g(element, np.array(kev))),
            low,
            high,
        )[0]
        assert found == pytest.approx(float(far(high) - far(low)), rel=apart)


@pytest.mark.parametrize("element", ["Cu", "Mo", "Ag", "W"])
def test_the_continuum_is_kramers_within_a_fifth_of_nists(element):
    """Seltzer and Berger 1986, for photons of 0.4 to 0.95 of the electron's energy."""
    table = np.load(SPEKPY_TABLES / "NIST.npz")
    z = ATOMIC_NUMBER[element]
    scaled_mb = RegularGridInterpolator(
        (np.log(table["E"].astype(float)), table["u"].astype(float)), table[f"chi{z}"].astype(float)
    )
    kramers_mb = 1e27 * 16.0 * pi / (3.0 * 3.0**0.5) * 2.8179403e-13**2 / 137.036
    for kev in (15.0, 25.0, 50.0):
        for part in (0.4, 0.6, 0.8, 0.95):
            there = float(scaled_mb((log(kev), part))[()])
            assert kramers_mb == pytest.approx(there, rel=0.2)


def test_the_continuum_of_a_thin_step_is_the_cross_section_over_the_stopping():
    """Just below the first energy, but for hard collisions, in the least exact way."""
    first_kev, gap_kev = 50.0, 0.5
    photon_kev = first_kev - gap_kev
    atoms = 6.02214e23 / 95.95
    kramers_cm2 = 5.605e-27 * 42**2 / float(line_yield.beta_squared(np.array(first_kev)))
    stopping = float(line_yield.stopping_kev_cm2_g("Mo", np.array(first_kev)))
    plain = atoms * kramers_cm2 / photon_kev * gap_kev / stopping
    (found,) = line_yield.continuum_photons("Mo", first_kev, np.array([photon_kev]))
    assert 1.0 < found / plain < 1.6


def test_an_electrons_path_is_plain_once_it_has_lost_half_and_longer_before():
    kev = np.array([24.9, 20.0])
    plain = 1.0 / line_yield.stopping_kev_cm2_g("Cu", kev)
    assert line_yield.path_g_cm2_kev("Cu", 50.0, kev) == pytest.approx(plain)
    early = line_yield.path_g_cm2_kev("Cu", 50.0, np.array([45.0])) * (
        line_yield.stopping_kev_cm2_g("Cu", np.array([45.0]))
    )
    assert 1.02 < float(early[0]) < 1.15


def test_backscattering_takes_nothing_at_the_edge_and_its_energy_far_above():
    """Far above, what is lost is the electrons scattered back (0.30 Cu, 0.48 W) and their share."""
    for element, least in (("Cu", 0.75), ("W", 0.55)):
        assert float(line_yield.kept(element, np.array(1.0001))) == pytest.approx(1.0, abs=0.01)
        far = float(line_yield.kept(element, np.array(1e6)))
        assert least < far < least + 0.12


@pytest.mark.parametrize("depth_g_cm2", [0.2e-3, 2e-3, 20e-3])
@pytest.mark.parametrize("chi_cm2_g", [52.0, 496.0, 742.0])
def test_photons_from_a_depth_are_stopped_and_let_out_as_integrated(depth_g_cm2, chi_cm2_g):
    """Isotropic source: the target stops mu E1(mu |z - depth|) / 2 of it per mass depth z."""
    mu = 250.0

    def stopped(z):
        return 0.5 * mu * float(exp1(mu * abs(z - depth_g_cm2))) * exp(-chi_cm2_g * z)

    expected = (
        quad(stopped, 0.0, depth_g_cm2, limit=200)[0]
        + quad(stopped, depth_g_cm2, depth_g_cm2 + 0.1, limit=400)[0]
    )
    found = line_yield.reabsorbed(np.array([mu]), chi_cm2_g, np.array([depth_g_cm2]))
    assert float(found[0]) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("element", ["Cu", "Ga", "Mo", "Ag", "W"])
def test_a_steeper_take_off_absorbs_less(element):
    found = [line(element, angle).photons_per_electron_sr(50.0) for angle in (3.0, 6.0, 20.0, 90.0)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@pytest.mark.parametrize("element", ["Cu", "Ga", "Mo", "Ag", "W"])
def test_there_is_no_line_below_the_edge_and_it_starts_from_nothing(element):
    target = line(element, 6.0)
    for kv in (0.0, 5.0, target.edge_kv):
        assert target.photons_per_electron_sr(kv) == 0.0
    just_above = target.photons_per_electron_sr(target.edge_kv + 1e-6)
    assert 0.0 < just_above < 1e-10


@pytest.mark.parametrize("element", ["Cu", "Mo", "W"])
def test_the_table_is_the_computation(element):
    target = line(element, 6.0)
    for over_kv in (0.5, 3.3, 11.7, 38.9, 70.0):
        kv = target.edge_kv + over_kv
        slow = line_yield.line_photons(element, LINE[element], 6.0, kv)
        assert target.photons_per_electron_sr(kv) == pytest.approx(slow, rel=1e-3)


@pytest.mark.parametrize("element", ["Cu", "Ga", "Mo", "Ag", "W"])
def test_the_slope_is_of_the_yield_and_falls_smoothly(element):
    target = line(element, 6.0)
    kvs = np.arange(target.edge_kv + 1.0, 100.0, 0.1)
    slopes = np.array([target.log_slope(float(kv)) for kv in kvs])
    assert (np.diff(slopes) < 0.0).all()
    for kv in (target.edge_kv + 0.01, 40.0, 50.0):
        step = 1e-5 * (kv - target.edge_kv)
        rise = log(
            target.photons_per_electron_sr(kv + step) / target.photons_per_electron_sr(kv - step)
        )
        assert target.log_slope(kv) == pytest.approx(kv * rise / (2.0 * step), rel=1e-5)


def test_a_rough_target_absorbs_over_its_roughness_and_at_steep_angles_less():
    """A micrometre of copper, 8.96 g/cm3, for its own line."""
    per_cm = 8.96 * xraydb.mu_elam("Cu", 8041.0)
    for angle in (6.0, 45.0):
        rough = line("Cu", angle, roughness_um=1.0).photons_per_electron_sr(50.0)
        smooth = line("Cu", angle).photons_per_electron_sr(50.0)
        assert rough / smooth == pytest.approx(exp(-1e-4 * per_cm / sin(radians(angle))), rel=2e-3)
    assert line("Cu", 6.0, roughness_um=0.0).photons_per_electron_sr(50.0) == pytest.approx(
        line("Cu", 6.0).photons_per_electron_sr(50.0), rel=1e-12
    )


@cache
def spekpy_energy(kv, aluminium_mm=0.0):
    """Energy of tungsten's continuum at 12 degrees, keV per electron and steradian."""
    tube = spekpy.Spek(kvp=kv, th=12.0, targ="W", physics="kqp", dk=2.0)
    if aluminium_mm:
        tube.filter("Al", aluminium_mm)
    kev, photons_cm2 = tube.get_spectrum(diff=False, char=False)
    return float((kev * photons_cm2).sum()) * 100.0**2 / ELECTRONS_PER_MAS


def test_a_continuum_rises_with_the_square_of_the_voltage_as_spekpys_without_a_filter():
    """SpekPy: 1.9, and half the energy of the rule (the target absorbs some); 3.1 to 2.3 with
    1 mm of aluminium, from 40 to 100 kV."""
    target = LineYield("W", "continuum", 12.0)
    assert (target.edge_kv, target.energy_kev) == (0.0, 25.0)
    for kv in (1.0, 40.0, 80.0):
        assert target.log_slope(kv) == pytest.approx(2.0, abs=1e-9)
    bare = log(spekpy_energy(80.0) / spekpy_energy(40.0)) / log(2.0)
    assert bare == pytest.approx(2.0, abs=0.15)
    there = spekpy_energy(80.0) / (25.0 * target.photons_per_electron_sr(80.0))
    assert 0.4 < there < 0.65
    assert log(spekpy_energy(80.0, 1.0) / spekpy_energy(40.0, 1.0)) / log(2.0) > 2.5


def test_the_whole_continuum_has_its_published_efficiency():
    """At 50 kV, over all directions: Cu 0.145 %, Mo 0.21 %, W 0.37 % of the electrons' energy."""
    for element, percent in (("Cu", 0.145), ("Mo", 0.21), ("W", 0.37)):
        target = LineYield(element, "continuum", 12.0, effective_energy_kev=30.0)
        energy_kev = 4.0 * pi * 30.0 * target.photons_per_electron_sr(50.0)
        assert 100.0 * energy_kev / 50.0 == pytest.approx(percent, rel=0.01)
        assert target.energy_kev == 30.0


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no cross-section is known here for Cu La"):
        LineYield("Cu", "La", 6.0)
    with pytest.raises(ValueError, match="take_off_deg"):
        LineYield("Cu", "Ka", 0.0)
    with pytest.raises(ValueError, match="roughness_um"):
        LineYield("Cu", "Ka", 6.0, -0.1)
    for kv in (MAX_KV + 0.1, float("nan")):
        with pytest.raises(ValueError, match="140 kV"):
            line("Cu", 6.0).photons_per_electron_sr(kv)
