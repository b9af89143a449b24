"""The beam on the sample: its size, its part on the crystal, the cell axis it can resolve.

Size: image of the source and blur of the mirrors, per axis, add in squares. The crystal is a
square across the beam; the beam is a Gaussian, so each axis gives an error function. A round
crystal of the same diameter loses 1.1 times as much of a displaced beam (beam 110 um, crystal
100 um).

Resolvable cell axis, by the criterion of angular separation. Neighbouring reflections of an axis
a lie lambda/a apart on the Ewald sphere. They are resolved if that is no less than the full width
of one reflection where it is broadest, across the plane of diffraction:

    lambda/a = sqrt(alpha**2 + (s/D)**2 + (eta lambda/d)**2)

* alpha: divergence, full width; the beam is focused at the crystal.
* s/D: crystal (or beam, if smaller) over its distance from the detector. Usual 0.1 mm over 100 mm,
  range 0.05 to 0.2 mm over 60 to 200 mm. The detector's own blur is left out.
* eta lambda/d: blocks turned by the mosaicity eta (full width) turn a reflection of spacing d by
  2 sin(theta) eta. 4 A is in the middle of a macromolecular pattern; range 3 to 5 A.
* one full width between centres. A stricter 1.5 makes every axis 1.5 times as short.
* independent widths, as of Gaussians.

It is derived here. What Bruker's note on laboratory sources gives with its collimators of 7.6, 5,
3 and 2 mrad (200, 300, 400, 500 A) is in round hundreds, its equation not known here. For copper,
0.3 deg, 0.1 mm, 100 mm and 4 A the difference is -3, -6, +3 and +2 %; from 3 to 5 A at most 12 %;
a crystal of 0.2 mm at 60 mm makes the last 30 % less.
"""

from math import erf, hypot, log, radians, sqrt

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
