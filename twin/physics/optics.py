"""From the electron beam to the crystal: line yield, spot displacement, optic's acceptance."""

from math import exp, log

from twin.tube import Optics

FOUR_LN_2 = 4.0 * log(2.0)


class Beam:
    """Intensity at the crystal, relative, as an algebraic function of the plant's state."""

    def __init__(self, optics: Optics):
        self._edge_kv = optics.excitation_kv.value
        self._exponent = optics.yield_exponent.value
        width_um = optics.acceptance_mrad.value * optics.focal_distance_mm.value  # mrad mm = um
        self._per_um2 = FOUR_LN_2 / (optics.source_fwhm_um.value**2 + width_um**2)
        self._offset_um = optics.focus_offset_um.value
        self._head_um_per_k = optics.head_expansion_um_per_k.value
        self._mount_um_per_k = optics.mount_expansion_um_per_k.value
        self._head_c = optics.aligned_head_c.value
        self._mount_c = optics.aligned_mount_c.value

    def line_yield(self, kv: float) -> float:
        """Characteristic line per electron, relative: (U/Uk - 1)**n, n with self-absorption."""
        over = kv / self._edge_kv - 1.0
        return over**self._exponent if over > 0.0 else 0.0

    def displacement_um(self, head_c: float, mount_c: float) -> float:
        """Focal spot off the optic's peak: thermal expansion of head and of mount."""
        return (
            self._offset_um
            + self._head_um_per_k * (head_c - self._head_c)
            + self._mount_um_per_k * (mount_c - self._mount_c)
        )

    def acceptance(self, displacement_um: float) -> float:
        """Part that the optic passes: source and mirror widths in quadrature, Gaussian."""
        return exp(-self._per_um2 * displacement_um * displacement_um)
