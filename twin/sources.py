"""The published comparison of laboratory sources, recomputed from the tubes' descriptions.

I = B R alpha**2: brightness of the focal spot, what the optic passes, and its convergence. Nothing
in it is adjusted to a source: power, spot, target and take-off angle give B, the multilayer and
its figure error R. Published: relative intensities 1, 10, 45 and 120 (technical note on laboratory
sources for macromolecular crystallography, table 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from twin.catalogue import electron_spot
from twin.physics.brightness import brightness, flux_density
from twin.physics.line_yield import LineYield
from twin.physics.mirror import figure_blur_um, imaged, multilayer_peak
from twin.tube import Tube, builtin_tubes, load_tube


@dataclass(frozen=True)
class Row:
    """One source. None where there is no mirror, or nothing published."""

    tube: str
    w_per_mm2: float  # of the apparent focal spot
    photons_per_electron_sr: float
    reflectivity: float | None  # of both mirrors, with what their figure error costs
    convergence_mrad: float | None
    relative_intensity: float | None
    published: float | None
    beam_um: float | None
    published_beam_um: float | None

    @property
    def difference_percent(self) -> float | None:
        """Computed against published."""
        if self.relative_intensity is None or self.published is None:
            return None
        return 100.0 * (self.relative_intensity / self.published - 1.0)

    def listed(self) -> dict[str, object]:
        """The object that `tubetwin compare --json` prints."""
        return {
            "tube": self.tube,
            "relative_intensity": self.relative_intensity,
            "published": self.published,
            "difference_percent": self.difference_percent,
        }


@dataclass(frozen=True)
class Beam:
    """What I = B R alpha**2 makes of one source."""

    reflectivity: float
    convergence_mrad: float
    beam_um: float
    flux_density: float  # photons/(s mm2) at the sample


def beam_of(tube: Tube) -> Beam | None:
    """The source's beam at its rated power; None without a mirror."""
    optics, target, settings = tube.optics, tube.target, tube.firmware_settings()
    if not (
        optics.heavy
        and optics.light
        and optics.period_nm
        and optics.heavy_part
        and optics.bilayers
        and optics.layer_roughness_nm
        and optics.acceptance_mrad
        and optics.focal_distance_mm
        and optics.image_distance_mm
        and optics.figure_error_arcsec
        and optics.convergence_mrad
    ):
        return None
    line = LineYield(
        target.element, target.line, target.take_off_deg.value, target.roughness_um.value
    )
    peak = multilayer_peak(
        line.energy_kev,
        optics.heavy,
        optics.light,
        optics.period_nm.value,
        optics.heavy_part.value,
        round(optics.bilayers.value),
        optics.layer_roughness_nm.value,
    )
    width_um, height_um = electron_spot(tube).apparent_um(target.take_off_deg.value)
    image_mm = optics.image_distance_mm.value
    focal_mm = optics.focal_distance_mm.value
    magnification = image_mm / focal_mm
    accepted_um = optics.acceptance_mrad.value * focal_mm
    blur_um = figure_blur_um(optics.figure_error_arcsec.value, image_mm)
    image_x_um, image_y_um = (
        magnification * imaged(side_um, accepted_um)[0] for side_um in (width_um, height_um)
    )
    beam_x_um, beam_y_um = hypot(image_x_um, blur_um), hypot(image_y_um, blur_um)
    # What the figure error spreads over a larger image is missing in the middle of it.
    spread = image_x_um * image_y_um / (beam_x_um * beam_y_um)
    photons = line.photons_per_electron_sr(settings.kv)
    reflectivity = peak.reflectivity**2 * spread
    power_w = settings.power_limit_w
    return Beam(
        reflectivity=reflectivity,
        convergence_mrad=optics.convergence_mrad.value,
        beam_um=max(beam_x_um, beam_y_um),
        flux_density=flux_density(
            brightness(power_w / settings.kv, photons, width_um, height_um),
            reflectivity,
            optics.convergence_mrad.value,
        ),
    )


def published_tubes() -> list[str]:
    """The built-in tubes whose relative intensity has been published, the weakest first."""
    found = {}
    for name in builtin_tubes():
        published = load_tube(name)[1].published.relative_intensity
        if published:
            found[name] = published.value
    return sorted(found, key=lambda name: found[name])


def reference() -> tuple[str, Beam]:
    """The source to which the published intensities are relative."""
    name = published_tubes()[0]
    beam = beam_of(load_tube(name)[1])
    assert beam
    return name, beam


def compare(chosen: Sequence[tuple[str, Tube]]) -> list[Row]:
    """One row for each (name, tube), in their order."""
    unit = reference()[1].flux_density
    return [_row(name, tube, unit) for name, tube in chosen]


def _row(name: str, tube: Tube, unit: float) -> Row:
    beam, published = beam_of(tube), tube.published
    intensity, size = published.relative_intensity, published.beam_um
    settings, target = tube.firmware_settings(), tube.target
    width_um, height_um = electron_spot(tube).apparent_um(target.take_off_deg.value)
    return Row(
        tube=name,
        w_per_mm2=1e6 * settings.power_limit_w / (width_um * height_um),
        photons_per_electron_sr=LineYield(
            target.element, target.line, target.take_off_deg.value, target.roughness_um.value
        ).photons_per_electron_sr(settings.kv),
        reflectivity=beam.reflectivity if beam else None,
        convergence_mrad=beam.convergence_mrad if beam else None,
        relative_intensity=beam.flux_density / unit if beam else None,
        published=intensity.value if intensity else None,
        beam_um=beam.beam_um if beam else None,
        published_beam_um=size.value if size else None,
    )
