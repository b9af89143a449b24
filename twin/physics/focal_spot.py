"""Temperature of the focal spot: still target, rotating anode, liquid jet. All algebraic.

Still target. A half-space of conductivity k, heated at its surface and cold far away; a point
source P gives P/(2 pi k r), so a spot is the integral of its flux over 1/r (Carslaw and Jaeger,
Conduction of Heat in Solids, 2nd ed. 1959, ch. 10). At the centre, with the absorbed power P,

    uniform disc of diameter d        2 P / (pi k d)                     = 0.637 P/(k d)
    round Gaussian, width at half F   sqrt(ln 2 / pi) P / (k F)          = 0.470 P/(k F)
    elliptical Gaussian               P K(m) / (pi**1.5 k a)
    uniform ellipse                   2 P K(m) / (pi**2 k a)

with a >= b the radii (1/e or edge) and m = 1 - (b/a)**2. A spot follows its power in a**2/alpha,
microseconds, so it has no state.

Volume heating. Electrons put their heat some micrometres deep, which helps a small spot (Braun,
Proc. SPIE 70 (1976), doi 10.1117/12.954573). The heat is laid into a sheet at their mean depth,
MEAN_DEPTH of the range of Kanaya and Okayama, J. Phys. D 5 (1972) 43; the surface above it is
exactly known. With the depth distribution of Everhart and Hoff, J. Appl. Phys. 42 (1971) 5837,
and Gruen's range the mean depth in aluminium is 0.27 to 0.29 of Kanaya and Okayama's range.
Assumed for all targets; range 0.2 to 0.4. Spreading sideways is left out: the spot is hotter so.

Rotating anode. The track runs under the spot, is heated for t = width/speed and rises by
2 q sqrt(alpha t / pi) / k (A. Mueller, Proc. R. Soc. A 125 (1929) 507 and 132 (1931) 646;
Oosterkamp, Philips Res. Rep. 3 (1948) 49, 161, 303), over the mean temperature of the track.

Source classes and the guideline of 1 W per um of focal spot: Source-Ray's notes on mini-, micro-
and nanofocus tubes.
"""

from dataclasses import dataclass
from math import e, erfc, exp, log, pi, radians, sin, sqrt

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import ellipk, erfcx

from twin.physics.materials import Target

BODY_K = 333.0  # a target cooled by air or warm water
MEAN_DEPTH = 0.3
ROOT_LN_2 = sqrt(log(2.0))
# Largest value of the integral of exp(-(x - s)**2) / sqrt(s) over s > 0, at x = 0.541: what the
# trailing side of a Gaussian spot gets.
GAUSSIAN_TRAIL = 2.152367


@dataclass(frozen=True)
class ElectronSpot:
    """The spot on the target's surface. `length_um` runs along the take-off direction, before
    foreshortening; `width_um` across it, and that is how a rotating track moves. Gaussian: widths
    at half maximum. Otherwise an evenly filled ellipse: its diameters."""

    width_um: float
    length_um: float
    gaussian: bool = True

    def apparent_um(self, takeoff_deg: float) -> tuple[float, float]:
        """(width, height) as the optic sees it under the take-off angle."""
        return self.width_um, self.length_um * sin(radians(takeoff_deg))

    def radii_um(self) -> tuple[float, float]:
        """Of width and length: to 1/e of a Gaussian, or to the edge."""
        shrink = 0.5 / ROOT_LN_2 if self.gaussian else 0.5
        return shrink * self.width_um, shrink * self.length_um

    def peak_w_m2(self, absorbed_w: float) -> float:
        """Largest heat flux: P/(pi a b), for both shapes."""
        across_um, along_um = self.radii_um()
        return 1e12 * absorbed_w / (pi * across_um * along_um)


def focus_class(size_um: float) -> str:
    """Class by the size of the (apparent) focal spot. Source-Ray names 5 to 20 um microfocus and
    20 to 100 um mini focus; what lies between 1 and 5 um counts as micro here."""
    if size_um < 1.0:
        return "nano"
    if size_um <= 20.0:
        return "micro"
    return "mini" if size_um <= 100.0 else "standard"


def watts_per_um(beam_w: float, spot: ElectronSpot, takeoff_deg: float) -> float:
    """Power on the target by the larger side of the apparent spot, W/um."""
    return beam_w / max(spot.apparent_um(takeoff_deg))


def gaussian_rise_k(absorbed_w: float, fwhm_um: float, conductivity_w_mk: float) -> float:
    """Centre of a round Gaussian spot over the body, K."""
    return 1e6 * ROOT_LN_2 / sqrt(pi) * absorbed_w / (conductivity_w_mk * fwhm_um)


def still_rise_k(absorbed_w: float, spot: ElectronSpot, conductivity_w_mk: float) -> float:
    """Centre of an elliptical spot on a still target over the body, K; heat at the surface."""
    radii_um = spot.radii_um()
    short_um, long_um = min(radii_um), max(radii_um)
    factor = 1.0 / pi**1.5 if spot.gaussian else 2.0 / pi**2
    elliptic = float(ellipk(1.0 - (short_um / long_um) ** 2))
    return 1e6 * factor * absorbed_w * elliptic / (conductivity_w_mk * long_um)


