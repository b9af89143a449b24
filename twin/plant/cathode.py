"""The cathode: radiation balance of the heated emitter, Richardson emission, and its triode.

The balance m c(T) dT/dt = I**2 R(T) - eps(T) sigma A (T**4 - T0**4) - G (T - T0) is linearised at
the present temperature and solved exactly (exponential Rosenbrock step), so a tick costs two
multiplications. The balance is linearised again when the temperature has changed by MOVE_K or the
heating current has changed.
"""

from math import exp, expm1, pi, sqrt

import numpy as np
from scipy.constants import Boltzmann, Stefan_Boltzmann, e
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from firmware.state import Plain
from twin.tube.sections import CathodeParameters

MOVE_K = 0.5
SURROUNDINGS_K = 330.0
BOLTZMANN_EV = Boltzmann / e
# Newton's iteration for the self-biased current: relative step at its end, largest number of steps.
STEP_PART = 1e-9
MOST_STEPS = 100

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
MELTS_K = {"tungsten": 3695.0, "LaB6": 2483.0}  # LaB6 by Lafferty, J. Appl. Phys. 22 (1951) 299
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


def wire(
    cathode: CathodeParameters, grid_k: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tungsten wire at these temperatures: resistance (ohm), heat capacity (J/K), loss (W)."""
    assert cathode.wire_diameter_mm and cathode.wire_length_mm
    radius_m = 0.5e-3 * cathode.wire_diameter_mm.value
    length_m = 1e-3 * cathode.wire_length_mm.value
    section_m2 = pi * radius_m**2
    table_k = np.arange(300.0, 3601.0, 100.0)
    ohm = 1e-8 * CubicSpline(table_k, RESISTIVITY_UOHM_CM)(grid_k) * length_m / section_m2
    joule_k = heat_capacity_j_mol_k(grid_k) / MOLAR_KG * DENSITY_KG_M3 * section_m2 * length_m
    return (
        ohm,
        joule_k,
        _lost_w(cathode, grid_k, emissivity(grid_k), 2.0 * pi * radius_m * length_m),
    )


def crystal(
    cathode: CathodeParameters, grid_k: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A LaB6 crystal between heater blocks of a constant resistance; as `wire`."""
    assert cathode.heater_ohm and cathode.heat_capacity_mj_per_k
    assert cathode.radiating_area_mm2 and cathode.emissivity
    lost_w = _lost_w(
        cathode,
        grid_k,
        np.full_like(grid_k, cathode.emissivity.value),
        1e-6 * cathode.radiating_area_mm2.value,
    )
    return (
        np.full_like(grid_k, cathode.heater_ohm.value),
        np.full_like(grid_k, 1e-3 * cathode.heat_capacity_mj_per_k.value),
        lost_w,
    )


def _lost_w(
    cathode: CathodeParameters, grid_k: np.ndarray, emissivities: np.ndarray, area_m2: float
) -> np.ndarray:
    radiated_w = emissivities * Stefan_Boltzmann * area_m2 * (grid_k**4 - SURROUNDINGS_K**4)
    leads_w_per_k = 1e-3 * cathode.lead_conduction_mw_per_k.value
    return radiated_w + leads_w_per_k * (grid_k - SURROUNDINGS_K)


class Filament(Plain):
    """Temperature of the emitter and the current it can emit.

    `relax` advances by one tick. An emitter that reaches its melting point is broken from then on:
    it carries no current and is cold.
    """

    STATE = ("kelvin", "amps", "moved_k", "drift", "broken", "_step", "_rate", "_sat", "_slope")

    TABLE_K = 5.0
    FIRST_K = 300.0

    def __init__(self, cathode: CathodeParameters, dt_s: float):
        self.dt_s = dt_s
        grid = np.arange(self.FIRST_K, 3601.0, self.TABLE_K)
        heated = wire if cathode.emitter == "tungsten" else crystal
        ohm, joule_k, lost_w = heated(cathode, grid)
        self._melts_k = MELTS_K[cathode.emitter]
        self._ohm: list[float] = ohm.tolist()
        self._heat: list[float] = (ohm / joule_k).tolist()
        self._loss: list[float] = (lost_w / joule_k).tolist()
        self._ev_over_k = cathode.work_function_ev.value / BOLTZMANN_EV
        self._scale_ma = (
            1e3 * cathode.richardson_a_per_cm2_k2.value * 1e-2 * cathode.emitting_area_mm2.value
        )
        self.kelvin = SURROUNDINGS_K  # temperature at which the balance was last linearised
        self.moved_k = 0.0  # change of temperature since then
        self.amps = 0.0
        self.drift = 1.0  # slow drift of the emission, a factor
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
        """Present heating power of the supply, W."""
        at, part = self._place(self.temperature_k)
        return self.amps**2 * (self._ohm[at] + part * (self._ohm[at + 1] - self._ohm[at]))

    def richardson_ma(self, kelvin: float) -> float:
        """Saturation current of the emitting area at this temperature, mA."""
        return self._scale_ma * kelvin**2 * exp(-self._ev_over_k / kelvin) * self.drift

    def working_k(self, ma: float) -> float:
        """The temperature (K) at which this current (mA) is the saturation current."""
        low, high = self.FIRST_K, self._melts_k
        return float(brentq(lambda kelvin: self.richardson_ma(kelvin) - ma, low, high))

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
        if kelvin >= self._melts_k:
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


class Triode:
    """Emission current: space-charge law of a triode, limited by the emitter's saturation.

    i = P (U + mu Vg - mu Rb i)**1.5, joined smoothly to the saturation current. The grid bias is
    that of the supply and, with a self-bias resistor, the voltage of the current across it.
    Equivalent voltage of the triode: Compton and Langmuir, Rev. Mod. Phys. 2 (1930) 123.
    """

    def __init__(self, cathode: CathodeParameters):
        self.perveance = cathode.perveance_ma_per_kv1_5.value  # mA / kV**1.5
        self.amplification = cathode.amplification.value
        self.feedback_kv_per_ma = 1e-3 * self.amplification * cathode.self_bias_kohm.value

    def current_ma(self, drive_kv: float, saturation_ma: float, last_ma: float) -> float:
        """The current (mA) at the drive U + mu Vg (kV), to 1e-9 relative.

        With a self-bias resistor, Newton's iteration starts at the last current and is kept
        between bounds: without them it can oscillate between space charge and saturation.
        """
        if drive_kv <= 0.0 or saturation_ma <= 0.0:
            return 0.0
        feedback = self.feedback_kv_per_ma
        if not feedback:
            return self._let_through(drive_kv, saturation_ma)[0]
        low, high = 0.0, min(drive_kv / feedback, saturation_ma)
        ma = last_ma if low < last_ma < high else 0.5 * high
        for _ in range(MOST_STEPS):
            passed_ma, per_kv = self._let_through(drive_kv - feedback * ma, saturation_ma)
            if ma > passed_ma:
                high = ma
            else:
                low = ma
            before_ma, ma = ma, ma + (passed_ma - ma) / (1.0 + feedback * per_kv)
            if abs(ma - before_ma) <= STEP_PART * ma:
                break
            if not low < ma < high:
                ma = 0.5 * (low + high)
        return ma

    def _let_through(self, drive_kv: float, saturation_ma: float) -> tuple[float, float]:
        """Current (mA) at this drive (kV) without feedback, and its slope, mA/kV."""
        if drive_kv <= 0.0:
            return 0.0, 0.0
        space = self.perveance * drive_kv * sqrt(drive_kv)
        square = space * space + saturation_ma * saturation_ma
        ma = space * saturation_ma / sqrt(square)
        return ma, 1.5 * ma / drive_kv * saturation_ma * saturation_ma / square
