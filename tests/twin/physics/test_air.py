"""Air in the beam path: against tables made with xraydb, and against the firmware's own formula."""

from math import exp

import pytest

from firmware.calibration import air_mass_kg_m3
from twin.physics.air import densities_kg_m3, optical_depth

DRY, VAPOUR = 9.742, 10.19  # cm2/g at 8.048 keV
MO_DRY, MO_VAPOUR = 1.080, 1.121  # at 17.479 keV

# Computed with xraydb 4.5.8: path in cm -> transmission, its change in % per K, per hPa and for
# 10 % humidity, at 8.048 keV; transmission and % per K at 17.479 keV. Dry air, 1013.25 hPa, 20 °C.
TABLE = {
    10: (0.890, 0.0397, -0.0116, 0.009, 0.987, 0.0044),
    20: (0.792, 0.0795, -0.0231, 0.019, 0.974, 0.0088),
    30: (0.704, 0.119, -0.0347, 0.028, 0.962, 0.0132),
    50: (0.558, 0.199, -0.0579, 0.047, 0.937, 0.0220),
}


def transmission(path_cm, room=(20.0, 1013.25, 0.0), dry=DRY, vapour=VAPOUR):
    return exp(-optical_depth(*densities_kg_m3(*room), path_cm, dry, vapour))


def change_percent(path_cm, room, **other):
    there = transmission(path_cm, room, **other)
    return 100.0 * (there / transmission(path_cm, **other) - 1.0)


@pytest.mark.parametrize("path_cm", TABLE)
def test_copper_radiation_is_absorbed_as_tabulated(path_cm):
    through, per_k, per_hpa, per_humidity, *_ = TABLE[path_cm]
    assert transmission(path_cm) == pytest.approx(through, abs=0.003)
    assert change_percent(path_cm, (21.0, 1013.25, 0.0)) == pytest.approx(per_k, rel=0.01)
    assert change_percent(path_cm, (20.0, 1014.25, 0.0)) == pytest.approx(per_hpa, rel=0.01)
    assert change_percent(path_cm, (20.0, 1013.25, 10.0)) == pytest.approx(per_humidity, abs=6e-4)


@pytest.mark.parametrize("path_cm", TABLE)
def test_molybdenum_radiation_is_absorbed_as_tabulated(path_cm):
    *_, through, per_k = TABLE[path_cm]
    mo = {"dry": MO_DRY, "vapour": MO_VAPOUR}
    assert transmission(path_cm, **mo) == pytest.approx(through, abs=0.001)
    assert change_percent(path_cm, (21.0, 1013.25, 0.0), **mo) == pytest.approx(per_k, rel=0.01)


def test_at_constant_relative_humidity_warmer_air_absorbs_still_less():
    """It holds more vapour, which is lighter than the air it displaces."""
    dry = transmission(10, (21.0, 1013.25, 0.0)) / transmission(10, (20.0, 1013.25, 0.0))
    moist = transmission(10, (21.0, 1013.25, 45.0)) / transmission(10, (20.0, 1013.25, 45.0))
    assert 1.0 < dry < moist


def test_dry_air_at_normal_conditions_weighs_what_the_gas_law_says():
    dry, vapour = densities_kg_m3(0.0, 1013.25, 0.0)
    assert dry == pytest.approx(1.2922, abs=2e-4)  # standard density of dry air, 0 degC
    assert vapour == 0.0


@pytest.mark.parametrize(
    ("temperature_c", "saturation_hpa"), [(0.0, 6.1117), (20.0, 23.393), (40.0, 73.853)]
)
def test_saturated_vapour_has_its_tabulated_pressure(temperature_c, saturation_hpa):
    """IAPWS: 6.112, 23.39 and 73.85 hPa over water."""
    vapour = densities_kg_m3(temperature_c, 1013.25, 100.0)[1]
    pressure_hpa = vapour * 461.52 * (temperature_c + 273.15) / 100.0
    assert pressure_hpa == pytest.approx(saturation_hpa, rel=1.5e-3)


def test_no_path_absorbs_nothing():
    assert transmission(0.0) == 1.0


def test_the_firmwares_own_formula_agrees_over_any_room():
    """Two formulas by other authors. Over 5 to 40 degC, 850 to 1060 hPa and 0 to 95 % they differ
    by less than 6e-5 of the attenuating mass, which is 7e-6 of the intensity at 10 cm of air."""
    worst = 0.0
    for temperature_c in range(5, 41, 5):
        for pressure_hpa in range(850, 1061, 30):
            for humidity in range(0, 96, 5):
                dry, vapour = densities_kg_m3(temperature_c, pressure_hpa, humidity)
                ratio = VAPOUR / DRY
                firmware = air_mass_kg_m3(temperature_c, 100.0 * pressure_hpa, humidity, ratio)
                worst = max(worst, abs(firmware / (dry + ratio * vapour) - 1.0))
    assert 1e-6 < worst < 6e-5  # and they are two formulas
