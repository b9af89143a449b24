"""Sensors: what of the truth reaches the firmware, and how late, how coarse and how wrong."""

import json
from math import exp

import numpy as np
import pytest

from firmware.calibration import pt100_temperature_c
from firmware.signal_table import INPUTS
from tests.kit.variants import varied
from twin.plant.noise import Noise
from twin.plant.sensors import Sensors, centi, pt100_counts

STEP_S = 0.5
# IEC 60751, resistance of a PT100 (ohm) at degC.
PT100_OHM = {0: 100.00, 10: 103.90, 25: 109.73, 50: 119.40, 55: 121.32, 80: 130.90, 100: 138.51}
OFF = {
    f"sensors.{name}": 0.0
    for name in (
        "head_offset_k",
        "head_noise_k",
        "head_drift_k_per_sqrt_h",
        "mount_offset_k",
        "mount_noise_k",
        "mount_drift_k_per_sqrt_h",
        "reference_resistor_ppm_per_k",
        "electronics_offset_k",
        "electronics_noise_k",
        "room_offset_k",
        "room_noise_k",
        "room_drift_k_per_sqrt_h",
        "pressure_offset_hpa",
        "pressure_noise_hpa",
        "pressure_drift_hpa_per_sqrt_h",
        "humidity_offset_percent",
        "humidity_noise_percent",
    )
}
TRUTH = (55.0, 33.0, 30.0, 22.0, 1013.25, 45.0)


def sensors(values=None, seed=1, step_s=STEP_S):
    """Sensors without error but for what `values` (name without section -> value) give them."""
    given = {f"sensors.{name}": value for name, value in (values or {}).items()}
    return Sensors(varied({**OFF, **given}).sensors, step_s, Noise(seed, "sensors"))


def readings(s):
    """Head, mount, electronics and room (degC), pressure (hPa), humidity (%), as the firmware
    takes them from the counts."""
    return (
        pt100_temperature_c(s.head_temperature_raw),
        pt100_temperature_c(s.mount_temperature_raw),
        0.01 * s.generator_temperature_raw,
        0.01 * s.room_temperature_raw,
        0.01 * s.room_pressure_raw,
        0.01 * s.room_humidity_raw,
    )


@pytest.mark.parametrize("temperature_c", PT100_OHM)
def test_the_counts_are_those_of_iec_60751_over_400_ohm_in_15_bits(temperature_c):
    ohm = PT100_OHM[temperature_c]
    assert pt100_counts(float(temperature_c), 1.0) == pytest.approx(ohm / 400.0 * 32768, abs=1.0)


def test_a_sensor_without_errors_shows_the_truth_to_half_a_count():
    s = sensors()
    s.settle(*TRUTH[:4])
    s.sample(*TRUTH)
    for read, true, step in zip(
        readings(s), TRUTH, (0.032, 0.032, 0.01, 0.01, 0.01, 0.01), strict=True
    ):
        assert read == pytest.approx(true, abs=0.51 * step)


def test_readings_come_in_steps_of_the_converter():
    seen = {pt100_counts(0.001 * milli, 1.0) for milli in range(50_000, 60_000)}
    assert seen == set(range(min(seen), max(seen) + 1))
    step_k = 10.0 / (len(seen) - 1)
    assert step_k == pytest.approx(0.0318, rel=0.02)


@pytest.mark.parametrize(
    ("value", "raw"), [(-60.0, -4000), (21.004, 2100), (21.006, 2101), (200.0, 8500)]
)
def test_hundredths_are_rounded_and_kept_in_range(value, raw):
    assert centi(value, -4000, 8500) == raw


def test_counts_stay_in_the_range_that_the_seam_declares():
    ranges = {name: (low, high) for name, _, low, high, *_ in INPUTS}
    for truth in ((900.0, 900.0, 900.0, 900.0, 2000.0, 300.0), (-200.0,) * 4 + (0.0, -50.0)):
        s = sensors()
        s.settle(*truth[:4])
        s.sample(*truth)
        for signal, raw in (
            ("head_temperature_raw", s.head_temperature_raw),
            ("mount_temperature_raw", s.mount_temperature_raw),
            ("generator_temperature_raw", s.generator_temperature_raw),
            ("room_temperature_raw", s.room_temperature_raw),
            ("room_pressure_raw", s.room_pressure_raw),
            ("room_humidity_raw", s.room_humidity_raw),
        ):
            assert ranges[signal][0] <= raw <= ranges[signal][1]
            assert type(raw) is int


@pytest.mark.parametrize(
    ("part", "lag_s"), [("head", 6.0), ("mount", 6.0), ("electronics", 5.0), ("room", 12.0)]
)
def test_each_sensor_lags_exactly_exponentially(part, lag_s):
    s = sensors()
    s.settle(20.0, 20.0, 20.0, 20.0)
    for step in range(1, 60):
        s.sample(50.0, 50.0, 50.0, 50.0, 1013.0, 45.0)
        assert getattr(s, f"{part}_c") == pytest.approx(50.0 - 30.0 * exp(-0.5 * step / lag_s))


def test_on_a_ramp_a_sensor_is_behind_by_its_lag():
    s = sensors()
    s.settle(20.0, 20.0, 20.0, 20.0)
    for step in range(1, 1000):
        true_c = 20.0 + 0.001 * step
        s.sample(true_c, 20.0, 20.0, true_c, 1013.0, 45.0)
    per_s = 0.001 / STEP_S
    # half a step less, since what is sampled is taken for the whole step that ends with it
    assert true_c - s.head_c == pytest.approx(per_s * (6.0 - 0.25), rel=0.002)
    assert true_c - s.room_c == pytest.approx(per_s * (12.0 - 0.25), rel=0.002)


