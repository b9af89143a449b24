"""Photons of a characteristic line that leave a target, per electron and steradian.

Nothing is fitted. An electron that enters at right angles loses energy at the Bethe rate (Berger
and Seltzer, ICRU 37) and on its way ionises the shell with the cross-section of Bote et al., At.
Data Nucl. Data Tables 95 (2009) 871; close to its first energy it has not yet had its share of the
hard collisions (Spencer and Attix, Radiat. Res. 3 (1955) 239); scattered back, it is lost (Pouchou
and Pichoir, Electron Probe Quantitation, 1991). Its continuum, by the cross-section of Kramers,
Phil. Mag. 46 (1923) 836, ionises too. Both kinds of photons are absorbed on their way out: those
of the electrons by Philibert's formula with the constants of Duncumb and Heinrich (Heinrich, NBS
Spec. Publ. 298 (1968) 5). Yields, line fractions and attenuation are those of xraylib.

Left out: vacancies of L that come from K (tungsten above 69.5 kV), fluorescence by the element's
own other lines, and the direction of the continuum.
"""

from math import exp, log, pi, radians, sin

import numpy as np
from scipy.constants import Avogadro, alpha, physical_constants
from scipy.interpolate import CubicSpline

from twin.physics import attenuation as xray
from twin.physics.ageing import roughness_transmission
from twin.physics.air import densities_kg_m3
from twin.physics.cross_sections import IONISATION, MAX_KV
from twin.physics.materials import TARGETS

BOHR_CM = 100.0 * physical_constants["Bohr radius"][0]
ELECTRON_RADIUS_CM = 100.0 * physical_constants["classical electron radius"][0]
ELECTRON_KEV = 1e3 * physical_constants["electron mass energy equivalent in MeV"][0]
CONTINUUM_PER_EV = 2e-9  # efficiency is this * Z * E0 / 2: Int. Tables Cryst. C (2006) 4.2.1

MEAN_EXCITATION_KEV = {"Cu": 0.322, "Ga": 0.334, "Mo": 0.424, "Ag": 0.470, "W": 0.727}  # ICRU 37
_X, _W = np.polynomial.legendre.leggauss(24)
UNIT, WEIGHT = 0.5 * (_X + 1.0), 0.5 * _W


def ionisation_cm2(element: str, shell: str, electron_kev: np.ndarray) -> np.ndarray:
    """Cross-section of a shell for ionisation by an electron, cm2, up to 16 times its edge."""
    a1, a2, a3, a4, a5 = IONISATION[element, shell]
    over = np.maximum(electron_kev / xray.edge_kev(element, shell), 1.0)
    more = 1.0 + over
    shape = a1 + a2 * over + a3 / more + a4 / more**3 + a5 / more**5
    return 4.0 * pi * BOHR_CM**2 * (over - 1.0) * (shape / over) ** 2


def beta_squared(electron_kev: np.ndarray) -> np.ndarray:
    """(Speed over that of light) squared."""
    return 1.0 - 1.0 / (1.0 + electron_kev / ELECTRON_KEV) ** 2


def stopping_kev_cm2_g(element: str, electron_kev: np.ndarray) -> np.ndarray:
    """Loss of energy in collisions, keV cm2/g (ICRU 37, without the density effect)."""
    tau = electron_kev / ELECTRON_KEV
    beta2 = beta_squared(electron_kev)
    exchange = (1.0 - beta2) * (1.0 + tau**2 / 8.0 - (2.0 * tau + 1.0) * log(2.0))
    logarithm = 2.0 * np.log(electron_kev / MEAN_EXCITATION_KEV[element]) + np.log1p(0.5 * tau)
    per_mole = 2.0 * pi * ELECTRON_RADIUS_CM**2 * ELECTRON_KEV * Avogadro
    z_over_a = xray.atomic_number(element) / xray.atomic_weight(element)
    return per_mole * z_over_a / beta2 * (logarithm + exchange)


def path_g_cm2_kev(element: str, first_kev: float, electron_kev: np.ndarray) -> np.ndarray:
    """Path of an electron that began at first_kev, per keV of energy on it, g/(cm2 keV).

    1 / stopping where losses have levelled out. A collision by which it would drop past an energy
    only just below the first counts there for what is between the two, not for all that it costs
    (losses Q are as frequent as 1 / Q**2, up to half the energy).
    """
    binding_kev = MEAN_EXCITATION_KEV[element]
    part = np.clip((first_kev - electron_kev) / (0.5 * first_kev), 2 * binding_kev / first_kev, 1)
    missing = (part - 1.0 - np.log(part)) / (2.0 * np.log(1.166 * electron_kev / binding_kev))
    return 1.0 / (stopping_kev_cm2_g(element, electron_kev) * (1.0 - missing))


