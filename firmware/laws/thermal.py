"""Thermal law: holds the tube head at its set-point by the speed of the fan.

A PID whose output is the heat to carry away (W). Divided by the excess over the room it gives the
conductance that the fan must supply, and the inverted law of the fan (g0 + g1 v**n) gives the
speed. This is the gain schedule for the fan's non-linear authority and for the room temperature.
"""

from firmware.calibration import FAN_FULL
from firmware.elementary import power
from firmware.state import Plain, clamp

MIN_EXCESS_K = 2.0  # at a smaller excess the fan has no effect on the head
RATE_FILTER_S = 5.0
INTEGRAL_LIMIT_W = 20.0  # heat that neither the meters nor the fan's law explains


class Thermal(Plain):
    """The thermal law. Call `step` at a fixed rate, twice a second."""

    STATE = ("integral_w", "power_w", "head_c", "rate_k_per_s", "fan", "fan_program_raw", "running")

    def __init__(self, settings):
        self.settings = settings
        self.integral_w = 0.0
        self.power_w = 0.0
        self.head_c = 0.0
        self.rate_k_per_s = 0.0
        self.fan = settings.fan_min
        self.fan_program_raw = int(settings.fan_min * FAN_FULL)
        self.running = False

    def step(self, dt_s: float, head_c: float, room_c: float, power_w: float) -> None:
        """Run one step: head and room (degC), heat put in (W) -> `fan_program_raw`."""
        s = self.settings
        error_k = head_c - s.head_set_c
        excess_k = head_c - room_c
        if excess_k < MIN_EXCESS_K:
            excess_k = MIN_EXCESS_K
        if not self.running:  # bumpless: start at the fan's present speed, at rest
            self.running = True
            self.head_c = head_c
            self.power_w = power_w
            self.integral_w = clamp(
                self._conductance(self.fan) * excess_k - power_w - s.head_kp_w_per_k * error_k,
                -INTEGRAL_LIMIT_W,
                INTEGRAL_LIMIT_W,
            )
        # The heat reaches the head through the anode, so it is fed forward with the anode's lag.
        self.power_w += (power_w - self.power_w) * dt_s / (s.anode_lag_s + dt_s)
        rate = (head_c - self.head_c) / dt_s
        self.head_c = head_c
        self.rate_k_per_s += (rate - self.rate_k_per_s) * dt_s / (RATE_FILTER_S + dt_s)
        ask_w = (
            self.power_w
            + self.integral_w
            + s.head_kp_w_per_k * error_k
            + s.head_kd_w_s_per_k * self.rate_k_per_s
        )
        wanted = (ask_w / excess_k - s.fan_g0_w_per_k) / s.fan_g1_w_per_k
        fan = power(wanted, 1.0 / s.fan_exponent)
        limited = clamp(fan, s.fan_min, 1.0)
        # Anti-windup: a fan at its limit integrates only towards the other limit.
        if fan == limited or (fan > limited) == (error_k < 0.0):
            self.integral_w = clamp(
                self.integral_w + s.head_ki_w_per_k_s * error_k * dt_s,
                -INTEGRAL_LIMIT_W,
                INTEGRAL_LIMIT_W,
            )
        self.fan = limited
        self.fan_program_raw = int(limited * FAN_FULL + 0.5)

    def _conductance(self, fan: float) -> float:
        """Return the conductance of the fan's law at this speed, W/K."""
        s = self.settings
        return s.fan_g0_w_per_k + s.fan_g1_w_per_k * power(fan, s.fan_exponent)
