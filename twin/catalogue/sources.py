"""The published comparison of laboratory sources, recomputed from the tubes' descriptions.

I = B R alpha**2: brightness of the focal spot, what the optic passes, and its convergence. Nothing
in it is adjusted to a source: power, spot, target and take-off angle give B, the multilayer and
its figure error R. Published: relative intensities 1, 10, 45 and 120 (technical note on laboratory
sources for macromolecular crystallography, table 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.physics.brightness import brightness, flux_density
from twin.physics.mirror import multilayer_peak
from twin.plant.optics import Beam
from twin.tube.tube import Tube, builtin_tubes, load_tube


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
class Flux:
    """What I = B R alpha**2 makes of one source with a mirror."""

    reflectivity: float
    convergence_mrad: float
    beam_um: float
    flux_density: float  # photons/(s mm2) at the sample


def flux_of(tube: Tube, beam: Beam) -> Flux | None:
    """The source's beam at its rated power; None without a mirror."""
    optics, settings = tube.optics, tube.firmware_settings()
    if not (
        optics.heavy
        and optics.light
        and optics.period_nm
        and optics.heavy_part
        and optics.bilayers
        and optics.layer_roughness_nm
        and optics.convergence_mrad
    ):
        return None
    peak = multilayer_peak(
        beam.energy_kev,
        optics.heavy,
        optics.light,
        optics.period_nm.value,
        optics.heavy_part.value,
        round(optics.bilayers.value),
        optics.layer_roughness_nm.value,
    )
    reflectivity = peak.reflectivity**2 * beam.left_in_focus
    current_ma = settings.power_limit_w / settings.kv
    return Flux(
        reflectivity=reflectivity,
        convergence_mrad=optics.convergence_mrad.value,
        beam_um=max(beam.beam_um),
        flux_density=flux_density(
            brightness(current_ma, beam.line_yield(settings.kv), *beam.source_um),
            reflectivity,
            optics.convergence_mrad.value,
        ),
    )


def beam_of(tube: Tube) -> Flux | None:
    """`flux_of` a description alone."""
    return flux_of(tube, Beam(tube))


def published_tubes() -> list[str]:
    """The built-in tubes whose relative intensity has been published, the weakest first."""
    found = {}
    for name in builtin_tubes():
        published = load_tube(name)[1].published.relative_intensity
        if published:
            found[name] = published.value
    return sorted(found, key=lambda name: found[name])


def reference() -> tuple[str, Flux]:
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
    beam, published, settings = Beam(tube), tube.published, tube.firmware_settings()
    flux = flux_of(tube, beam)
    intensity, size = published.relative_intensity, published.beam_um
    width_um, height_um = beam.source_um
    return Row(
        tube=name,
        w_per_mm2=1e6 * settings.power_limit_w / (width_um * height_um),
        photons_per_electron_sr=beam.line_yield(settings.kv),
        reflectivity=flux.reflectivity if flux else None,
        convergence_mrad=flux.convergence_mrad if flux else None,
        relative_intensity=flux.flux_density / unit if flux else None,
        published=intensity.value if intensity else None,
        beam_um=flux.beam_um if flux else None,
        published_beam_um=size.value if size else None,
    )
