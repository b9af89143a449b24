"""Flux density at the sample from the brightness of the source: I = B R alpha**2.

The equation of Bruker's note on laboratory sources for macromolecular crystallography. An optic
cannot make a source brighter (Liouville), so at the middle of its image the flux density is the
source's brightness, times what the mirrors reflect, times the solid angle the light comes from.

* B, photons/(s mm2 sr): of the line, leaving the target in the direction of the optic. The area is
  the apparent focus, width times height, as if evenly filled. At the centre of a Gaussian focus of
  those widths at half maximum B is 0.88 of it; a relative intensity does not depend on that.
* R: product of the reflectivities, two of them for a Montel optic.
* alpha, mrad: full angle of convergence per axis; the light comes from a square, as a Montel optic
  gives it: solid angle alpha**2. A round cone of full angle alpha has pi/4 of that.

It is an upper limit. Left out are air and windows, blur by the mirrors' figure, parts of the
mirrors that reflect nothing and a source larger than they accept.
"""

from scipy.constants import e


def brightness(
    current_ma: float, photons_per_electron_sr: float, width_um: float, height_um: float
) -> float:
    """Photons/(s mm2 sr) of an apparent focus of this width and height."""
    per_s_sr = 1e-3 * current_ma / e * photons_per_electron_sr
    return per_s_sr / (1e-6 * width_um * height_um)


def flux_density(per_s_mm2_sr: float, reflectivity: float, convergence_mrad: float) -> float:
    """Photons/(s mm2) at the middle of the focus, from the brightness."""
    return per_s_mm2_sr * reflectivity * (1e-3 * convergence_mrad) ** 2