def kept(element: str, over: np.ndarray) -> np.ndarray:
    """Part of the ionisations (or of the photons) that is left of those which there would be
    without backscattering, at this ratio (above 1) of the first energy to the least useful one."""
    z = xray.atomic_number(element)
    scattered = 0.00175 * z + 0.37 * (1.0 - exp(-0.015 * z**1.3))
    energy = 0.595 + scattered / 3.7 + scattered**4.55
    q = (2.0 * energy - 1.0) / (1.0 - energy)
    area = 1.0 + over * (np.log(over) - 1.0)
    loss = (over - 1.0 - (1.0 - over ** (-1.0 - q)) / (1.0 + q)) / ((2.0 + q) * area)
    return 1.0 - scattered * energy * (1.0 - loss)


def depth_constants(
    element: str, first_kev: float, least_kev: np.ndarray
) -> tuple[np.ndarray, float]:
    """(sigma in cm2/g, h / (1 + h)) of Philibert's formula."""
    h = 1.2 * xray.atomic_weight(element) / xray.atomic_number(element) ** 2
    return 4.5e5 / (first_kev**1.65 - least_kev**1.65), h / (1.0 + h)


def escaping(element: str, first_kev: float, edge_kev: float, chi_cm2_g: float) -> float:
    """Part of the electrons' photons that gets out. chi: mass attenuation / sin(take-off)."""
    sigma, flat = depth_constants(element, first_kev, np.array(edge_kev))
    return float(1.0 / ((1.0 + chi_cm2_g / sigma) * (1.0 + flat * chi_cm2_g / sigma)))


def continuum_photons(element: str, first_kev: float, photon_kev: np.ndarray) -> np.ndarray:
    """Continuum that an electron makes, in all directions, photons/keV."""
    gap = (first_kev - photon_kev)[:, None]
    electron_kev = first_kev - gap * UNIT**2  # close together where there are few losses yet
    kramers = 16.0 * pi / (3.0 * 3.0**0.5) * alpha * ELECTRON_RADIUS_CM**2
    cm2_per_kev = kramers * xray.atomic_number(element) ** 2 / beta_squared(electron_kev)
    path = path_g_cm2_kev(element, first_kev, electron_kev)
    photons = (WEIGHT * 2.0 * UNIT * gap * cm2_per_kev * path).sum(axis=1) / photon_kev
    atoms = Avogadro / xray.atomic_weight(element)
    return atoms * photons * kept(element, first_kev / photon_kev)


def reabsorbed(mu: np.ndarray, chi_cm2_g: float, depth_g_cm2: np.ndarray) -> np.ndarray:
    """Part of the photons from this depth, to all sides alike, that the target stops (mu, cm2/g),
    each weighted by the part of another line that would get out from there (chi)."""
    inward = 0.5 * mu / chi_cm2_g * np.log1p(chi_cm2_g / mu)
    slope = mu[:, None] - chi_cm2_g * UNIT  # over the cosine of the way up
    upward = -np.expm1(-slope / UNIT * depth_g_cm2[:, None]) / slope
    outward = 0.5 * mu * (WEIGHT * upward).sum(axis=1)
    return np.exp(-chi_cm2_g * depth_g_cm2) * (inward + outward)


def ionised_by_continuum(element: str, shell: str, first_kev: float, chi_cm2_g: float) -> float:
    """Vacancies by the continuum per electron, times the part of their photons that gets out.

    The continuum comes from the mean depth of the electrons that can make it, to all sides alike.
    """
    least_kev = xray.edge_kev(element, shell)
    inner = [xray.edge_kev(element, name) for name in ("L2", "L1", "K")]  # attenuation jumps there
    bounds = [least_kev, *(kev for kev in inner if least_kev < kev < first_kev), first_kev]
    widths = np.diff(bounds)
    photon_kev = (np.array(bounds[:-1])[:, None] + widths[:, None] * UNIT).ravel()
    weights = (widths[:, None] * WEIGHT).ravel()
    mu = np.array([xray.element_cm2_per_g(element, float(kev)) for kev in photon_kev])
    own = np.array([xray.shell_cm2_per_g(element, shell, float(kev)) for kev in photon_kev])
    sigma, flat = depth_constants(element, first_kev, photon_kev)
    depth = (1.0 + flat) / sigma  # g/cm2, the mean of what Philibert's formula is made from
    caught = own / mu * reabsorbed(mu, chi_cm2_g, depth)
    return float((weights * continuum_photons(element, first_kev, photon_kev) * caught).sum())


def ionised_by_electrons(element: str, shell: str, first_kev: float) -> float:
    """Vacancies of a shell per electron."""
    edge_kev = xray.edge_kev(element, shell)
    electron_kev = first_kev - (first_kev - edge_kev) * UNIT**2
    path = path_g_cm2_kev(element, first_kev, electron_kev)
    ionised = ionisation_cm2(element, shell, electron_kev) * path
    total = (WEIGHT * 2.0 * UNIT * (first_kev - edge_kev) * ionised).sum()
    atoms = Avogadro / xray.atomic_weight(element)
    return float(atoms * total * kept(element, np.array(first_kev / edge_kev)))


