"""The functional core: one tick of the whole firmware.

`step` reads raw counts, lets the laws act at their own rates, and lets the interlocks have the
last word. It touches no hardware and reads no clock.

States: OFF -> (run goes True) PREHEAT -> RAMP (high voltage) -> BEAM; any of the last three ->
OFF when run goes False; any of them -> TRIPPED on an interlock. TRIPPED is left only by a new
start: run False, then True.
"""

from firmware.calibration import ADC_FULL, DAC_FULL, FAN_FULL, pt100_temperature_c
from firmware.interlocks import Interlocks
from firmware.laws.compensation import Compensation
from firmware.laws.emission import Emission
from firmware.laws.high_voltage import HighVoltage
from firmware.laws.thermal import Thermal
from firmware.laws.tuner import Tuner
from firmware.signals import HOLD_COMPENSATION, HOLD_EMISSION, HOLD_THERMAL, TUNE_THERMAL
from firmware.state import Plain
from firmware.ticks import MASK

OFF = 0
PREHEAT = 1
RAMP = 2
BEAM = 3
TRIPPED = 4
STATES = ("off", "preheat", "ramp", "beam", "tripped")

# The slower laws take turns, so that no tick carries all of them: every PHASE_MS one phase.
PHASE_MS = 50
PHASES = 20
SLOW_MS = 100  # even phases: ramps, emission's slow loop, slow interlocks
THERMAL_MS = 500  # phases 3 and 13
COMPENSATION_MS = 1000  # phase 7
MAX_AGE_MS = 3000  # a reading older than this trims nothing new
LAMP_KV = 1.0  # above this there may be X-rays, whatever was commanded
SETTLE_MS = 1000  # after the voltage has been moved, before it is expected to be there
SETTLED_PART = 0.95 * ADC_FULL / DAC_FULL  # monitor over program, in counts
MOVING_PART = 0.5 * ADC_FULL / DAC_FULL
MOVING_KV = 10.0  # below this a voltage on its way up may still be at half of its program
LAMP_STRETCH_MS = 500 + 2 * SLOW_MS  # at least 500, wherever between two turns it begins
FILAMENT_VOLT_PER_A = 0.75  # to turn filament current into heat, W = 0.75 V/A * A**2