def test_pressure_and_humidity_come_at_once():
    s = sensors()
    s.sample(55.0, 33.0, 30.0, 22.0, 990.0, 30.0)
    s.sample(55.0, 33.0, 30.0, 22.0, 1010.0, 60.0)
    assert (s.room_pressure_raw, s.room_humidity_raw) == (101000, 6000)


def test_offsets_add_to_the_reading():
    given = {
        "head_offset_k": 0.12,
        "mount_offset_k": -0.1,
        "electronics_offset_k": -0.6,
        "room_offset_k": 0.4,
        "pressure_offset_hpa": 0.8,
        "humidity_offset_percent": 2.0,
    }
    s = sensors(given)
    s.settle(*TRUTH[:4])
    s.sample(*TRUTH)
    for read, true, offset in zip(readings(s), TRUTH, given.values(), strict=True):
        assert read - true == pytest.approx(offset, abs=0.017)


def test_noise_has_its_size_and_quantisation_adds_its_own():
    given = {
        "head_noise_k": 0.02,
        "mount_noise_k": 0.04,
        "electronics_noise_k": 0.03,
        "room_noise_k": 0.05,
        "pressure_noise_hpa": 0.03,
        "humidity_noise_percent": 0.07,
    }
    s = sensors(given)
    s.settle(*TRUTH[:4])
    taken = []
    for _ in range(8000):
        s.sample(*TRUTH)
        taken.append(readings(s))
    rows = np.array(taken)
    steps = np.array([0.0318, 0.0318, 0.01, 0.01, 0.01, 0.01])
    expected = np.sqrt(np.array(list(given.values())) ** 2 + steps**2 / 12.0)
    assert rows.std(axis=0) == pytest.approx(expected, rel=0.05)
    assert rows.mean(axis=0) == pytest.approx(np.array(TRUTH), abs=0.003)
    assert np.abs(np.corrcoef(rows.T) - np.eye(6)).max() < 0.05
    lagged = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in rows.T]
    assert np.abs(lagged).max() < 0.05  # white: no reading tells of the one before


DRIFTS = {
    "head_drift_k_per_sqrt_h": ("head_drift_k", 0.004),
    "mount_drift_k_per_sqrt_h": ("mount_drift_k", 0.006),
    "room_drift_k_per_sqrt_h": ("room_drift_k", 0.01),
    "pressure_drift_hpa_per_sqrt_h": ("pressure_drift_hpa", 0.02),
}


def test_drift_is_a_random_walk_whose_variance_grows_as_time():
    s = sensors({name: size for name, (_, size) in DRIFTS.items()})
    rows = []
    for _ in range(20_000):
        s.sample(*TRUTH)
        rows.append([getattr(s, attribute) for attribute, _ in DRIFTS.values()])
    walks = np.array(rows)
    sizes = np.array([size for _, size in DRIFTS.values()])
    for steps in (1, 10, 100):
        moved = walks[steps:] - walks[:-steps]
        rms = np.sqrt((moved**2).mean(axis=0))
        assert rms == pytest.approx(sizes * (steps * STEP_S / 3600.0) ** 0.5, rel=0.15)
    increments = np.diff(walks, axis=0)
    assert np.abs(np.corrcoef(increments.T) - np.eye(4)).max() < 0.03


def test_after_an_hour_the_drift_has_its_stated_size():
    ends = []
    for seed in range(300):
        s = sensors({name: size for name, (_, size) in DRIFTS.items()}, seed, step_s=180.0)
        for _ in range(20):
            s.sample(*TRUTH)
        ends.append([getattr(s, attribute) for attribute, _ in DRIFTS.values()])
    sizes = [size for _, size in DRIFTS.values()]
    assert np.std(ends, axis=0) == pytest.approx(sizes, rel=0.15)
    assert np.abs(np.mean(ends, axis=0) / sizes).max() < 4.0 / 300**0.5


def test_a_warm_reference_resistor_makes_the_head_read_cold():
    """200 ppm/K, 50 K warmer: the ratio falls by 1 %, which is 3.15 K of a PT100 at 55 degC."""
    s = sensors({"reference_resistor_ppm_per_k": 200.0})
    s.settle(55.0, 55.0, 75.0, 22.0)
    s.sample(55.0, 55.0, 75.0, 22.0, 1013.0, 45.0)
    for raw in (s.head_temperature_raw, s.mount_temperature_raw):
        assert pt100_temperature_c(raw) - 55.0 == pytest.approx(-3.12, abs=0.05)
    s.sample(55.0, 55.0, 25.0, 22.0, 1013.0, 45.0)  # at 25 degC it has its rated value
    assert pt100_temperature_c(s.head_temperature_raw) == pytest.approx(55.0, abs=0.017)


def test_saved_sensors_go_on_bit_for_bit():
    noise = Noise(4, "sensors")
    s = Sensors(varied({}).sensors, STEP_S, noise)
    for _ in range(50):
        s.sample(*TRUTH)
    saved = json.loads(json.dumps([s.state(), noise.state()]))

    def later(some):
        rows = []
        for _ in range(50):
            some.sample(56.0, *TRUTH[1:])
            rows.append(some.state())
        return rows

    expected = later(s)
    other_noise = Noise(99, "sensors")
    other = Sensors(varied({}).sensors, STEP_S, other_noise)
    other.load(saved[0])
    other_noise.load(saved[1])
    assert later(other) == expected
