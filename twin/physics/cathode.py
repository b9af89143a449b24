"""Tungsten cathode: radiation balance of the filament, Richardson emission.

The balance m c(T) dT/dt = I**2 R(T) - eps(T) sigma A (T**4 - T0**4) - G (T - T0) is linearised
where the filament is and solved exactly from there (exponential Rosenbrock step), so a tick costs
two multiplications; it is linearised anew whenever the wire has moved by MOVE_K or its current
has changed.
"""

from math import exp, expm1, pi

import numpy as np
from scipy.constants import Boltzmann, Stefan_Boltzmann, e
from scipy.interpolate import CubicSpline

from firmware.plain import Plain
from twin.tube import Cathode

MOVE_K = 0.5
SURROUNDINGS_K = 330.0
BOLTZMANN_EV = Boltzmann / e

# Resistivity of tungsten, 300 to 3600 K in steps of 100 K, micro-ohm cm:
# Forsythe and Worthing, Astrophys. J. 61 (1925) 146.
RESISTIVITY_UOHM_CM = (
    5.65,
    8.06,
    10.56,
    13.23,
    16.09,
    19.00,
    21.94,
    24.93,
    27.94,
    30.98,
    34.08,
    37.19,
    40.36,
    43.55,
    46.78,
    50.05,
    53.35,
    56.67,
    60.06,
    63.48,
    66.91,
    70.39,
    73.91,
    77.49,
    81.04,
    84.70,
    88.33,
    92.04,
    95.76,
    99.54,
    103.3,
    107.2,
    111.1,
    115.0,
)
DENSITY_KG_M3 = 19250.0
MELTS_K = 3695.0
MOLAR_KG = 0.18384


def heat_capacity_j_mol_k(kelvin: np.ndarray) -> np.ndarray:
    """Tungsten, Shomate equations of NIST-JANAF (298-1900 K, 1900-3680 K)."""
    t = kelvin / 1000.0
    low = 23.9593 + 2.63968 * t + 1.25775 * t**2 - 0.254642 * t**3 - 0.048407 / t**2
    high = -22.5764 + 90.2798 * t - 44.2715 * t**2 + 7.17663 * t**3 - 24.0974 / t**2
    return np.where(kelvin < 1900.0, low, high)


def emissivity(kelvin: np.ndarray) -> np.ndarray:
    """Total hemispherical emissivity of tungsten: 0.23 at 1700 K, 0.31 at 2500 K, linear."""
    return np.clip(0.23 + 1e-4 * (kelvin - 1700.0), 0.03, 0.4)


class Filament(Plain):
    """Temperature of the wire and the current it can emit.

    `relax` is the tick. A wire that comes to its melting point is broken, and stays so: it
    carries no current and is cold.
    """

    STATE = ("kelvin", "amps", "moved_k", "drift", "broken", "_step", "_rate", "_sat", "_slope")

    TABLE_K = 5.0
    FIRST_K = 300.0

    def __init__(self, cathode: Cathode, dt_s: float):
        self.dt_s = dt_s
        radius_m = 0.5e-3 * cathode.wire_diameter_mm.value
        length_m = 1e-3 * cathode.wire_length_mm.value
        section_m2 = pi * radius_m**2
        grid = np.arange(self.FIRST_K, 3601.0, self.TABLE_K)
        ohm = (
            1e-8
            * CubicSpline(np.arange(300.0, 3601.0, 100.0), RESISTIVITY_UOHM_CM)(grid)
            * length_m
            / section_m2
        )
        joule_k = heat_capacity_j_mol_k(grid) / MOLAR_KG * DENSITY_KG_M3 * section_m2 * length_m
        lost_w = emissivity(grid) * Stefan_Boltzmann * 2.0 * pi * radius_m * length_m * (
            grid**4 - SURROUNDINGS_K**4
        ) + 1e-3 * cathode.lead_conduction_mw_per_k.value * (grid - SURROUNDINGS_K)
        self._ohm: list[float] = ohm.tolist()
        self._heat: list[float] = (ohm / joule_k).tolist()
        self._loss: list[float] = (lost_w / joule_k).tolist()
        self._ev_over_k = cathode.work_function_ev.value / BOLTZMANN_EV
        self._scale_ma = (
            1e3 * cathode.richardson_a_per_cm2_k2.value * 1e-2 * cathode.emitting_area_mm2.value
        )
        self.kelvin = SURROUNDINGS_K  # where the balance was linearised last
        self.moved_k = 0.0  # from there
        self.amps = 0.0
        self.drift = 1.0  # slow wandering of the emission, a factor
        self.broken = False
        self._step = self._rate = self._sat = self._slope = 0.0
        self._linearise()

    def set_current(self, amps: float) -> None:
        """Heating current from now on, A."""
        self.amps = 0.0 if self.broken else amps
        self._linearise()

    def relax(self) -> float:
        """Advance by dt_s; returns the saturation current, mA."""
        moved_k = self.moved_k
        moved_k += self._step + self._rate * moved_k
        self.moved_k = moved_k
        if moved_k > MOVE_K or moved_k < -MOVE_K:
            self._linearise()
            return self._sat
        return self._sat + self._slope * moved_k

    @property
    def temperature_k(self) -> float:
        return self.kelvin + self.moved_k

    def power_w(self) -> float:
        """Heat that the supply puts into the wire now, W."""
        at, part = self._place(self.temperature_k)
        return self.amps**2 * (self._ohm[at] + part * (self._ohm[at + 1] - self._ohm[at]))

    def richardson_ma(self, kelvin: float) -> float:
        """Saturation current of the emitting area at this temperature, mA."""
        return self._scale_ma * kelvin**2 * exp(-self._ev_over_k / kelvin) * self.drift

    def steady_amps(self, kelvin: float) -> float:
        """The heating current that holds this temperature, A."""
        at, part = self._place(kelvin)
        heat = self._heat[at] + part * (self._heat[at + 1] - self._heat[at])
        loss = self._loss[at] + part * (self._loss[at + 1] - self._loss[at])
        return (loss / heat) ** 0.5

    def _place(self, kelvin: float) -> tuple[int, float]:
        place = (kelvin - self.FIRST_K) / self.TABLE_K
        at = min(max(int(place), 0), len(self._heat) - 2)
        return at, place - at

    def _linearise(self) -> None:
        kelvin = self.temperature_k
        if kelvin >= MELTS_K:
            self.broken = True
            self.amps, kelvin = 0.0, SURROUNDINGS_K
        self.kelvin = kelvin
        self.moved_k = 0.0
        at, part = self._place(kelvin)
        square = self.amps**2
        heat, loss = self._heat, self._loss
        slope = (square * (heat[at + 1] - heat[at]) - (loss[at + 1] - loss[at])) / self.TABLE_K
        speed = square * (heat[at] + part * (heat[at + 1] - heat[at])) - (
            loss[at] + part * (loss[at + 1] - loss[at])
        )
        self._rate = expm1(slope * self.dt_s)
        self._step = speed * (self._rate / slope if slope else self.dt_s)
        self._sat = self.richardson_ma(kelvin)
        self._slope = self._sat * (2.0 + self._ev_over_k / kelvin) / kelvin
