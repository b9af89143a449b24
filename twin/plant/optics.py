"""From the electron beam to the crystal: line yield, spot displacement, mirrors, sample, air, age.

The two axes are independent: the spot moves relative to the mirror of this axis, and its image
moves, magnified, across the crystal. The mirror images source times acceptance: a product of two
Gaussians, which is narrower than the source and moves less than the source.
Without a mirror a displaced spot costs no intensity.
"""

from math import exp, log1p, prod

from twin.physics.focal_spot import ElectronSpot
from twin.physics.line_yield import LineYield
from twin.physics.mirror import acceptance, figure_blur_um, imaged
from twin.physics.sample import beam_fwhm_um, crystal_fraction
from twin.tube.tube import Tube

HOUR_MS = 3_600_000.0


class Beam:
    """Relative intensity at the crystal, as an algebraic function of the plant's state."""

    def __init__(self, tube: Tube):
        target, optics, sample = tube.target, tube.optics, tube.sample
        self._yield = LineYield(
            target.element, target.line, target.take_off_deg.value, target.roughness_um.value
        )
        self.line_yield = self._yield.photons_per_electron_sr
        self.energy_kev = self._yield.energy_kev
        spot = ElectronSpot(target.spot_width_um.value, target.spot_length_um.value)
        self.source_um = spot.apparent_um(target.take_off_deg.value)
        self._offset_um = (optics.focus_offset_x_um.value, optics.focus_offset_y_um.value)
        self._per_head_k = (
            optics.head_expansion_x_um_per_k.value,
            optics.head_expansion_y_um_per_k.value,
        )
        self._per_mount_k = (
            optics.mount_expansion_x_um_per_k.value,
            optics.mount_expansion_y_um_per_k.value,
        )
        self._head_c = optics.aligned_head_c.value
        self._mount_c = optics.aligned_mount_c.value
        self._crystal_um = sample.crystal_um.value
        self._sample_um = (sample.offset_x_um.value, sample.offset_y_um.value)
        self._aged_per_ms = log1p(-0.01 * tube.ageing.loss_percent_per_1000_h.value) / (
            1000.0 * HOUR_MS
        )
        self._has_mirror = optics.mirror != "none"
        if (
            optics.acceptance_mrad
            and optics.focal_distance_mm
            and optics.image_distance_mm
            and optics.figure_error_arcsec
        ):
            focal_mm, image_mm = optics.focal_distance_mm.value, optics.image_distance_mm.value
            self._acceptance_um = optics.acceptance_mrad.value * focal_mm  # mrad mm = um
            self.magnification = image_mm / focal_mm
            blur_um = figure_blur_um(optics.figure_error_arcsec.value, image_mm)
            images = [imaged(source_um, self._acceptance_um) for source_um in self.source_um]
            self.beam_um = tuple(
                beam_fwhm_um(width_um, self.magnification, blur_um) for width_um, _ in images
            )
            # The figure error spreads the image, so that its middle loses intensity.
            self.left_in_focus = prod(
                self.magnification * width_um / beam_um
                for (width_um, _), beam_um in zip(images, self.beam_um, strict=True)
            )
            self._moves = tuple(self.magnification * part for _, part in images)
            self._most = self._caught(0.0, 0.0)

    def displacement_um(self, head_c: float, mount_c: float) -> tuple[float, float]:
        """Distance of the spot from each mirror's peak, x and y, um, by expansion."""
        head_k, mount_k = head_c - self._head_c, mount_c - self._mount_c
        (x_um, y_um), (hx, hy), (mx, my) = self._offset_um, self._per_head_k, self._per_mount_k
        return x_um + hx * head_k + mx * mount_k, y_um + hy * head_k + my * mount_k

    def passed(self, x_um: float, y_um: float) -> float:
        """Part of the aligned tube's photons that a spot displaced by x and y puts on the crystal.

        The crystal was centred on the beam with the spot at its focus offset.
        """
        if not self._has_mirror:
            return 1.0
        source_x, source_y = self.source_um
        sample_x, sample_y = self._sample_um
        offset_x, offset_y = self._offset_um
        moves_x, moves_y = self._moves
        return (
            acceptance(x_um, source_x, self._acceptance_um)
            * acceptance(y_um, source_y, self._acceptance_um)
            * self._caught(
                moves_x * (x_um - offset_x) - sample_x, moves_y * (y_um - offset_y) - sample_y
            )
            / self._most
        )

    def aged(self, beam_ms: float) -> float:
        """Part of the intensity that remains after this time with beam, ms."""
        return exp(self._aged_per_ms * beam_ms)

    def _caught(self, x_um: float, y_um: float) -> float:
        """Part of the beam on the crystal, for a beam x and y (um) off the crystal's centre."""
        beam_x, beam_y = self.beam_um
        return crystal_fraction(beam_x, beam_y, x_um, y_um, self._crystal_um)