class Controller(Plain):
    """Composes the laws. `state()` and `load()` cover all of it."""

    STATE = (
        "condition",
        "trip",
        "trip_ms",
        "last_ms",
        "run_seen",
        "in_condition_ms",
        "phase",
        "phase_ms",
        "lamp_ms",
        "room_c",
        "sagging",
        "sag_raw",
        "steady_ms",
    )
    LAWS = ("thermal", "emission", "high_voltage", "compensation", "interlocks")

    def __init__(self, settings):
        self.settings = settings
        self.thermal = Thermal(settings)
        self.emission = Emission(settings)
        self.high_voltage = HighVoltage(settings)
        self.compensation = Compensation(settings)
        self.interlocks = Interlocks(settings)
        self.tuner = Tuner(settings)
        self.kv_per_count = settings.kv_full / ADC_FULL
        self.ma_per_count = settings.ma_full / ADC_FULL
        self.filament_a_per_count = settings.filament_full_a / ADC_FULL
        self.moving_raw = int(MOVING_KV * DAC_FULL / settings.kv_full)
        self.lamp_kv_raw = int(LAMP_KV / self.kv_per_count)
        self.condition = OFF
        self.trip = 0  # code of the first cause, kept until the next start
        self.trip_ms = 0
        self.last_ms = None
        self.run_seen = True  # a run that is already True at power-up starts nothing
        self.in_condition_ms = 0
        self.phase = 0
        self.phase_ms = 0
        self.lamp_ms = 0
        self.room_c = 22.0
        self.sagging = False
        self.sag_raw = 0.0  # monitor below which the voltage has broken down
        self.steady_ms = 0

    def step(self, now_ms: int, inputs, outputs, command) -> None:
        """One tick: `now_ms` (wrapping ms), raw inputs -> raw outputs."""
        before = self.condition
        if self.last_ms is None:
            self.last_ms = now_ms
            before = -1  # whatever the actuators held until now
            self.thermal.fan = outputs.fan_program_raw / FAN_FULL  # for the bumpless start
        dt_ms = (now_ms - self.last_ms) & MASK
        self.last_ms = now_ms
        if command.run != self.run_seen:
            self._run_changed(command.run)
            before = -1  # a start that trips in the same tick has a new cause to show
        condition = self.condition
        if OFF < condition < TRIPPED:
            trip = 0
            if not self.interlocks.all_well(inputs):
                trip = self.interlocks.fast(inputs, outputs, self)
            if trip:
                self._trip(trip, now_ms)
            elif condition >= RAMP:
                if inputs.kv_monitor_raw < self.sag_raw:
                    # Without voltage the current says nothing: the bias waits.
                    self._sag(now_ms, inputs, outputs)
                else:
                    self.sagging = False
                    if condition == BEAM and not command.hold & HOLD_EMISSION:
                        outputs.grid_program_raw = self.emission.fast(inputs.ma_monitor_raw)
        self.phase_ms += dt_ms
        if self.phase_ms >= PHASE_MS:
            self.phase_ms %= PHASE_MS  # turns that a late tick has missed are not made up for
            self._take_turn(now_ms, inputs, outputs, command)
        if self.condition != before:  # a change shows in the outputs of its own tick
            self._write(inputs, outputs)

    def state(self) -> dict:
        """The whole memory, laws included, as nested dicts of plain values."""
        state = Plain.state(self)
        for law in self.LAWS:
            state[law] = getattr(self, law).state()
        state["tuner"] = self.tuner.state()
        return state

    def load(self, state: dict) -> None:
        """Take over what `state()` gave."""
        Plain.load(self, state)
        for law in self.LAWS:
            getattr(self, law).load(state[law])
        self.tuner.load(state["tuner"])

    def _run_changed(self, run: bool) -> None:
        self.run_seen = run
        if run:
            self.trip = 0
            self.interlocks.start()
            self.sagging = False
            self.sag_raw = 0.0
            self.steady_ms = 0
            self._enter(PREHEAT)
        elif self.condition != TRIPPED:
            self._enter(OFF)

    def _trip(self, code: int, now_ms: int) -> None:
        if not self.trip:  # the first cause is the one that is kept
            self.trip = code
            self.trip_ms = now_ms
        self._enter(TRIPPED)

    def _sag(self, now_ms: int, inputs, outputs) -> None:
        """The tube voltage is far below its program: an arc, when it has just begun."""
        if not self.sagging:
            self.sagging = True
            self._expect_voltage()
            trip = self.interlocks.arc(inputs, outputs, self)
            if trip:
                self._trip(trip, now_ms)

    def _enter(self, condition: int) -> None:
        self.condition = condition
        self.in_condition_ms = 0
        if condition == OFF or condition == TRIPPED:
            self.high_voltage.off()
            self.emission.cold()

    def _take_turn(self, now_ms: int, inputs, outputs, command) -> None:
        phase = self.phase
        self.phase = phase + 1 if phase + 1 < PHASES else 0
        if not phase & 1:
            self._slow(SLOW_MS, now_ms, inputs, outputs, command)
        elif phase == 3 or phase == 13:
            self._thermal(THERMAL_MS, inputs, outputs, command)
        elif phase == 7:
            self._compensate(COMPENSATION_MS, inputs, command)

    def _slow(self, dt_ms: int, now_ms: int, inputs, outputs, command) -> None:
        """Ramps, the filament and the interlocks that have a delay."""
        trip = self.interlocks.slow(inputs, outputs, self, dt_ms)
        condition = self.condition
        if RAMP <= condition <= BEAM and not trip:
            trip = self.interlocks.voltage(inputs, outputs, self, dt_ms)
        regulating = condition == BEAM and not self.sagging and not command.hold & HOLD_EMISSION
        if regulating and not trip:
            trip = self.interlocks.regulated(inputs, outputs, self, dt_ms)
        dt_s = 0.001 * dt_ms
        before_raw = self.high_voltage.kv_program_raw
        if OFF < condition < TRIPPED and trip:
            self._trip(trip, now_ms)
        elif condition == PREHEAT:
            self.in_condition_ms += dt_ms
            self.emission.preheat(dt_s)
            if self.in_condition_ms >= self.settings.preheat_ms:
                self._enter(RAMP)
        elif condition == RAMP:
            # After an arc the ramp goes on when the voltage is back.
            if not self.sagging and self.high_voltage.ramp(command.kv, dt_s):
                self._enter(BEAM)
        elif regulating:
            self.high_voltage.ramp(command.kv, dt_s)
            # The rating comes before the slew: what a rising voltage leaves holds at once.
            self.emission.target_ma = self.high_voltage.allowed_ma(self.emission.target_ma)
            wanted_ma = command.ma * self.compensation.trim * self.tuner.ma_part
            self.emission.aim(self.high_voltage.allowed_ma(wanted_ma), dt_s)
            self.emission.slow(dt_s)
        if self.high_voltage.kv_program_raw != before_raw:
            self.steady_ms = 0
        elif self.steady_ms < SETTLE_MS:
            self.steady_ms += dt_ms
        self._expect_voltage()
        if self.lamp_ms > 0:
            self.lamp_ms -= dt_ms
        self._write(inputs, outputs)

    def _expect_voltage(self) -> None:
        """The monitor below which there is less voltage than a generator on its way would show."""
        program_raw = self.high_voltage.kv_program_raw
        if self.sagging or self.steady_ms >= SETTLE_MS:
            self.sag_raw = SETTLED_PART * program_raw
        elif program_raw > self.moving_raw:
            self.sag_raw = MOVING_PART * program_raw
        else:
            self.sag_raw = 0.0

    def _thermal(self, dt_ms: int, inputs, outputs, command) -> None:
        if inputs.room_age_ms <= MAX_AGE_MS:
            self.room_c = 0.01 * inputs.room_temperature_raw
        if not self.settings.air_cooled:
            return
        tune = command.hold & (TUNE_THERMAL | HOLD_THERMAL) == TUNE_THERMAL
        tuning = self.tuner.goes_on(tune, self.condition == OFF, self.condition == BEAM)
        if command.hold & HOLD_THERMAL:
            self.thermal.running = False  # begins anew, without a bump, when it is let go
            return
        filament_a = inputs.filament_monitor_raw * self.filament_a_per_count
        power_w = (
            inputs.kv_monitor_raw * self.kv_per_count * inputs.ma_monitor_raw * self.ma_per_count
            + FILAMENT_VOLT_PER_A * filament_a * filament_a
        )
        head_c = pt100_temperature_c(inputs.head_temperature_raw)
        if tuning:
            age_ms = max(inputs.head_age_ms, inputs.room_age_ms)
            self.tuner.step(0.001 * dt_ms, head_c, self.room_c, power_w, age_ms)
            self.thermal.running = False  # begins anew, at the speed of rest
            self.thermal.fan = self.tuner.rest or self.thermal.fan
            outputs.fan_program_raw = self.tuner.fan_program_raw
            return
        if inputs.head_age_ms > MAX_AGE_MS:  # nothing to steer by: the fan stays as it is
            self.thermal.running = False
            return
        self.thermal.step(0.001 * dt_ms, head_c, self.room_c, power_w)
        outputs.fan_program_raw = self.thermal.fan_program_raw

    def _compensate(self, dt_ms: int, inputs, command) -> None:
        if (
            command.hold & HOLD_COMPENSATION
            or inputs.head_age_ms > MAX_AGE_MS
            or inputs.mount_age_ms > MAX_AGE_MS
            or inputs.generator_age_ms > MAX_AGE_MS
            or inputs.room_age_ms > MAX_AGE_MS
        ):
            return
        self.compensation.sense(
            0.001 * dt_ms,
            pt100_temperature_c(inputs.head_temperature_raw),
            pt100_temperature_c(inputs.mount_temperature_raw),
            0.01 * inputs.generator_temperature_raw,
            0.01 * inputs.room_temperature_raw,
            float(inputs.room_pressure_raw),
            0.01 * inputs.room_humidity_raw,
        )
        self.compensation.step()

    def _write(self, inputs, outputs) -> None:
        """All outputs but the fan, from the condition. Everything is off unless it says so."""
        condition = self.condition
        energised = condition == RAMP or condition == BEAM
        heated = energised or condition == PREHEAT
        kv_program_raw = self.high_voltage.kv_program_raw if energised else 0
        outputs.kv_program_raw = kv_program_raw
        outputs.hv_enable = 1 if kv_program_raw else 0  # no voltage asked for enables nothing
        outputs.grid_program_raw = self.emission.grid_program_raw if condition == BEAM else 0
        outputs.filament_program_raw = self.emission.filament_program_raw if heated else 0
        # The lamp follows the readback too, and stays for half a second: nothing is hidden.
        if heated or inputs.kv_monitor_raw > self.lamp_kv_raw:
            self.lamp_ms = LAMP_STRETCH_MS
        outputs.lamp_on = 1 if self.lamp_ms > 0 else 0
        outputs.state = condition
        outputs.trip = self.trip
