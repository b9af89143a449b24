"""A generator with Spellman's serial protocol (uX, SLM): non-blocking, one request at a time.

The grid regulates the emission current, through the DAC, as with every generator. The generator's
own emission loop has no effect: its current set-point is the over-current limit, which the tube
never reaches, so that a uX holds the filament at its current limit. That limit is our filament
program. The enable pin is wired as with 0-10 V, because the serial line alone is too slow.

Frames: frame.py. Commands and scales: models.py. Timing:
docs/board/generators.md.
"""

from firmware.calibration import ADC_FULL, DAC_FULL
from firmware.drivers.generator import AGE_FULL_MS, NO_INTERRUPTS, EnableLine, Programs, older
from firmware.drivers.spellman.frame import SUCCESS
from firmware.drivers.spellman.line import Line
from firmware.drivers.spellman.models import MODELS
from firmware.drivers.spellman.set_points import SetPoints, fixed, scaled
from firmware.ticks import diff

BAUD = 115200
STATUS = 22
# Answers carry no number, but they come in the order of the requests. After a time-out these
# markers are sent in turn until one is answered in time; then no older answer is still due.
MARKERS = (STATUS, 14, 15)  # 14 and 15 read set-points back

TIMEOUT_MS = 20  # two ticks
STATUS_MS = 100  # period of the status requests
HEALTH_MS = 500  # a status older than this is not used
SETTLE_MS = 100  # for the generator to close its enable and to show its high voltage
RESET_MS = 1000  # shortest time that a fault is shown, at rest, before its reset
MOST_REFUSALS = 5  # without a success between them
# A time-out weighs as much as four answers in time. Three in a row, or one exchange in five, are
# too many: then even a marker's answer could belong to the third-last marker.
LATE_WEIGHT = 4
MOST_LATE = 12
CENTI_FULL = 12500
UNKNOWN = -1


def make(board, i2c, enable_pin, settings, model, interrupts):
    """Make the driver on the serial line of a board; the DAC is for the grid."""
    from firmware.drivers.mcp4728 import Mcp4728

    return Spellman(board.uart(BAUD), Mcp4728(i2c), enable_pin, settings, model, interrupts)


