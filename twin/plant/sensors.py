"""The slow sensors as raw counts: lag, offset, drift, noise and quantisation.

Each has a first-order lag (exact for a constant input over the step). Counts have the names and
the ranges of firmware/signal_table.py; the board copies them by these names.
"""

from math import exp, sqrt

from firmware.calibration import PT_A, PT_B, PT_COUNTS_PER_R0
from firmware.signal_table import INPUTS
from firmware.state import Plain
from twin.plant.noise import Noise
from twin.tube.sections import SensorParameters

REFERENCE_C = 25.0
RANGES = {signal[0]: (signal[2], signal[3]) for signal in INPUTS}


class Sensors(Plain):
    """Call `sample` at the fixed step; read the *_raw attributes."""

    STATE = (
        "head_c",
        "mount_c",
        "electronics_c",
        "room_c",
        "head_drift_k",
        "mount_drift_k",
        "room_drift_k",
        "pressure_drift_hpa",
        "head_temperature_raw",
        "mount_temperature_raw",
        "generator_temperature_raw",
        "room_temperature_raw",
        "room_pressure_raw",
        "room_humidity_raw",
    )

    def __init__(self, p: SensorParameters, step_s: float, noise: Noise):
        self._noise = noise
        self._parts = tuple(
            1.0 - exp(-step_s / lag.value)
            for lag in (p.head_lag_s, p.mount_lag_s, p.electronics_lag_s, p.room_lag_s)
        )
        root_h = sqrt(step_s / 3600.0)
        self._wander = tuple(
            root_h * drift.value
            for drift in (
                p.head_drift_k_per_sqrt_h,
                p.mount_drift_k_per_sqrt_h,
                p.room_drift_k_per_sqrt_h,
                p.pressure_drift_hpa_per_sqrt_h,
            )
        )
        self._p = {name: parameter.value for name, parameter in p}
        self.head_drift_k = self.mount_drift_k = 0.0
        self.room_drift_k = self.pressure_drift_hpa = 0.0
        self.settle(22.0, 22.0, 22.0, 22.0)
        self.head_temperature_raw = self.mount_temperature_raw = self.generator_temperature_raw = 0
        self.room_temperature_raw = self.room_pressure_raw = self.room_humidity_raw = 0

    def settle(self, head_c: float, mount_c: float, electronics_c: float, room_c: float) -> None:
        """Set the sensors to these temperatures, degC, without lag."""
        self.head_c, self.mount_c = head_c, mount_c
        self.electronics_c, self.room_c = electronics_c, room_c

    def sample(
        self,
        head_c: float,
        mount_c: float,
        electronics_c: float,
        room_c: float,
        pressure_hpa: float,
        humidity_percent: float,
    ) -> None:
        """Make one step towards these true values, then new counts."""
        p = self._p
        n = self._noise.take(10)
        part = self._parts
        self.head_c += part[0] * (head_c - self.head_c)
        self.mount_c += part[1] * (mount_c - self.mount_c)
        self.electronics_c += part[2] * (electronics_c - self.electronics_c)
        self.room_c += part[3] * (room_c - self.room_c)
        wander = self._wander
        self.head_drift_k += wander[0] * n[0]
        self.mount_drift_k += wander[1] * n[1]
        self.room_drift_k += wander[2] * n[2]
        self.pressure_drift_hpa += wander[3] * n[3]
        # The reference resistors have the temperature of the electronics.
        reference = 1.0 + 1e-6 * p["reference_resistor_ppm_per_k"] * (electronics_c - REFERENCE_C)
        self.head_temperature_raw = pt100_counts(
            self.head_c + p["head_offset_k"] + self.head_drift_k + p["head_noise_k"] * n[4],
            reference,
        )
        self.mount_temperature_raw = pt100_counts(
            self.mount_c + p["mount_offset_k"] + self.mount_drift_k + p["mount_noise_k"] * n[5],
            reference,
        )
        self.generator_temperature_raw = centi(
            self.electronics_c + p["electronics_offset_k"] + p["electronics_noise_k"] * n[6],
            *RANGES["generator_temperature_raw"],
        )
        self.room_temperature_raw = centi(
            self.room_c + p["room_offset_k"] + self.room_drift_k + p["room_noise_k"] * n[7],
            *RANGES["room_temperature_raw"],
        )
        self.room_pressure_raw = centi(
            pressure_hpa
            + p["pressure_offset_hpa"]
            + self.pressure_drift_hpa
            + p["pressure_noise_hpa"] * n[8],
            *RANGES["room_pressure_raw"],
        )
        self.room_humidity_raw = centi(
            humidity_percent + p["humidity_offset_percent"] + p["humidity_noise_percent"] * n[9],
            *RANGES["room_humidity_raw"],
        )


def pt100_counts(temperature_c: float, reference: float) -> int:
    """Counts of a PT100 (IEC 60751, above 0 degC). reference: of its resistor, 1 is rated."""
    ratio = 1.0 + temperature_c * (PT_A + temperature_c * PT_B)
    return min(max(round(PT_COUNTS_PER_R0 * ratio / reference), 0), 32767)


def centi(value: float, low: int, high: int) -> int:
    """The value in hundredths, rounded and limited to the converter's range."""
    return min(max(round(100.0 * value), low), high)
