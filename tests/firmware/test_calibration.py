"""Counts become physical units as tables say that are not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL, air_mass_kg_m3, pt100_raw, pt100_temperature_c
from firmware.signal_table import INPUTS
from tests.kit.full_scales import FILAMENT_A_PER_COUNT, KV_PER_COUNT, MA_PER_COUNT

# Reference table of platinum thermometers, IEC 60751: degC -> ohm.
PT100_OHM = {
    0: 100.00,
    10: 103.90,
    20: 107.79,
    30: 111.67,
    40: 115.54,
    50: 119.40,
    60: 123.24,
    70: 127.08,
    80: 130.90,
    90: 134.71,
    100: 138.51,
    120: 146.07,
    150: 157.33,
    200: 175.86,
    400: 247.09,
}
# The converter's own example for 400 ohm, MAX31865 data sheet, table 9: degC -> code.
MAX31865_CODE = {0: 8192, 10: 8512, 20: 8830, 50: 9781, 80: 10723, 100: 11346, 200: 14406}
# Vapour pressure of water, CRC Handbook of Chemistry and Physics, 73rd edition: degC -> Pa.
VAPOUR_PA = {
    10: 1228.1,
    15: 1705.6,
    18: 2064.4,
    20: 2338.8,
    22: 2644.7,
    25: 3169.0,
    30: 4245.5,
    35: 5626.7,
}
GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
DRY_AIR_KG_MOL = 28.9655e-3  # Picard et al., Metrologia 45 (2008) 149, 400 ppm CO2
WATER_KG_MOL = 18.01528e-3  # the same

ONE_COUNT_K = 0.033  # 400 ohm / 32768 over 0.37 to 0.39 ohm/K


@pytest.mark.parametrize(("temperature_c", "ohm"), PT100_OHM.items())
def test_a_platinum_thermometer_is_read_as_iec_60751_tabulates_it(temperature_c: int, ohm: float):
    ratio_raw = ohm / 400.0 * 32768  # the ratio to the reference, not yet rounded to a count
    half_of_the_last_digit_k = 0.005 / 0.36
    read_c = pt100_temperature_c(ratio_raw)  # type: ignore[arg-type]
    assert abs(read_c - temperature_c) < half_of_the_last_digit_k


@pytest.mark.parametrize(("temperature_c", "code"), MAX31865_CODE.items())
def test_the_codes_of_the_converter_are_those_of_its_data_sheet(temperature_c: int, code: int):
    assert abs(pt100_raw(temperature_c) - code) <= 1  # the data sheet cuts off, we round
    assert abs(pt100_temperature_c(code) - temperature_c) < 0.05


@given(raw=st.integers(8192, ADC_FULL))
def test_a_count_becomes_a_temperature_and_the_same_count_again(raw: int):
    assert pt100_raw(pt100_temperature_c(raw)) == raw


@given(temperature_c=st.floats(0.0, 200.0))
def test_a_temperature_is_found_again_within_one_count(temperature_c: float):
    assert abs(pt100_temperature_c(pt100_raw(temperature_c)) - temperature_c) < ONE_COUNT_K


@given(raw=st.integers(0, 65534))
def test_more_counts_are_never_colder_whatever_a_frame_can_carry(raw: int):
    assert pt100_temperature_c(raw + 1) >= pt100_temperature_c(raw)


def test_full_counts_are_the_full_scales_of_the_generator():
    assert pytest.approx(60.0) == ADC_FULL * KV_PER_COUNT
    assert pytest.approx(2.0) == ADC_FULL * MA_PER_COUNT
    assert pytest.approx(4.0) == ADC_FULL * FILAMENT_A_PER_COUNT
    assert {signal[3] for signal in INPUTS if signal[0].endswith("monitor_raw")} == {ADC_FULL}


@pytest.mark.parametrize(("temperature_c", "saturation_pa"), VAPOUR_PA.items())
def test_the_pressure_of_vapour_is_that_of_the_tables(temperature_c: int, saturation_pa: float):
    dry = air_mass_kg_m3(temperature_c, 101325.0, 0.0, 0.0)
    displaced = dry - air_mass_kg_m3(temperature_c, 101325.0, 100.0, 0.0)
    kelvin = temperature_c + 273.15
    vapour_pa = displaced * GAS_CONSTANT * kelvin / DRY_AIR_KG_MOL
    assert vapour_pa == pytest.approx(saturation_pa, rel=0.004)


@pytest.mark.parametrize("temperature_c", VAPOUR_PA)
@pytest.mark.parametrize("humidity_percent", [0, 45, 100])
def test_with_a_ratio_of_1_it_is_the_density_of_moist_air(
    temperature_c: int, humidity_percent: int
):
    """Ideal gases, from the tables above; the air's own compressibility is worth 0.04 %."""
    vapour_pa = 0.01 * humidity_percent * VAPOUR_PA[temperature_c]
    kelvin = temperature_c + 273.15
    density = ((98000.0 - vapour_pa) * DRY_AIR_KG_MOL + vapour_pa * WATER_KG_MOL) / (
        GAS_CONSTANT * kelvin
    )
    mass = air_mass_kg_m3(temperature_c, 98000.0, humidity_percent, 1.0)
    assert mass == pytest.approx(density, rel=2e-4)


def test_the_air_of_the_standard_atmosphere_weighs_what_it_should():
    assert air_mass_kg_m3(15.0, 101325.0, 0.0, 1.046) == pytest.approx(1.2250, rel=2e-4)


@given(
    raw_c=st.integers(-32768, 32767),
    pressure_pa=st.integers(0, 2**32 - 1),
    raw_percent=st.integers(0, 65535),
)
def test_no_reading_of_the_air_that_a_frame_can_carry_raises(
    raw_c: int, pressure_pa: int, raw_percent: int
):
    mass = air_mass_kg_m3(0.01 * raw_c, float(pressure_pa), 0.01 * raw_percent, 1.046)
    assert mass - mass == 0.0