def heat_depth_um(target: Target, beam_kv: float) -> float:
    """Mean depth at which the electrons leave their heat, um."""
    range_um = 0.0276 * target.molar_mass_g * beam_kv**1.67
    range_um /= target.atomic_number**0.889 * 1e-3 * target.density_kg_m3
    return MEAN_DEPTH * range_um


def still_depth_factor(spot: ElectronSpot, depth_um: float) -> float:
    """What a still spot's rise comes down to when its heat lies depth_um deep, 0 to 1.

    By angles around the centre: in each, a Gaussian of radius w gives w erfcx(z/w) where it gave
    w, and an evenly filled one sqrt(w**2 + z**2) - z. The sum over a period of a smooth function
    converges exponentially; 1024 angles are good to 1e-9 for spots up to 100 times as long as
    wide.
    """
    across_um, along_um = spot.radii_um()
    angle = np.arange(1024) * (pi / 1024)
    radius = 1.0 / np.hypot(np.cos(angle) / across_um, np.sin(angle) / along_um)
    if spot.gaussian:
        deep = radius * erfcx(depth_um / radius)
    else:
        deep = np.hypot(radius, depth_um) - depth_um
    return float(deep.sum() / radius.sum())


def track_rise_k(peak_w_m2: float, width_um: float, speed_m_s: float, target: Target) -> float:
    """Mueller's and Oosterkamp's rise of a track under an evenly heated band of this width, K.

    It neglects what flows along the track, and so is too high: by 1 % at a Peclet number of
    speed * width / (4 alpha) = 30, 4 % at 5, 14 % at 1, 60 % at 0.1 (against Jaeger's moving band).
    """
    heated_s = 1e-6 * width_um / speed_m_s
    return (
        2.0 * peak_w_m2 * sqrt(target.diffusivity_m2_s * heated_s / pi) / (target.conductivity_w_mk)
    )


def moving_rise_k(absorbed_w: float, spot: ElectronSpot, speed_m_s: float, target: Target) -> float:
    """Hottest place of the passing track over its mean temperature, K; heat at the surface.

    Both the track's formula and that of the still target are upper bounds; the lower one is taken.
    A round Gaussian spot is up to 40 % cooler than that at a Peclet number near 1, 5 % at 10.
    """
    still = still_rise_k(absorbed_w, spot, target.conductivity_w_mk)
    if speed_m_s <= 0.0:
        return still
    flux = spot.peak_w_m2(absorbed_w)
    if spot.gaussian:
        radius_m = 1e-6 * spot.radii_um()[0]
        fast = flux / target.conductivity_w_mk * GAUSSIAN_TRAIL
        fast *= sqrt(target.diffusivity_m2_s * radius_m / (pi * speed_m_s))
    else:
        fast = track_rise_k(flux, spot.width_um, speed_m_s, target)
    return min(still, fast)


def moving_depth_factor(
    width_um: float, depth_um: float, speed_m_s: float, target: Target
) -> float:
    """What a track's rise comes down to when its heat lies depth_um deep, 0 to 1: the surface
    above a buried sheet that has been heated for width/speed, sqrt(pi) ierfc(z/2 sqrt(alpha t))."""
    x = 0.5e-6 * depth_um / sqrt(target.diffusivity_m2_s * 1e-6 * width_um / speed_m_s)
    return max(0.0, exp(-x * x) - sqrt(pi) * x * erfc(x))


def track_mean_k(
    absorbed_w: float, spot: ElectronSpot, track_diameter_mm: float, target: Target
) -> float:
    """Mean rise of the whole track over the anode's body, K: a ring band as broad as the spot is
    long, steadily heated, on a half-space: P/(2 pi**2 R k) ln(16 e R / length)."""
    radius_um = 500.0 * track_diameter_mm
    per_w = log(16.0 * e * radius_um / spot.length_um) / (2e-6 * pi**2 * radius_um)
    return absorbed_w * per_w / target.conductivity_w_mk


def jet_rise_k(
    absorbed_w: float, across_um: float, depth_um: float, speed_m_s: float, target: Target
) -> float:
    """Liquid that has passed the beam, K: the power heats a stream across_um wide and depth_um
    deep, which loses nothing meanwhile."""
    heat_j_m3_k = target.density_kg_m3 * target.specific_heat_j_kgk
    return 1e12 * absorbed_w / (heat_j_m3_k * speed_m_s * across_um * depth_um)


def surface_k(target: Target, body_k: float, rise_k: float) -> float:
    """Temperature of a still spot when the conductivity falls with temperature.

    rise_k is that of a formula above, with the target's constant conductivity. Kirchhoff's
    transformation makes this exact: the mean conductivity between body and spot is what counts.
    """
    kelvin = np.linspace(body_k, body_k + 3.0 * max(rise_k, 1.0), 3001)
    flow = cumulative_trapezoid(
        np.interp(kelvin, target.table_k, target.table_w_mk), kelvin, initial=0.0
    )
    return float(np.interp(target.conductivity_w_mk * rise_k, flow, kelvin))


def melting_margin_k(target: Target, spot_k: float) -> float:
    """How far the spot is below melting, K; negative when it melts."""
    return target.melts_k - spot_k


def boiling_margin_k(target: Target, liquid_k: float) -> float:
    """How far a liquid is below boiling, K. In vacuum it fumes long before."""
    return target.boils_k - liquid_k
