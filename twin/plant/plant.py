"""The plant: the tube and its room between two ticks.

`advance` takes most of the computing time of a run. It advances the fast part (tube voltage,
filament, emission, their monitors) by one tick, and every SLOW_TICKS ticks the slow part (heat,
optics, air, drift, slow sensors). The slow part uses means of the fast part over these ticks.
"""

from math import exp, hypot, sqrt
from typing import Any, get_args

from firmware.calibration import ADC_FULL, DAC_FULL, FAN_FULL
from firmware.signals import ALL_CLOSED
from firmware.state import Plain
from twin.physics.air import densities_kg_m3
from twin.physics.attenuation import Gas, GasName
from twin.plant.ambient import Ambient
from twin.plant.cathode import Filament, Triode
from twin.plant.generator import NO_ARC, Generator
from twin.plant.heat import Heat
from twin.plant.noise import Noise
from twin.plant.optics import HOUR_MS, Beam
from twin.plant.sensors import REFERENCE_C, Sensors
from twin.tube.tube import Tube

TICK_MS = 10
SLOW_TICKS = 50
SLOW_MS = TICK_MS * SLOW_TICKS


class Plant(Plain):
    """The true state. The board (twin/world/board.py) sets the actuators and reads the counts."""

    STATE = (
        "now_ms",
        "kv",
        "ma",
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
        "beam_ms",
        "displacement_x_um",
        "displacement_y_um",
        "transmission",
        "path_cm",
        "path_gas",
        "switches",
        "_kv_goal",
        "_kv_seen",
        "_filament_seen",
        "_kv_gain",
        "_ma_gain",
        "_supply",
        "_arc_end",
    )
    PARTS = ("filament", "generator", "heat", "sensors", "noise", "slow_noise")

    def __init__(
        self, tube: Tube, ambient: Ambient, path_cm: float, seed: int, path_gas: GasName = "air"
    ):
        step_s = 0.001 * SLOW_MS
        self.tube = tube
        self.ambient = ambient
        self.path_cm = path_cm
        self.path_gas = path_gas
        self._noise_end = 3 << 14
        self.noise = Noise(seed, "monitors", self._noise_end)
        self.slow_noise = Noise(seed, "sensors")
        settings = tube.firmware_settings()
        self.filament = Filament(tube.cathode, 0.001 * TICK_MS)
        self.triode = Triode(tube.cathode)
        self.generator = Generator(tube.generator, settings.ma_full, step_s, 0.001 * TICK_MS)
        self.heat = Heat(tube.heat, step_s)
        self.sensors = Sensors(tube.sensors, step_s, self.slow_noise)
        self.beam = Beam(tube)
        self._gases: dict[GasName, Gas] = {
            name: Gas(name, self.beam.energy_kev) for name in get_args(GasName)
        }
        self.now_ms = 0
        # Actuators: the last values that the board wrote.
        self.hv_enable = self.lamp_on = 0
        self.kv_program_raw = self.grid_program_raw = 0
        self.filament_program_raw = self.fan_program_raw = 0
        self.switches = ALL_CLOSED  # contacts, closed and healthy
        # Fast state and its monitors.
        self.kv = self.ma = 0.0
        self.kv_monitor_raw = self.ma_monitor_raw = self.filament_monitor_raw = 0
        # Sums over the ticks since the last slow step, and their results.
        self.charge = 0.0  # mA ticks
        self.energy_j = 0.0  # kV mA ticks
        self.intensity_sum = 0.0  # relative intensity, in ticks
        self.tick = 0
        self.beam_ms = tube.ageing.hours.value * HOUR_MS  # time with beam, for ageing
        self.displacement_x_um = self.displacement_y_um = 0.0
        self.transmission = 1.0

        generator, cathode = tube.generator, tube.cathode
        self._kv_full, self._ma_full = settings.kv_full, settings.ma_full
        self._filament_full_a = settings.filament_full_a
        self._kv_relax = self.generator.kv_part
        self._perveance = self.triode.perveance
        self._feedback = self.triode.feedback_kv_per_ma
        self._cut_off_kv = 1e-3 * settings.grid_full_v * self.triode.amplification
        self._grid_kv = self._cut_off_kv / DAC_FULL
        self._flicker = 0.01 * cathode.flicker_percent.value
        ripple_percent = 100.0 * self.generator.ripple_rms * settings.kv / settings.kv_full
        self._kv_noise = 0.01 * hypot(generator.kv_noise_percent.value, ripple_percent) * ADC_FULL
        self._ma_noise = 0.01 * generator.ma_noise_percent.value * ADC_FULL
        self._emission_drift = 0.01 * cathode.drift_percent_per_sqrt_h.value * sqrt(step_s / 3600.0)
        self.nominal = settings.ma * self.beam.line_yield(settings.kv)
        self._kv_goal = 0.0
        self._kv_seen = self._filament_seen = 0
        self._supply = 1.0
        self._arc_end = NO_ARC
        self._kv_gain = self._ma_gain = 1.0
        self.start_cold()

    def advance(self) -> None:
        """One tick of TICK_MS with the actuators held."""
        if self.kv_program_raw != self._kv_seen:
            self._program_kv()
        if self.filament_program_raw != self._filament_seen:
            self._program_filament()
        if self.tick == self._arc_end:
            self._arc_end = NO_ARC
            self._program_kv()
        kv = self.kv
        kv += self._kv_relax * ((self._kv_goal if self.hv_enable else 0.0) - kv)
        self.kv = kv
        saturation = self.filament.relax()
        noise = self.noise
        at = noise.next
        values = noise.values
        drive = kv + self._grid_kv * self.grid_program_raw - self._cut_off_kv
        if drive > 0.0:
            if self._feedback:
                ma = self.triode.current_ma(drive, saturation, self.ma)
            else:  # the same without a call, because this runs every tick
                space = self._perveance * drive * sqrt(drive)
                ma = space * saturation / sqrt(space * space + saturation * saturation)
            ma *= 1.0 + self._flicker * values[at]
            self.charge += ma
            self.energy_j += kv * ma
        else:
            ma = 0.0
        self.ma = ma
        # The monitors: values of the converters at the end of the tick.
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
        """Set the state of a tube that was off for days in the room of time 0."""
        self._place_ambient()
        self.heat.soak(self.room_c)
        self._settle()

    def start_warm(self, head_c: float, beam_w: float, filament_w: float) -> None:
        """Set the steady state with beam, the head at `head_c`, in the room of time 0."""
        self._place_ambient()
        air = sum(densities_kg_m3(self.room_c, self.pressure_hpa, self.humidity_percent))
        self.heat.equilibrium(head_c, beam_w, filament_w, self.room_c, air)
        self.fan_program_raw = round(self.heat.fan * FAN_FULL)
        self._settle()

    def _settle(self) -> None:
        heat = self.heat
        self.generator.warm(heat.electronics_c)
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
        """Sum of the intensity since the last call, relative to the nominal tube, in ticks."""
        taken = self.intensity_sum
        self.intensity_sum = 0.0
        return taken

    def _program_kv(self) -> None:
        self._kv_seen = self.kv_program_raw
        generator = self.generator
        program_kv = self.kv_program_raw * (self._kv_full / DAC_FULL)
        self._kv_goal = (
            program_kv * generator.divider * (1.0 - generator.regulation_per_ma * self.ma)
        )
        if self._arc_end != NO_ARC:
            self._kv_goal = 0.0

    def _program_filament(self) -> None:
        self._filament_seen = self.filament_program_raw
        amps = self.filament_program_raw * (self._filament_full_a / DAC_FULL) * self._supply
        self.filament.set_current(amps)
        raw = round(self.filament.amps * (ADC_FULL / self._filament_full_a))
        self.filament_monitor_raw = raw if raw <= ADC_FULL else ADC_FULL

    def _place_ambient(self) -> None:
        """Set the room of the last slow step, which holds until the next."""
        self.room_c, self.pressure_hpa, self.humidity_percent = self.ambient.at(
            0.001 * (self.now_ms - TICK_MS * self.tick)
        )

    def _drift(self) -> None:
        """Set the gains of generator and monitors for the present electronics temperature."""
        warm_k = self.heat.electronics_c - REFERENCE_C
        # The monitors share divider and shunt with the regulation, so they do not show the drift.
        self._kv_gain = ADC_FULL / self._kv_full / self.generator.divider
        self._ma_gain = ADC_FULL / self._ma_full / self.generator.shunt
        self._supply = 1.0 + 1e-6 * self.tube.cathode.supply_ppm_per_k.value * warm_k
        self._program_kv()
        self._program_filament()

    def _slow(self) -> None:
        """Advance the slow part by the last SLOW_TICKS ticks."""
        charge, energy = self.charge, self.energy_j
        self.charge = self.energy_j = 0.0
        self.tick = 0
        room_c, pressure_hpa, humidity = self.room_c, self.pressure_hpa, self.humidity_percent
        dry, vapour = densities_kg_m3(room_c, pressure_hpa, humidity)
        heat = self.heat
        beam = self.beam
        x_um, y_um = beam.displacement_um(heat.head_c, heat.mount_c)
        self.displacement_x_um, self.displacement_y_um = x_um, y_um
        self.transmission = (
            beam.passed(x_um, y_um)
            * exp(-self._gases[self.path_gas].optical_depth(self.path_cm, dry, vapour))
            * beam.aged(self.beam_ms)
        )
        if charge > 0.0:
            self.intensity_sum += (
                charge * beam.line_yield(energy / charge) * self.transmission / self.nominal
            )
            self.beam_ms += SLOW_MS
        heat.advance(
            energy / SLOW_TICKS,
            self.filament.power_w(),
            self.fan_program_raw / FAN_FULL,
            room_c,
            dry + vapour,
        )
        n = self.slow_noise.take(4)
        self.generator.step(heat.electronics_c, self.kv, n)
        self._arc_end = self.generator.quench_ticks
        if self._arc_end != NO_ARC:
            self.kv = 0.0
        self.filament.drift *= 1.0 + self._emission_drift * n[3]
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