def line_photons(element: str, line: str, take_off_deg: float, kv: float) -> float:
    """Photons of the line per electron and steradian from a smooth target; slow, see LineYield."""
    energy_kev = xray.line_energy_kev(element, line)
    chi_cm2_g = xray.element_cm2_per_g(element, energy_kev) / sin(radians(take_off_deg))
    shells = {"K": 1.0}
    if line == "La":
        f12, f13, f23 = (
            xray.coster_kronig(element, *way) for way in (("L1", "L2"), ("L1", "L3"), ("L2", "L3"))
        )
        shells = {"L3": 1.0, "L2": f23, "L1": f13 + f12 * f23}
    vacancies = 0.0
    for shell, reaches in shells.items():
        edge_kev = xray.edge_kev(element, shell)
        if kv > edge_kev:
            direct = ionised_by_electrons(element, shell, kv)
            direct *= escaping(element, kv, edge_kev, chi_cm2_g)
            vacancies += reaches * (direct + ionised_by_continuum(element, shell, kv, chi_cm2_g))
    photons = xray.fluorescence_yield(element, xray.SHELL_OF_LINE[line])
    return vacancies * photons * xray.line_fraction(element, line) / (4.0 * pi)


class LineYield:
    """A target's yield against the tube's voltage, quick to ask: a table made once.

    The table is of the logarithms of the yield and of the voltage above the edge, in which the
    curve is nearly straight. "continuum" is a rule, not a spectrum: the energy b Z U**2 / 2 per
    electron, to all sides alike and unabsorbed, in photons of effective_energy_kev (by default
    half of 50 kV; a part of 0.4 to 0.65 of the voltage with 1 to 3 mm of aluminium).
    """

    NODES = 100
    FIRST_KV = 0.02  # above the edge; a power law below it

    def __init__(
        self,
        element: str,
        line: str,
        take_off_deg: float,
        roughness_um: float = 0.0,
        effective_energy_kev: float = 25.0,
    ):
        if not 0.0 < take_off_deg <= 90.0 or roughness_um < 0.0:
            raise ValueError("take_off_deg is above 0 up to 90, roughness_um not below 0")
        if line != "continuum" and (element, xray.SHELL_OF_LINE[line]) not in IONISATION:
            raise ValueError(f"no cross-section is known here for {element} {line}")
        self.edge_kv = xray.excitation_kv(element, line)
        self.energy_kev = effective_energy_kev
        if line != "continuum":
            self.energy_kev = xray.line_energy_kev(element, line)
        per_cm = xray.element_cm2_per_g(element, self.energy_kev)
        per_cm *= 1e-3 * TARGETS[element].density_kg_m3
        smooth = roughness_transmission(roughness_um, per_cm, take_off_deg)
        over_kv = np.geomspace(self.FIRST_KV, MAX_KV - self.edge_kv, self.NODES)
        if line == "continuum":
            per_kv2 = 0.5e3 * CONTINUUM_PER_EV * xray.atomic_number(element)  # keV/kV2
            photons = per_kv2 * over_kv**2 / (4.0 * pi * effective_energy_kev)
        else:
            photons = np.array(
                [
                    line_photons(element, line, take_off_deg, self.edge_kv + float(over))
                    for over in over_kv
                ]
            )
        spline = CubicSpline(np.arange(self.NODES), np.log(smooth * photons), bc_type="natural")
        self._cubics = [tuple(row) for row in spline.c.T.tolist()]
        self._first = log(self.FIRST_KV)
        self._step = log((MAX_KV - self.edge_kv) / self.FIRST_KV) / (self.NODES - 1)

    def photons_per_electron_sr(self, kv: float) -> float:
        """Photons of the line per electron and steradian; 0 below the edge."""
        if kv <= self.edge_kv:
            return 0.0
        (cube, square, slope, value), x = self._place(kv)
        return exp(((cube * x + square) * x + slope) * x + value)

    def log_slope(self, kv: float) -> float:
        """Relative change of the yield over that of the voltage, dlnI/dlnU; above the edge."""
        (cube, square, slope, _), x = self._place(kv)
        per_log = ((3.0 * cube * x + 2.0 * square) * x + slope) / self._step
        return per_log * kv / (kv - self.edge_kv)

    def _place(self, kv: float) -> tuple[tuple[float, ...], float]:
        if not kv <= MAX_KV:
            raise ValueError(f"{kv:g} kV: the yield is known up to {MAX_KV:g} kV")
        x = (log(kv - self.edge_kv) - self._first) / self._step
        if x < 0.0:
            _, _, slope, value = self._cubics[0]
            return (0.0, 0.0, slope, value), x
        at = min(int(x), self.NODES - 2)
        return self._cubics[at], x - at


def helium_part(element: str, line: str) -> float:
    """Absorption of helium by that of the air of a usual room, for the target's line."""
    energy_kev = LineYield(element, line, 90.0).energy_kev
    air = densities_kg_m3(22.0, 1013.25, 45.0)
    of_helium = xray.Gas("helium", energy_kev).optical_depth(1.0, *air)
    return of_helium / xray.Gas("air", energy_kev).optical_depth(1.0, *air)
