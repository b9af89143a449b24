"""Moist air: density of dry air, of vapour and of helium instead; what a path lets through.

Saturation pressure by Buck, J. Appl. Meteor. 20 (1981) 1527, with his coefficients of 1996; ideal
gases. This is on purpose not the formula that the firmware uses (Magnus), so that the two can
disagree.
"""

from math import exp

DRY_J_KG_K = 287.055
VAPOUR_J_KG_K = 461.52
HELIUM_J_KG_K = 2077.26


def densities_kg_m3(
    temperature_c: float, pressure_hpa: float, humidity_percent: float
) -> tuple[float, float]:
    """(dry air, water vapour), kg/m3."""
    saturation_hpa = 6.1121 * exp(
        (18.678 - temperature_c / 234.5) * temperature_c / (257.14 + temperature_c)
    )
    vapour_hpa = 0.01 * humidity_percent * saturation_hpa
    kelvin = temperature_c + 273.15
    return (
        100.0 * (pressure_hpa - vapour_hpa) / (DRY_J_KG_K * kelvin),
        100.0 * vapour_hpa / (VAPOUR_J_KG_K * kelvin),
    )


def helium_kg_m3(dry_kg_m3: float, vapour_kg_m3: float) -> float:
    """Helium that has the pressure and the temperature of this moist air, kg/m3."""
    return (DRY_J_KG_K * dry_kg_m3 + VAPOUR_J_KG_K * vapour_kg_m3) / HELIUM_J_KG_K


def optical_depth(
    dry_kg_m3: float,
    vapour_kg_m3: float,
    path_cm: float,
    dry_cm2_per_g: float,
    vapour_cm2_per_g: float,
) -> float:
    """Optical depth of a path, dimensionless: the transmission is exp(-depth)."""
    return 1e-3 * path_cm * (dry_kg_m3 * dry_cm2_per_g + vapour_kg_m3 * vapour_cm2_per_g)