class Spellman:
    """A driver that reads the generator's inputs and writes its outputs, the grid's included.

    uart       : any(), readinto(buffer, n) and write(buffer), none of which waits
    dac        : write_fast(values, count) and check(); channel A is the grid, and C the filament
                 where the generator does not heat it
    enable_pin : value(0 or 1); 1 closes the generator's enable, or its interlock loop
    settings   : the full scales of our counts, and the over-current limit
    interrupts : see EnableLine
    trouble    : why `read` returned False, in words; "" after True
    """

    def __init__(
        self, uart, dac, enable_pin, settings, model: str = "uX50P50", interrupts=NO_INTERRUPTS
    ):
        m = MODELS[model]
        if settings.kv_max > m.KV_FULL:
            raise ValueError(
                f"kv_max = {settings.kv_max:g} is above the {m.KV_FULL:g} kV of {model}: lower it"
            )
        self.enable_line = EnableLine(enable_pin, interrupts)
        self.programs = Programs(dac, 1 if m.LIMIT else 3)
        self.line = Line(uart)
        self.set_points = SetPoints(m, settings)
        self.trouble = "no answer"
        self.timeouts = 0
        self._model = m
        # From its 12 bits to our 15.
        to_15 = ADC_FULL / DAC_FULL
        self._kv_scale = fixed(to_15 * m.KV_MONITOR_FULL / settings.kv_full)
        self._ma_scale = fixed(to_15 * m.MA_MONITOR_FULL / settings.ma_full)
        self._filament_scale = fixed(to_15 * m.FILAMENT_MONITOR_FULL_A / settings.filament_full_a)
        self._centi_scale = fixed(100.0 * m.TEMPERATURE_FULL_C / DAC_FULL)
        self._turn = len(m.MONITORS)  # the first request is off
        self._marker = 0
        self._lost = False  # an answer to an older request may still come
        self._age_ms = [AGE_FULL_MS] * len(m.MONITORS)  # of the values of each monitor request
        self._kv_raw = 0
        self._ma_raw = 0
        self._filament_raw = 0
        self._centi_c = 0
        self._last_ms = 0
        self._on_wanted = False
        self._on_held = UNKNOWN  # what the generator has confirmed
        self._changed_ms = 0  # since the last change of the requested high voltage
        self._confirmed_ms = 0  # since the generator confirmed that
        self._status_ms = AGE_FULL_MS  # age of the last good status
        self._asked_ms = AGE_FULL_MS  # since the last request for it
        self._reset_ms = 0  # at rest with a fault
        self._refusals = 0
        self._late = 0
        self._fault = False
        self._interlock_open = False
        self._dropped = False

    def read(self, now_ms: int, inputs) -> bool:
        """Process the received bytes, send the next request, fill the inputs; True while
        healthy."""
        dt_ms = diff(now_ms, self._last_ms)
        self._last_ms = now_ms
        self._grow_older(dt_ms if dt_ms > 0 else 0)
        line = self.line
        while line.answered():
            self._take_answer()
        if line.command and line.waited_ms >= TIMEOUT_MS:
            self._time_out()
        if not line.command:
            self._ask()
        inputs.kv_monitor_raw = self._kv_raw
        inputs.ma_monitor_raw = self._ma_raw
        inputs.filament_monitor_raw = self._filament_raw
        inputs.generator_temperature_raw = self._centi_c
        oldest_ms = 0
        for age_ms in self._age_ms:
            if age_ms > oldest_ms:
                oldest_ms = age_ms
        inputs.adc_age_ms = oldest_ms
        inputs.generator_age_ms = oldest_ms if self._model.MONITORS[0][5] else AGE_FULL_MS
        self.trouble = self._find_trouble()
        return not self.trouble and self.programs.arrive()

    def write(self, outputs, may_enable: bool) -> None:
        """Apply pin and grid at once. Other outputs are sent in turn; off is sent first."""
        enabled = self.enable_line.apply(outputs.hv_enable, may_enable)
        filament_raw = outputs.filament_program_raw
        self.set_points.want(outputs.kv_program_raw if enabled else 0, filament_raw)
        if enabled != self._on_wanted:
            if not enabled:
                self.line.send(self._model.HIGH_VOLTAGE, 0)
            self._on_wanted = enabled  # once it is sent
            self._on_held = UNKNOWN
            self._changed_ms = self._reset_ms = self._refusals = 0
            self._interlock_open = self._dropped = False
        values = self.programs.values
        values[0] = outputs.grid_program_raw if enabled else 0
        if not self._model.LIMIT:
            values[2] = filament_raw
        self.programs.apply()

    def off(self) -> None:
        """Set the enable line low at once; for a hard interrupt handler. The next `write` sends
        off."""
        self.enable_line.off()

    def silent(self) -> list:
        """Names of what gives nothing."""
        names = []
        if self._status_ms > HEALTH_MS:
            names.append("generator")
        if not self.programs.answers():
            names.append("DAC")
        return names

    def _grow_older(self, dt_ms: int) -> None:
        ages = self._age_ms
        for at in range(len(ages)):
            ages[at] = older(ages[at], dt_ms)
        self.line.tick(dt_ms)
        self._status_ms = older(self._status_ms, dt_ms)
        self._asked_ms = older(self._asked_ms, dt_ms)
        self._changed_ms = older(self._changed_ms, dt_ms)
        self._confirmed_ms = older(self._confirmed_ms, dt_ms)
        if self._fault and not self._on_wanted:
            self._reset_ms = older(self._reset_ms, dt_ms)

    def _time_out(self) -> None:
        self.timeouts += 1
        self._late = min(self._late + LATE_WEIGHT, 2 * MOST_LATE)
        self.line.command = 0
        self._lost = True
        if self._status_ms > HEALTH_MS:
            self.set_points.forget()

    def _ask(self) -> None:
        """Send the next request: the monitors and one other due request alternate."""
        monitors = self._model.MONITORS
        if self._turn >= len(monitors):
            self._turn = 0
            if self._ask_other():
                return
        if self._lost:
            self._turn = len(monitors)
            self._ask_marker()
        else:
            self.line.send(monitors[self._turn][0])
            self._turn += 1

    def _ask_marker(self) -> None:
        marker = MARKERS[self._marker]
        self._marker = self._marker + 1 if self._marker + 1 < len(MARKERS) else 0
        if marker == STATUS:
            self._ask_status()
        else:
            self.line.send(marker)

    def _ask_other(self) -> bool:
        line = self.line
        set_points = self.set_points
        on_wanted = self._on_wanted
        if not on_wanted and self._on_held != 0:
            line.send(self._model.HIGH_VOLTAGE, 0)
        elif self._lost:
            return False
        elif self._asked_ms >= 2 * STATUS_MS:
            self._ask_status()
        elif set_points.due():
            line.send(set_points.command, set_points.argument)
        elif on_wanted and self._on_held != 1 and self._refusals < MOST_REFUSALS:
            line.send(self._model.HIGH_VOLTAGE, 1)
        elif self._reset_ms >= RESET_MS:
            self._reset_ms = 0
            line.send(self._model.RESET)
        elif self._asked_ms >= STATUS_MS:
            self._ask_status()
        else:
            return False
        return True

    def _ask_status(self) -> None:
        self._asked_ms = 0
        self.line.send(STATUS)

    def _take_answer(self) -> None:
        """Process the answer to the present request; a malformed answer is ignored and times
        out."""
        line = self.line
        values = line.receiver.values
        count = line.receiver.count
        if line.command == STATUS:
            for field in range(1, 4):
                if count < 3 or not 0 <= values[field] <= 1:
                    return
            self._take_status(values[1], values[2], values[3])
            self._lost = False
        elif line.command == 14 or line.command == 15:
            if count != 1 or values[1] < 0:
                return
            self._lost = False
        elif not self._take_monitors(line.command, count, values):
            if count == 1 and values[1] == SUCCESS:
                self._refusals = 0
                self._take_success(line.command, line.argument)
            elif count:
                self._refusals = older(self._refusals, 1)
            else:
                return
        line.command = 0
        if self._late:
            self._late -= 1

    def _take_monitors(self, command: int, count: int, values) -> bool:
        """True if the request was for a monitor, even if it was refused: the values then age."""
        monitors = self._model.MONITORS
        for at in range(len(monitors)):
            if monitors[at][0] == command:
                break
        else:
            return False
        _, fields, kv_at, ma_at, filament_at, temperature_at = monitors[at]
        if count != fields:
            return True
        for field in range(1, count + 1):
            if not 0 <= values[field] <= DAC_FULL:
                return True
        self._age_ms[at] = self.line.waited_ms
        if kv_at:
            self._kv_raw = to_adc(values[kv_at], self._kv_scale)
        if ma_at:
            self._ma_raw = to_adc(values[ma_at], self._ma_scale)
        if filament_at:
            self._filament_raw = to_adc(values[filament_at], self._filament_scale)
        if temperature_at:
            self._centi_c = min(CENTI_FULL, scaled(values[temperature_at], self._centi_scale))
        return True

    def _take_success(self, command: int, argument: int) -> None:
        if command == self._model.HIGH_VOLTAGE:
            self._on_held = argument
            self._confirmed_ms = 0
        else:
            self.set_points.confirm(command, argument)

    def _take_status(self, on: int, interlock_open: int, fault: int) -> None:
        asked_ms = self.line.waited_ms
        self._status_ms = asked_ms
        self._fault = fault != 0
        # Our own enable line opens its interlock: an open interlock is a fault only while the line
        # is high.
        settled = self._changed_ms - asked_ms >= SETTLE_MS
        self._interlock_open = self._on_wanted and settled and interlock_open != 0
        if self._on_held == 1 and not on and self._confirmed_ms - asked_ms >= SETTLE_MS:
            self._dropped = True  # until the firmware withdraws its request: no second start
        elif self._on_held == 0 and on:
            self._on_held = UNKNOWN  # send it again

    def _find_trouble(self) -> str:
        if self._status_ms > HEALTH_MS:
            return "no answer"
        if self._late >= MOST_LATE:
            return "answers too late"
        if self._fault:
            return "fault"
        if self._interlock_open:
            return "interlock open"
        if self._dropped:
            return "high voltage dropped out"
        if self._refusals >= MOST_REFUSALS:
            return "refused"
        return ""


def to_adc(counts: int, factor: int) -> int:
    """Convert its 12-bit reading to our 15 bits. Its full scale becomes our full scale."""
    raw = scaled(counts, factor)
    return raw if counts < DAC_FULL and raw < ADC_FULL else ADC_FULL
