"""A tube head for tests, written independently of twin/plant/heat.py, for CPython and MicroPython.

Anode, head and base as lumps; a fan with its lag; a sensor with lag, dead time, noise and the
counts of a PT100. Explicit Euler, an eighth of a second a step.
"""

from firmware.calibration import FAN_FULL, pt100_raw, pt100_temperature_c

DT_S = 0.5
CUTS = 4
MA_SLEW_PER_S = 0.1


class HiddenPlant:
    """`read_c`, `power_w`, then `advance` by DT_S. What may happen to it are plain attributes."""

    head_j_per_k = 700.0
    anode_j_per_k = 60.0
    anode_k_per_w = 0.25
    direct_part = 0.2  # of the beam's heat that does not pass through the anode
    g0_w_per_k = 0.5
    g1_w_per_k = 2.3
    exponent = 0.8
    fan_lag_s = 1.5
    base_j_per_k = 1200.0
    base_w_per_k = 0.4
    base_air_w_per_k = 1.0
    sensor_lag_s = 6.0
    dead_s = 0.0
    noise_k = 0.02
    beam_w = 49.0
    filament_w = 3.5
    room_c = 22.0

    def __init__(self, seed, constants, head_c):
        for name in constants:
            assert hasattr(self, name), name
            setattr(self, name, constants[name])
        self.seed = seed % 30000 + 1
        self.room_k_per_h = 0.0
        self.draught_w = 0.0  # heat that no meter shows
        self.fan_works = True
        self.stuck_raw = None
        self.fan = 0.3
        self.ma_part = 1.0
        self.head_c = self.sensed_c = head_c
        self.anode_c = head_c + self.anode_k_per_w * (1.0 - self.direct_part) * self.beam_w
        self.base_c = self.room_c + (head_c - self.room_c) * self.base_w_per_k / (
            self.base_w_per_k + self.base_air_w_per_k
        )
        self.late = [head_c] * (1 + int(self.dead_s / DT_S + 0.5))

    def normal(self):
        """Twelve uniform numbers make a nearly normal one. Small integers alone, so that every
        Python draws the same (the first generator of Wichmann and Hill, 1982)."""
        total = -6.0
        for _ in range(12):
            self.seed = self.seed * 171 % 30269
            total += self.seed / 30269.0
        return total

    def read_c(self):
        """What the firmware makes of the sensor's count, degC."""
        raw = pt100_raw(self.late[0] + self.noise_k * self.normal())
        return pt100_temperature_c(raw if self.stuck_raw is None else self.stuck_raw)

    def power_w(self):
        """What the meters show."""
        return self.beam_w * self.ma_part + self.filament_w

    def advance(self, fan_program_raw, ma_part):
        goal = fan_program_raw / FAN_FULL if self.fan_works else 0.0
        dt = DT_S / CUTS
        for _ in range(CUTS):
            most = MA_SLEW_PER_S * dt
            self.ma_part += max(-most, min(most, ma_part - self.ma_part))
            self.fan += dt / self.fan_lag_s * (goal - self.fan)
            beam_w = self.beam_w * self.ma_part
            anode_w = (self.anode_c - self.head_c) / self.anode_k_per_w
            base_w = (self.head_c - self.base_c) * self.base_w_per_k
            base_air_w = (self.base_c - self.room_c) * self.base_air_w_per_k
            air_w_per_k = self.g0_w_per_k + self.g1_w_per_k * self.fan**self.exponent
            air_w = air_w_per_k * (self.head_c - self.room_c)
            head_w = anode_w + self.direct_part * beam_w + self.filament_w + self.draught_w
            self.anode_c += dt * ((1.0 - self.direct_part) * beam_w - anode_w) / self.anode_j_per_k
            self.head_c += dt * (head_w - base_w - air_w) / self.head_j_per_k
            self.base_c += dt * (base_w - base_air_w) / self.base_j_per_k
            self.sensed_c += dt / self.sensor_lag_s * (self.head_c - self.sensed_c)
            self.room_c += dt * self.room_k_per_h / 3600.0
        self.late.append(self.sensed_c)
        self.late.pop(0)

    def still_w_per_k(self):
        """Conductance to the room at rest without the fan: by the air, and by the base."""
        in_series = self.base_w_per_k + self.base_air_w_per_k
        return self.g0_w_per_k + self.base_w_per_k * self.base_air_w_per_k / in_series

    def resting_speed(self, head_c):
        """Speed of the fan that holds the head there; None where none does."""
        heat_w_per_k = (self.beam_w + self.filament_w) / (head_c - self.room_c)
        part = (heat_w_per_k - self.still_w_per_k()) / self.g1_w_per_k
        return part ** (1.0 / self.exponent) if 0.0 < part < 1.0 else None


def tune(law, plant, most_s=8 * 3600.0):
    """Let an autotune have the plant until it ends -> (coldest, hottest) head, degC."""
    coldest_c = hottest_c = plant.head_c
    time_s = 0.0
    while law.goes_on(True):
        assert time_s < most_s
        law.step(DT_S, plant.read_c(), plant.room_c, plant.power_w(), 0)
        plant.advance(law.fan_program_raw, law.ma_part)
        coldest_c = min(coldest_c, plant.head_c)
        hottest_c = max(hottest_c, plant.head_c)
        time_s += DT_S
    return coldest_c, hottest_c
