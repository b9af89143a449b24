"""Multilayer mirror: what it passes of a displaced source, how it reflects, how it blurs.

A Montel optic is two such mirrors at right angles; each axis sees one of them, a photon both.

Acceptance. A point of the mirror sees the source under x/f1 and reflects it by its rocking curve,
so what it passes of a source displaced by x is the convolution of source and curve. Two Gaussians
of widths S and W at half maximum give a Gaussian of width sqrt(S**2 + W**2). A real curve is no
Gaussian: with computed ones (S = 40 um, 1 to 10 um off the peak) the loss is 0.8 to 1.2 times the
Gaussian's for W up to 1.8 S, 0.7 times at W = 2.5 S, and not quite the same on both sides. Of a
Lorentzian and of a box of the same width it is 0.8 and 1.2 times at W = 0.9 S, 1.2 and 0.1 at 3 S.

Rocking curve. Recursion of Parratt, Phys. Rev. 95 (1954) 359, with the roughness of every
interface after Nevot and Croce, Rev. Phys. Appl. 15 (1980) 761; refractive indices of xraylib. At
one place of the mirror: lateral and depth grading, layer errors, polarisation and the width of
the line (0.05 mrad for Ka1 and Ka2 of copper) are left out.
"""

from math import exp, log, radians
from typing import NamedTuple

import numpy as np
import xraylib

FOUR_LN_2 = 4.0 * log(2.0)
FWHM_PER_RMS = (8.0 * log(2.0)) ** 0.5
MRAD_PER_ARCSEC = 1e3 * radians(1.0 / 3600.0)

# Bulk densities; sputtered films have 90 to 100 % of them. Carbon as sputtered, 2.0 to 2.3.
DENSITY_G_CM3 = {
    "B4C": 2.52,
    "C": 2.2,
    "Cr": 7.19,
    "Mo": 10.22,
    "Ni": 8.90,
    "Si": 2.33,
    "W": 19.3,
}
SUBSTRATE = "Si"
SEARCH = 0.25  # of the Bragg angle, on both sides of it
ANGLES = 4001


def acceptance(displacement_um: float, source_fwhm_um: float, acceptance_um: float) -> float:
    """Part that one mirror passes of a displaced source, 1 when aligned.

    `acceptance_um` is the FWHM of the rocking curve (mrad) times the source distance f1 (mm).
    """
    square_um2 = source_fwhm_um * source_fwhm_um + acceptance_um * acceptance_um
    return exp(-FOUR_LN_2 * displacement_um * displacement_um / square_um2)


def imaged(source_fwhm_um: float, acceptance_um: float) -> tuple[float, float]:
    """What a mirror images of a source: its FWHM (um), and by what part of the source's
    displacement its middle moves. It is the product of source and rocking curve, Gaussians."""
    square_um2 = source_fwhm_um * source_fwhm_um + acceptance_um * acceptance_um
    part = acceptance_um * acceptance_um / square_um2
    return source_fwhm_um * part**0.5, part


def figure_blur_um(slope_error_arcsec: float, image_distance_mm: float) -> float:
    """FWHM that the figure error adds at the focus, um.

    The error is the rms of the mirror's slope, Gaussian; a slope turns the ray by twice itself.
    """
    return (
        2.0 * FWHM_PER_RMS * slope_error_arcsec * MRAD_PER_ARCSEC * image_distance_mm
    )  # mrad mm = um


class Peak(NamedTuple):
    """First Bragg peak of a multilayer."""

    reflectivity: float
    fwhm_mrad: float
    bragg_deg: float


def multilayer_peak(
    energy_kev: float,
    heavy: str,
    light: str,
    period_nm: float,
    gamma: float,
    bilayers: int,
    roughness_nm: float,
) -> Peak:
    """Peak of `bilayers` periods with the heavy layer (gamma of the period) on top, on silicon.

    `roughness_nm` is the rms width of every interface, roughness and interdiffusion together.
    """
    stack = (energy_kev, heavy, light, period_nm, gamma, bilayers, roughness_nm)
    mean = gamma * _index(heavy, energy_kev) + (1.0 - gamma) * _index(light, energy_kev)
    kinematic = (0.1 * xraylib.KEV2ANGST / energy_kev / (2.0 * period_nm)) ** 2
    # Bragg's law inside the stack: sin(theta)**2 = (lambda/2d)**2 + 2 delta
    bragg = np.arcsin(np.sqrt(kinematic + 1.0 - mean.real**2))
    angle = np.linspace((1.0 - SEARCH) * bragg, (1.0 + SEARCH) * bragg, ANGLES)
    curve = multilayer_curve(angle, *stack)
    top = int(curve.argmax())
    below = np.flatnonzero(curve < 0.5 * curve[top])
    left, right = below[below < top], below[below > top]
    if not (left.size and right.size):
        raise ValueError(
            f"{bilayers} bilayers of {heavy}/{light}, {period_nm} nm, have no separate Bragg peak "
            f"at {energy_kev} keV"
        )
    low = _crossing(angle, curve, left[-1], 0.5 * curve[top])
    high = _crossing(angle, curve, right[0] - 1, 0.5 * curve[top])
    return Peak(float(curve[top]), 1e3 * (high - low), float(np.degrees(angle[top])))


def multilayer_curve(
    angle_rad: np.ndarray,
    energy_kev: float,
    heavy: str,
    light: str,
    period_nm: float,
    gamma: float,
    bilayers: int,
    roughness_nm: float,
) -> np.ndarray:
    """Reflectivity over the grazing angle; parameters as of `multilayer_peak`."""
    per_nm = 20.0 * np.pi * energy_kev / xraylib.KEV2ANGST
    air, top, spacer, substrate = (
        per_nm * np.sqrt(index**2 - np.cos(angle_rad) ** 2)
        for index in (
            1.0 + 0j,
            _index(heavy, energy_kev),
            _index(light, energy_kev),
            _index(SUBSTRATE, energy_kev),
        )
    )

    def reflects(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        rough = np.exp(-2.0 * roughness_nm**2 * above * below)
        return (above - below) / (above + below) * rough

    def on(coefficient: np.ndarray, under: np.ndarray) -> np.ndarray:
        return (coefficient + under) / (1.0 + coefficient * under)

    through_top = np.exp(2j * gamma * period_nm * top)
    through_spacer = np.exp(2j * (1.0 - gamma) * period_nm * spacer)
    into_spacer, into_top = reflects(top, spacer), reflects(spacer, top)
    amplitude = through_spacer * reflects(spacer, substrate)
    for _ in range(bilayers - 1):
        amplitude = through_top * on(into_spacer, amplitude)
        amplitude = through_spacer * on(into_top, amplitude)
    amplitude = through_top * on(into_spacer, amplitude)
    return np.abs(on(reflects(air, top), amplitude)) ** 2


def _index(material: str, energy_kev: float) -> complex:
    density = DENSITY_G_CM3[material]
    return complex(
        xraylib.Refractive_Index_Re(material, energy_kev, density),
        xraylib.Refractive_Index_Im(material, energy_kev, density),
    )


def _crossing(angle: np.ndarray, curve: np.ndarray, at: int, level: float) -> float:
    """Where the curve crosses the level between the points at and at + 1."""
    part = (level - curve[at]) / (curve[at + 1] - curve[at])
    return float(angle[at] + part * (angle[at + 1] - angle[at]))
