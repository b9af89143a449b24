"""The plant: everything the tube does between two ticks.

`advance` is the product's cost. It moves what is quick (tube voltage, filament, emission, their
monitors) by one tick, and every SLOW_TICKS ticks what is slow (heat, optics, air, drift, slow
sensors). The slow part uses the mean of the quick part over the ticks it covers.
"""

from math import exp, sqrt
from typing import Any

from firmware.calibration import (
    ADC_FULL,
    DAC_FULL,
    FAN_FULL,
    FILAMENT_FULL_A,
    GRID_FULL_V,
    KV_FULL,
    MA_FULL,
)
from firmware.plain import Plain
from firmware.signals import ALL_CLOSED
from twin.ambient import Ambient
from twin.noise import Noise
from twin.physics.air import densities_kg_m3, optical_depth
from twin.physics.cathode import Filament
from twin.physics.heat import Heat
from twin.physics.optics import Beam
from twin.sensors import REFERENCE_C, Sensors
from twin.tube import Tube

TICK_MS = 10
SLOW_TICKS = 50
SLOW_MS = TICK_MS * SLOW_TICKS
GRID_KV_PER_COUNT = 1e-3 * GRID_FULL_V / DAC_FULL


class Plant(Plain):
    """All truth. The board (twin/board.py) sets the actuators below and reads the counts."""

    STATE = (
        "now_ms",
        "kv",
        "ma",
        "kv_drift",
        "ma_drift",
        "charge",
        "energy_j",
        "intensity_sum",
        "tick",
        "hv_enable",
        "lamp_on",
        "kv_program_raw",
        "grid_program_raw",
        "filament_program_raw",
        "fan_program_raw",
        "kv_monitor_raw",
        "ma_monitor_raw",
        "filament_monitor_raw",
        "displacement_um",
        "transmission",
        "path_cm",
        "switches",
        "_kv_goal",
        "_kv_seen",
        "_filament_seen",
        "_kv_true",
        "_kv_gain",
        "_ma_gain",
        "_supply",
    )
    PARTS = ("filament", "heat", "sensors", "noise", "slow_noise")

    def __init__(self, tube: Tube, ambient: Ambient, path_cm: float, seed: int):
        step_s = 0.001 * SLOW_MS
        self.tube = tube
        self.ambient = ambient
        self.path_cm = path_cm
        self._noise_end = 3 << 14
        self.noise = Noise(seed, "monitors", self._noise_end)
        self.slow_noise = Noise(seed, "sensors")
        self.filament = Filament(tube.cathode, 0.001 * TICK_MS)
        self.heat = Heat(tube.heat, step_s)
        self.sensors = Sensors(tube.sensors, step_s, self.slow_noise)
        self.beam = Beam(tube.optics)
        self.now_ms = 0
        # Actuators, as the board last wrote them.
        self.hv_enable = self.lamp_on = 0
        self.kv_program_raw = self.grid_program_raw = 0
        self.filament_program_raw = self.fan_program_raw = 0
        self.switches = ALL_CLOSED  # contacts, closed and healthy
        # Quick state and its monitors.
        self.kv = self.ma = 0.0
        self.kv_monitor_raw = self.ma_monitor_raw = self.filament_monitor_raw = 0
        # Sums over the ticks since the last slow step, and what came of them.
        self.charge = 0.0  # mA ticks
        self.energy_j = 0.0  # kV mA ticks
        self.intensity_sum = 0.0  # relative intensity, in ticks
        self.tick = 0
        self.kv_drift = self.ma_drift = 0.0
        self.displacement_um = 0.0
        self.transmission = 1.0

        generator, cathode = tube.generator, tube.cathode
        self._kv_relax = 1.0 - exp(-0.001 * TICK_MS / generator.kv_lag_s.value)
        self._regulation = 0.01 * generator.load_regulation_percent_per_ma.value
        self._perveance = cathode.perveance_ma_per_kv1_5.value
        self._grid_kv = cathode.amplification.value * GRID_KV_PER_COUNT
        self._cut_off_kv = cathode.amplification.value * 1e-3 * GRID_FULL_V
        self._flicker = 0.01 * cathode.flicker_percent.value
        self._kv_noise = 0.01 * generator.kv_noise_percent.value * ADC_FULL
        self._ma_noise = 0.01 * generator.ma_noise_percent.value * ADC_FULL
        self._root_h = sqrt(step_s / 3600.0)
        settings = tube.firmware_settings()
        self.nominal = settings.ma * self.beam.line_yield(settings.kv)
        self._kv_goal = 0.0
        self._kv_seen = self._filament_seen = 0
        self._supply = 1.0
        self._kv_true = 1.0
        self._kv_gain = self._ma_gain = 1.0
        self.start_cold()

    def advance(self) -> None:
        """One tick of TICK_MS with the actuators held."""
        if self.kv_program_raw != self._kv_seen:
            self._program_kv()
        if self.filament_program_raw != self._filament_seen:
            self._program_filament()
        kv = self.kv
        kv += self._kv_relax * ((self._kv_goal if self.hv_enable else 0.0) - kv)
        self.kv = kv
        saturation = self.filament.relax()
        noise = self.noise
        at = noise.next
        values = noise.values
        drive = kv + self._grid_kv * self.grid_program_raw - self._cut_off_kv
        if drive > 0.0:
            space = self._perveance * drive * sqrt(drive)
            ma = (
                space
                * saturation
                / sqrt(space * space + saturation * saturation)
                * (1.0 + self._flicker * values[at])
            )
            self.charge += ma
            self.energy_j += kv * ma
        else:
            ma = 0.0
        self.ma = ma
        # The monitors: what the converters make of it at the end of the tick.
        raw = int(kv * self._kv_gain + self._kv_noise * values[at + 1])
        self.kv_monitor_raw = raw if 0 <= raw <= ADC_FULL else 0 if raw < 0 else ADC_FULL
        raw = int(ma * self._ma_gain + self._ma_noise * values[at + 2] + 0.5)
        self.ma_monitor_raw = raw if 0 <= raw <= ADC_FULL else 0 if raw < 0 else ADC_FULL
        noise.next = at + 3
        if at + 3 == self._noise_end:
            noise.refill()
        self.now_ms += TICK_MS
        self.tick += 1
        if self.tick == SLOW_TICKS:
            self._slow()

    def start_cold(self) -> None:
        """At rest for days in the room of time 0."""
        self._place_ambient()
        self.heat.soak(self.room_c)
        self._settle()

    def start_warm(self, head_c: float, beam_w: float, filament_w: float) -> None:
        """At rest with beam on and the head held at `head_c`, in the room of time 0."""
        self._place_ambient()
        air = sum(densities_kg_m3(self.room_c, self.pressure_hpa, self.humidity_percent))
        self.heat.equilibrium(head_c, beam_w, filament_w, self.room_c, air)
        self.fan_program_raw = round(self.heat.fan * FAN_FULL)
        self._settle()

    def _settle(self) -> None:
        heat = self.heat
        self.sensors.settle(heat.head_c, heat.mount_c, heat.electronics_c, self.room_c)
        self._sense()
        self._drift()

    def state(self) -> dict[str, Any]:
        state = Plain.state(self)
        for part in self.PARTS:
            state[part] = getattr(self, part).state()
        return state

    def load(self, state: dict[str, Any]) -> None:
        for part in self.PARTS:
            getattr(self, part).load(state[part])
        Plain.load(self, state)
        self._place_ambient()

    def take_intensity(self) -> float:
        """Intensity summed since the last call, relative to the nominal tube, in ticks."""
        taken = self.intensity_sum
        self.intensity_sum = 0.0
        return taken

    def _program_kv(self) -> None:
        self._kv_seen = self.kv_program_raw
        program_kv = self.kv_program_raw * (KV_FULL / DAC_FULL)
        self._kv_goal = program_kv * self._kv_true * (1.0 - self._regulation * self.ma)

    def _program_filament(self) -> None:
        self._filament_seen = self.filament_program_raw
        amps = self.filament_program_raw * (FILAMENT_FULL_A / DAC_FULL) * self._supply
        self.filament.set_current(amps)
        raw = round(self.filament.amps * (ADC_FULL / FILAMENT_FULL_A))
        self.filament_monitor_raw = raw if raw <= ADC_FULL else ADC_FULL

    def _place_ambient(self) -> None:
        """The room as it was at the last slow step: it is held until the next."""
        self.room_c, self.pressure_hpa, self.humidity_percent = self.ambient.at(
            0.001 * (self.now_ms - TICK_MS * self.tick)
        )

    def _drift(self) -> None:
        """Gains of generator and monitors at the present electronics temperature and age."""
        g = self.tube.generator
        warm_k = self.heat.electronics_c - REFERENCE_C
        divider = 1.0 + 1e-6 * g.kv_ppm_per_k.value * warm_k + self.kv_drift
        shunt = 1.0 + 1e-6 * g.ma_ppm_per_k.value * warm_k + self.ma_drift
        self._kv_true = divider * (1.0 + 0.01 * g.kv_gain_error_percent.value)
        # The monitors share divider and shunt with the regulation: they do not see the drift.
        self._kv_gain = ADC_FULL / KV_FULL / self._kv_true
        self._ma_gain = ADC_FULL / MA_FULL / shunt * (1.0 + 0.01 * g.ma_gain_error_percent.value)
        self._supply = 1.0 + 1e-6 * self.tube.cathode.supply_ppm_per_k.value * warm_k
        self._program_kv()
        self._program_filament()

    def _slow(self) -> None:
        """The slow part, for the SLOW_TICKS ticks that have just passed."""
        charge, energy = self.charge, self.energy_j
        self.charge = self.energy_j = 0.0
        self.tick = 0
        room_c, pressure_hpa, humidity = self.room_c, self.pressure_hpa, self.humidity_percent
        dry, vapour = densities_kg_m3(room_c, pressure_hpa, humidity)
        heat = self.heat
        optics = self.tube.optics
        self.displacement_um = self.beam.displacement_um(heat.head_c, heat.mount_c)
        self.transmission = self.beam.acceptance(self.displacement_um) * exp(
            -optical_depth(
                dry,
                vapour,
                self.path_cm,
                optics.air_dry_cm2_per_g.value,
                optics.air_vapour_cm2_per_g.value,
            )
        )
        if charge > 0.0:
            self.intensity_sum += (
                charge * self.beam.line_yield(energy / charge) * self.transmission / self.nominal
            )
        heat.advance(
            energy / SLOW_TICKS,
            self.filament.power_w(),
            self.fan_program_raw / FAN_FULL,
            room_c,
            dry + vapour,
        )
        n = self.slow_noise.take(3)
        generator = self.tube.generator
        root_h = self._root_h
        self.kv_drift += 1e-6 * generator.kv_drift_ppm_per_sqrt_h.value * root_h * n[0]
        self.ma_drift += 1e-6 * generator.ma_drift_ppm_per_sqrt_h.value * root_h * n[1]
        self.filament.drift *= (
            1.0 + 0.01 * self.tube.cathode.drift_percent_per_sqrt_h.value * root_h * n[2]
        )
        self._drift()
        self._place_ambient()
        self._sense()

    def _sense(self) -> None:
        heat = self.heat
        self.sensors.sample(
            heat.head_c,
            heat.mount_c,
            heat.electronics_c,
            self.room_c,
            self.pressure_hpa,
            self.humidity_percent,
        )
