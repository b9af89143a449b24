"""Thermal network: anode, head, optics mount and electronics, cooled by the room or by water.

Powers, fan and room are constant during a step, so the network is linear. The solution is the
exponential of its matrix, as a series to the 4th order. The error is below 1e-9 per step, because
`Heat` divides the step until rate * step <= 0.05.
"""

from math import ceil, exp

import numpy as np
from scipy.optimize import brentq

from firmware.state import Plain
from twin.tube.parameter import Parameter
from twin.tube.sections import HeatParameters

RATED_AIR_KG_M3 = 1.19
LARGEST_RATE_STEP = 0.05
COOLANT_ROOM_C = 22.0


def _value(parameter: Parameter | None, missing: float = 0.0) -> float:
    return parameter.value if parameter else missing


class Heat(Plain):
    """State in degC; `advance` makes one fixed step."""

    STATE = (
        "anode_c",
        "head_c",
        "mount_c",
        "electronics_c",
        "fan",
        "mount_heater_w",
        "electronics_heater_w",
        "coolant_c",
    )

    def __init__(self, p: HeatParameters, step_s: float):
        self.step_s = step_s
        self._anode_w_k = 1.0 / p.anode_to_head_k_per_w.value
        self._mount_w_k = 1.0 / p.head_to_mount_k_per_w.value
        self._mount_air_w_k = 1.0 / p.mount_to_air_k_per_w.value
        self._still_w_k = p.head_still_w_per_k.value
        self._fan_w_k = _value(p.head_fan_w_per_k)
        self._exponent = _value(p.fan_exponent, 1.0)
        self._stall = _value(p.fan_stall)
        self.fan_max_rpm = _value(p.fan_max_rpm)
        self._coolant_w_k = _value(p.coolant_w_per_k)
        self._coolant_k_per_k = _value(p.coolant_k_per_k)
        self.coolant_c = _value(p.coolant_c)  # set at the chiller, in a room of COOLANT_ROOM_C
        self._capacities = (
            p.anode_capacity_j_per_k.value,
            p.head_capacity_j_per_k.value,
            p.mount_capacity_j_per_k.value,
        )
        self._backscatter = p.backscatter_fraction.value
        fan_lag_s = _value(p.fan_lag_s, 1.0)
        self._fan_part = 1.0 - exp(-step_s / fan_lag_s)
        self._fan_left = self._fan_part * fan_lag_s / step_s  # mean over the step
        tau_s = p.electronics_capacity_j_per_k.value * p.electronics_to_air_k_per_w.value
        self._electronics_part = 1.0 - exp(-step_s / tau_s)
        self._electronics_k_per_w = p.electronics_to_air_k_per_w.value
        self._electronics_w = p.electronics_loss_w.value
        # Heaters or coolers that an engineer may attach (docs/user/commissioning.md), W.
        self.mount_heater_w = 0.0
        self.electronics_heater_w = 0.0
        anode, head, mount = self._capacities
        fastest = max(
            2.0 * self._anode_w_k / anode,
            2.0
            * (
                self._anode_w_k
                + self._mount_w_k
                + self._still_w_k
                + self._coolant_w_k
                + 2 * self._fan_w_k
            )
            / head,
            2.0 * (self._mount_w_k + self._mount_air_w_k) / mount,
        )
        self._cuts = max(1, ceil(fastest * step_s / LARGEST_RATE_STEP))
        self.soak(22.0)

    def soak(self, room_c: float) -> None:
        """Set all to the temperature of the room, the fan stopped."""
        self.anode_c = self.head_c = self.mount_c = room_c
        self.electronics_c = room_c + self._electronics_k_per_w * self._electronics_w
        self.fan = 0.0

    def conductance_w_per_k(self, fan: float, air_kg_m3: float) -> float:
        """Conductance from head to room, W/K: constant part plus part of the fan (0 to 1)."""
        if fan <= 0.0:
            return self._still_w_k
        return self._still_w_k + self._fan_w_k * (fan * air_kg_m3 / RATED_AIR_KG_M3) ** (
            self._exponent
        )

    def _sink_w(self, sink_w_k: float, room_c: float) -> float:
        """Sum over the head's sinks of conductance times temperature, W."""
        water_k = self.coolant_c + self._coolant_k_per_k * (room_c - COOLANT_ROOM_C) - room_c
        return sink_w_k * room_c + self._coolant_w_k * water_k

    def advance(
        self,
        beam_w: float,
        filament_w: float,
        fan_program: float,
        room_c: float,
        air_kg_m3: float,
    ) -> None:
        """One step: heat of the beam and of the filament (W), fan program (0 to 1), room."""
        goal = fan_program if fan_program > self._stall else 0.0
        fan = goal + self._fan_left * (self.fan - goal)
        self.fan += self._fan_part * (goal - self.fan)
        warm_c = room_c + self._electronics_k_per_w * (
            self._electronics_w + self.electronics_heater_w
        )
        self.electronics_c += self._electronics_part * (warm_c - self.electronics_c)
        sink_w_k = self.conductance_w_per_k(fan, air_kg_m3) + self._coolant_w_k
        sink_w = self._sink_w(sink_w_k, room_c)
        anode_w = beam_w * (1.0 - self._backscatter)
        head_w = beam_w * self._backscatter + filament_w
        ca, ch, cm = self._capacities
        ka, km, kr = self._anode_w_k, self._mount_w_k, self._mount_air_w_k
        dt = self.step_s / self._cuts
        a, h, m = self.anode_c, self.head_c, self.mount_c
        for _ in range(self._cuts):
            # x' = A x + b: derivatives of x, each A times the previous one
            xa = (anode_w - ka * (a - h)) / ca
            xh = (head_w + ka * (a - h) - km * (h - m) + sink_w - sink_w_k * h) / ch
            xm = (self.mount_heater_w + km * (h - m) - kr * (m - room_c)) / cm
            factor = dt
            for order in (2.0, 3.0, 4.0, 0.0):
                a += factor * xa
                h += factor * xh
                m += factor * xm
                if not order:
                    break
                factor *= dt / order
                xa, xh, xm = (
                    ka * (xh - xa) / ca,
                    (ka * (xa - xh) - km * (xh - xm) - sink_w_k * xh) / ch,
                    (km * (xh - xm) - kr * xm) / cm,
                )
        self.anode_c, self.head_c, self.mount_c = a, h, m

    def equilibrium(
        self, head_c: float, beam_w: float, filament_w: float, room_c: float, air_kg_m3: float
    ) -> None:
        """Set the steady state of a perfect thermal law, the fan within its range."""

        def head_at(fan: float) -> float:
            return float(self._rest(fan, beam_w, filament_w, room_c, air_kg_m3)[1])

        if not self._fan_w_k:
            fan = 0.0
        elif head_at(1.0) >= head_c:
            fan = 1.0
        elif head_at(0.0) <= head_c:
            fan = 0.0
        else:
            fan = float(brentq(lambda speed: head_at(speed) - head_c, 0.0, 1.0, xtol=1e-12))
            if fan <= self._stall:  # too slow to turn
                fan = 0.0
        self.fan = fan
        rest = self._rest(fan, beam_w, filament_w, room_c, air_kg_m3)
        self.anode_c, self.head_c, self.mount_c = (float(value) for value in rest)
        self.electronics_c = room_c + self._electronics_k_per_w * self._electronics_w

    def _rest(
        self, fan: float, beam_w: float, filament_w: float, room_c: float, air_kg_m3: float
    ) -> np.ndarray:
        ka, km, kr = self._anode_w_k, self._mount_w_k, self._mount_air_w_k
        sink_w_k = self.conductance_w_per_k(fan, air_kg_m3) + self._coolant_w_k
        matrix = [[ka, -ka, 0.0], [-ka, ka + km + sink_w_k, -km], [0.0, -km, km + kr]]
        source = [
            beam_w * (1.0 - self._backscatter),
            beam_w * self._backscatter + filament_w + self._sink_w(sink_w_k, room_c),
            kr * room_c,
        ]
        return np.linalg.solve(matrix, source)
