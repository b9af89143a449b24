"""The optic against the published range of losses, and the line's yield."""

import itertools

import numpy as np
import pytest

from tests.twin.variants import DEFAULT, varied
from twin.physics.optics import Beam

# Mirror acceptance (mrad) and focal distance (mm), the corners of the published range, at 40 um.
CORNERS = list(itertools.product((0.4, 0.5, 0.6), (40.0, 70.0, 100.0)))
# Displacement (um) -> least and greatest loss (%) in that range.
LOSS_PERCENT = {1.0: (0.05, 0.15), 5.0: (1.3, 3.7), 10.0: (5.0, 14.0)}


def beam(acceptance_mrad=0.5, distance_mm=70.0, **more):
    return Beam(
        varied({
            "optics.acceptance_mrad": acceptance_mrad, "optics.focal_distance_mm": distance_mm,
            **more,
        }).optics
    )  # fmt: skip


@pytest.mark.parametrize("displaced_um", LOSS_PERCENT)
def test_a_displaced_spot_loses_what_is_published(displaced_um):
    losses = [100.0 * (1.0 - beam(*corner).acceptance(displaced_um)) for corner in CORNERS]
    least, greatest = LOSS_PERCENT[displaced_um]
    assert least * 0.9 < min(losses)
    assert max(losses) < greatest * 1.1


def test_the_slope_at_five_micrometres_is_half_to_one_and_a_half_per_cent():
    for corner in CORNERS:
        optic = beam(*corner)
        slope = 50.0 * (optic.acceptance(4.0) - optic.acceptance(6.0)) / optic.acceptance(5.0)
        assert 0.45 < slope < 1.6


def test_a_source_of_its_own_width_and_the_optics_width_add_in_squares():
    """Half the intensity is left at half the width of 40 um and 0.5 mrad x 70 mm together."""
    half_um = 0.5 * (40.0**2 + 35.0**2) ** 0.5
    assert beam().acceptance(half_um) == pytest.approx(0.5, abs=1e-12)
    assert beam().acceptance(-half_um) == pytest.approx(0.5, abs=1e-12)
    assert beam().acceptance(0.0) == 1.0


def test_the_spot_moves_with_head_and_mount_from_where_it_was_aligned():
    optic = Beam(DEFAULT.optics)
    assert optic.displacement_um(55.0, 33.0) == -3.0
    assert optic.displacement_um(56.0, 33.0) == pytest.approx(-2.0)
    assert optic.displacement_um(55.0, 43.0) == pytest.approx(-1.5)


def test_the_default_tube_is_not_at_the_kind_end():
    optic = Beam(DEFAULT.optics)
    per_k = 100.0 * (optic.acceptance(-2.0) / optic.acceptance(-3.0) - 1.0)
    assert 0.3 < per_k < 1.5  # %/K, published range of an uncontrolled tube


@pytest.mark.parametrize("kv", [20.0, 25.0, 30.0, 35.0, 40.0, 45.0])
def test_copper_yield_against_the_computed_spectra_at_six_degrees(kv):
    """SpekPy, relative to 50 kV. The power law fits to 0.07 of the yield at 50 kV; at 50 kV it is
    steeper than the spectra (1.47 instead of 0.94), which makes a drift of voltage weigh more."""
    published = dict(zip(
        (20.0, 25.0, 30.0, 35.0, 40.0, 45.0), (0.201, 0.347, 0.498, 0.645, 0.780, 0.899),
        strict=True,
    ))  # fmt: skip
    optic = Beam(DEFAULT.optics)
    relative = optic.line_yield(kv) / optic.line_yield(50.0)
    assert relative == pytest.approx(published[kv], abs=0.07)


def test_the_sensitivity_to_voltage_is_not_below_the_computed_one():
    optic = Beam(DEFAULT.optics)
    slope = np.log(optic.line_yield(50.5) / optic.line_yield(49.5)) / np.log(50.5 / 49.5)
    assert 0.94 < slope < 1.99  # SpekPy at 6 degrees; the law without self-absorption


def test_below_the_edge_there_is_no_line():
    optic = Beam(DEFAULT.optics)
    assert optic.line_yield(8.979) == 0.0
    assert optic.line_yield(5.0) == 0.0
    assert optic.line_yield(0.0) == 0.0
    assert optic.line_yield(9.0) > 0.0
