"""The beam on the sample: its size, its part on the crystal, the cell axis it can resolve.

Size: image of the source and blur of the mirrors, per axis, add in squares. The crystal is a
square across the beam; the beam is a Gaussian, so each axis gives an error function. A round
crystal of the same diameter loses 1.1 times as much of a displaced beam (beam 110 um, crystal
100 um).

Resolvable cell axis, by the criterion of angular separation. Neighbouring reflections of an axis
a lie lambda/a apart on the Ewald sphere (a Bragg angle's worth is neglected on a flat detector).
They are resolved if that is no less than the full width of one reflection,

    lambda/a = sqrt(alpha**2 + (s/D)**2 + (eta lambda/d)**2)

* alpha: divergence, as full width. Focused at the crystal, so it adds nothing to s.
* s/D: crystal (or beam, if smaller) over its distance from the detector; 0.1 mm over 100 mm
  usual, range 0.05 to 0.2 mm over 60 to 200 mm. The detector's own blur is left out.
* eta lambda/d: mosaicity eta (full width) turns a reflection of spacing d by eta about the normal
  of its plane's rocking, 2 sin(theta) eta across. 4 A is the middle of a macromolecular pattern;
  range 3 to 5 A.
* one full width between centres; a stricter 1.5 shortens every axis by 1.5.

The widths are taken as independent. This is derived here, not the equation that was published
with the collimators of 7.6, 5, 3 and 2 mrad, 200, 300, 400 and 500 A: at 0.3 deg it differs from
them by -3, -6, +3 and +2 % at 4 A, and by no more than 12 % from 3 to 5 A.
"""

from math import erf, hypot, log, pi, radians, sqrt

ROOT_LN_2 = sqrt(log(2.0))


def beam_fwhm_um(source_fwhm_um: float, magnification: float, blur_um: float) -> float:
    """Beam at the focus, one axis, FWHM."""
    return hypot(magnification * source_fwhm_um, blur_um)


def axis_fraction(beam_um: float, displacement_um: float, crystal_um: float) -> float:
    """Part of a beam (FWHM) between the edges of a crystal, one axis; displacement of the beam
    from the crystal's middle, in the sample's plane."""
    per_um = 2.0 * ROOT_LN_2 / beam_um
    half_um = 0.5 * crystal_um
    return 0.5 * (
        erf(per_um * (half_um - displacement_um)) + erf(per_um * (half_um + displacement_um))
    )


def crystal_fraction(
    beam_x_um: float,
    beam_y_um: float,
    displacement_x_um: float,
    displacement_y_um: float,
    crystal_um: float,
) -> float:
    """Part of the beam's photons that meet the square crystal; the rest only makes background."""
    return axis_fraction(beam_x_um, displacement_x_um, crystal_um) * axis_fraction(
        beam_y_um, displacement_y_um, crystal_um
    )


def mean_density(fraction: float, beam_x_um: float, beam_y_um: float, crystal_um: float) -> float:
    """Mean flux density on the crystal by the beam's largest, from `crystal_fraction`."""
    effective_um2 = pi * beam_x_um * beam_y_um / (4.0 * ROOT_LN_2**2)
    return fraction * effective_um2 / crystal_um**2


def resolvable_axis_angstrom(
    wavelength_angstrom: float,
    divergence_mrad: float,
    crystal_um: float,
    detector_mm: float,
    mosaicity_deg: float,
    spacing_angstrom: float,
) -> float:
    """Longest cell axis whose reflections stay apart, by the criterion of angular separation."""
    mosaic_mrad = 1e3 * radians(mosaicity_deg) * wavelength_angstrom / spacing_angstrom
    width_mrad = hypot(divergence_mrad, crystal_um / detector_mm, mosaic_mrad)  # um/mm = mrad
    return 1e3 * wavelength_angstrom / width_mrad
