"""The high-voltage generator: errors of its outputs and of its monitors.

Divider and shunt have a temperature coefficient and drift. The generator regulates on them, so its
monitors do not show these errors. The load lowers the voltage. Ripple is much faster than a tick:
the intensity follows the mean, the monitors sample a random phase. Arcs are a Poisson process; the
generator quenches each, and the voltage then returns with the lag of the generator.

Sources: Spellman 205B, SLM and XRB150 data sheets for regulation, ripple, drift and rise.
"""

from math import exp, expm1, sqrt

from scipy.stats import norm

from firmware.state import Plain
from twin.plant.sensors import REFERENCE_C
from twin.tube.sections import GeneratorParameters

NO_ARC = -1
ARCS_ABOVE_KV = 1.0


class Generator(Plain):
    """The slow part of the generator: call `step` once for each slow step of the plant.

    divider, shunt : true voltage and current over their values in the regulation, near 1
    quench_ticks   : ticks for which a new arc keeps the voltage off, or NO_ARC
    """

    STATE = ("kv_drift", "ma_drift", "divider", "shunt", "quench_ticks")

    def __init__(self, p: GeneratorParameters, ma_full: float, step_s: float, tick_s: float):
        root_h = sqrt(step_s / 3600.0)
        self._kv_wander = 1e-6 * p.kv_drift_ppm_per_sqrt_h.value * root_h
        self._ma_wander = 1e-6 * p.ma_drift_ppm_per_sqrt_h.value * root_h
        self._kv_per_k = 1e-6 * p.kv_ppm_per_k.value
        self._ma_per_k = 1e-6 * p.ma_ppm_per_k.value
        self._kv_gain = 1.0 + 0.01 * p.kv_gain_error_percent.value
        self._ma_gain = 1.0 + 0.01 * p.ma_gain_error_percent.value
        self._quench_ticks = max(1, round(0.001 * p.arc_quench_ms.value / tick_s))
        arcs = p.arcs_per_1000_h.value * step_s / 3.6e6
        self._arc_above = float(norm.isf(-expm1(-arcs)))  # of a standard normal number
        self.regulation_per_ma = 0.01 * p.load_regulation_percent.value / ma_full
        self.kv_part = 1.0 - exp(-tick_s / p.kv_lag_s.value)  # part of a step made in one tick
        ripple = 0.01 * p.ripple_percent.value / 2.0
        self.ripple_rms = ripple / sqrt(2.0)  # of a sine, relative to the voltage
        self.kv_drift = self.ma_drift = 0.0
        self.divider = self.shunt = 1.0
        self.quench_ticks = NO_ARC
        self.warm(REFERENCE_C)

    def warm(self, electronics_c: float) -> None:
        """Set divider and shunt to this temperature of the electronics, degC."""
        warm_k = electronics_c - REFERENCE_C
        self.divider = (1.0 + self._kv_per_k * warm_k + self.kv_drift) * self._kv_gain
        self.shunt = (1.0 + self._ma_per_k * warm_k + self.ma_drift) / self._ma_gain

    def step(self, electronics_c: float, kv: float, noise: list[float]) -> None:
        """One slow step: three standard normal numbers give drift and, with voltage on, arcs."""
        self.kv_drift += self._kv_wander * noise[0]
        self.ma_drift += self._ma_wander * noise[1]
        self.warm(electronics_c)
        arc = kv > ARCS_ABOVE_KV and noise[2] > self._arc_above
        self.quench_ticks = self._quench_ticks if arc else NO_ARC
