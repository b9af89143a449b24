"""Attenuation of X-rays in elements and gases, and the lines and edges of atoms.

All from xraylib (Schoonjans et al., Spectrochim. Acta B 66 (2011) 776): total mass attenuation
coefficients, with coherent and incoherent scattering, in cm2/g; photon energies in keV; dry air and
water vapour by the composition of NIST. A narrow beam is assumed: what is scattered is lost.
"""

from typing import Literal, get_args

import xraylib

from twin.physics.air import helium_kg_m3, optical_depth

GasName = Literal["air", "helium", "vacuum"]
DRY_AIR = "Air, Dry (near sea level)"
WATER_VAPOUR = "Water Vapor"
SHELLS = {
    "K": xraylib.K_SHELL,
    "L1": xraylib.L1_SHELL,
    "L2": xraylib.L2_SHELL,
    "L3": xraylib.L3_SHELL,
}
# A line is the unresolved sum of these: Ka1 and Ka2; La1 and La2.
LINES = {
    "Ka": (xraylib.KL3_LINE, xraylib.KL2_LINE),
    "La": (xraylib.L3M5_LINE, xraylib.L3M4_LINE),
}
SHELL_OF_LINE = {"Ka": "K", "La": "L3"}
COSTER_KRONIG = {
    ("L1", "L2"): xraylib.FL12_TRANS,
    ("L1", "L3"): xraylib.FL13_TRANS,
    ("L2", "L3"): xraylib.FL23_TRANS,
}


def atomic_number(symbol: str) -> int:
    """Z of an element; ValueError for what is none."""
    return int(xraylib.SymbolToAtomicNumber(symbol))


def atomic_weight(symbol: str) -> float:
    """Mean molar mass, g/mol."""
    return float(xraylib.AtomicWeight(atomic_number(symbol)))


def element_cm2_per_g(symbol: str, energy_kev: float) -> float:
    """Total mass attenuation coefficient of an element, cm2/g."""
    return float(xraylib.CS_Total(atomic_number(symbol), energy_kev))


def shell_cm2_per_g(symbol: str, shell: str, energy_kev: float) -> float:
    """Photoelectric absorption by one shell of an element, cm2/g; 0 below its edge."""
    if energy_kev <= edge_kev(symbol, shell):
        return 0.0
    return float(xraylib.CS_Photo_Partial(atomic_number(symbol), SHELLS[shell], energy_kev))


def dry_air_cm2_per_g(energy_kev: float) -> float:
    """Dry air near sea level, cm2/g."""
    return float(xraylib.CS_Total_CP(DRY_AIR, energy_kev))


def vapour_cm2_per_g(energy_kev: float) -> float:
    """Water vapour, cm2/g."""
    return float(xraylib.CS_Total_CP(WATER_VAPOUR, energy_kev))


def helium_cm2_per_g(energy_kev: float) -> float:
    """Helium, cm2/g."""
    return element_cm2_per_g("He", energy_kev)


def edge_kev(symbol: str, shell: str) -> float:
    """Absorption edge of a shell, keV."""
    return float(xraylib.EdgeEnergy(atomic_number(symbol), SHELLS[shell]))


def excitation_kv(element: str, line: str) -> float:
    """Tube voltage from which on the line is there, kV; 0 for "continuum"."""
    return 0.0 if line == "continuum" else edge_kev(element, SHELL_OF_LINE[line])


def fluorescence_yield(symbol: str, shell: str) -> float:
    """Photons per vacancy of a shell."""
    return float(xraylib.FluorYield(atomic_number(symbol), SHELLS[shell]))


def coster_kronig(symbol: str, vacancy: str, moves_to: str) -> float:
    """Probability that a vacancy of an L subshell moves to a higher one in one step."""
    return float(xraylib.CosKronTransProb(atomic_number(symbol), COSTER_KRONIG[vacancy, moves_to]))


def line_fraction(symbol: str, line: str) -> float:
    """Part of the photons of its shell that are of this line ("Ka" or "La")."""
    return sum(_rates(symbol, line))


def line_energy_kev(symbol: str, line: str) -> float:
    """Mean energy of the line ("Ka" or "La"), weighted by the intensities of its two parts, keV."""
    z = atomic_number(symbol)
    rates = _rates(symbol, line)
    parts = zip(rates, LINES[line], strict=True)
    return sum(rate * float(xraylib.LineEnergy(z, part)) for rate, part in parts) / sum(rates)


class Gas:
    """What fills the beam path, at the photons' energy."""

    def __init__(self, name: GasName, energy_kev: float):
        if name not in get_args(GasName):
            raise ValueError(f"no gas {name!r}: one of {', '.join(get_args(GasName))}")
        self.name = name
        self._dry_cm2_per_g = dry_air_cm2_per_g(energy_kev)
        self._vapour_cm2_per_g = vapour_cm2_per_g(energy_kev)
        self._helium_cm2_per_g = helium_cm2_per_g(energy_kev)

    def optical_depth(self, path_cm: float, dry_kg_m3: float, vapour_kg_m3: float) -> float:
        """Optical depth of a path, dimensionless: the transmission is exp(-depth).

        The densities are those of the room's air (air.densities_kg_m3), also for helium, which is
        pure and has the room's pressure and temperature.
        """
        if self.name == "air":
            return optical_depth(
                dry_kg_m3, vapour_kg_m3, path_cm, self._dry_cm2_per_g, self._vapour_cm2_per_g
            )
        if self.name == "helium":
            helium = helium_kg_m3(dry_kg_m3, vapour_kg_m3)
            return 1e-3 * path_cm * helium * self._helium_cm2_per_g
        return 0.0


def _rates(symbol: str, line: str) -> list[float]:
    z = atomic_number(symbol)
    return [float(xraylib.RadRate(z, part)) for part in LINES[line]]
