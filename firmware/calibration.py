"""Conversion between raw counts and physical units: the converters and the sensors.

The full scales of the generator and all constants of the individual tube are in settings.py.
"""

from math import sqrt

from firmware.elementary import exp

ADC_FULL = 32767  # 15-bit reading of the monitors
DAC_FULL = 4095  # 12-bit programs
FAN_FULL = 65535  # pulse width

# Platinum resistance thermometer, IEC 60751, read against a 400 ohm reference over 2**15 counts
# (the arrangement of the MAX31865's data sheet).
PT_A = 3.9083e-3
PT_B = -5.775e-7
PT_COUNTS_PER_R0 = 32768 * 100.0 / 400.0

COLDEST_AIR_C = -40.0  # the air sensor's range; Magnus' formula has a pole at -243 degC


def pt100_temperature_c(raw: int) -> float:
    """Convert the ratio of a PT100 to its reference, in counts, to a temperature (degC, above 0).

    A count that no converter gives reads as full scale, about 880 degC, and not as an error.
    """
    if raw > ADC_FULL:
        raw = ADC_FULL
    return (sqrt(PT_A * PT_A - 4.0 * PT_B * (1.0 - raw / PT_COUNTS_PER_R0)) - PT_A) / (2.0 * PT_B)


def pt100_raw(temperature_c: float) -> int:
    """Convert a temperature (degC, above 0) to the count that a PT100 gives; for limits."""
    r = 1.0 + temperature_c * (PT_A + temperature_c * PT_B)
    return int(PT_COUNTS_PER_R0 * r + 0.5)


def air_mass_kg_m3(
    temperature_c: float, pressure_pa: float, humidity_percent: float, vapour_ratio: float
) -> float:
    """Calculate the attenuating mass of moist air, as kg/m3 of dry air with the same attenuation.

    `vapour_ratio` is the mass attenuation of water vapour over that of dry air. Saturation
    pressure by Magnus with the coefficients of Alduchov and Eskridge, J. Appl. Meteor. 35 (1996).
    """
    if temperature_c < COLDEST_AIR_C:
        temperature_c = COLDEST_AIR_C
    saturation_pa = 610.94 * exp(17.625 * temperature_c / (temperature_c + 243.04))
    vapour_pa = 0.01 * humidity_percent * saturation_pa
    kelvin = temperature_c + 273.15
    return ((pressure_pa - vapour_pa) / 287.05 + vapour_ratio * vapour_pa / 461.5) / kelvin
