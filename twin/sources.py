"""The published comparison of laboratory sources, recomputed from the tubes' descriptions.

I = B R alpha**2: brightness of the focal spot, what the optic passes, and its convergence. Nothing
in it is adjusted to a source: power, spot, target and take-off angle give B, the multilayer and
its figure error R. Published: relative intensities 1, 10, 45 and 120 (technical note on laboratory
sources for macromolecular crystallography, table 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.catalogue import electron_spot
from twin.physics.brightness import flux_density
from twin.physics.line_yield import LineYield
from twin.physics.mirror import figure_spread, image_fwhm_um, multilayer_peak
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
