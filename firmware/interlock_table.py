"""The interlocks, one row each: code, name, when it is looked at, delay, words and condition.

A row is a function under `@row`. The function is the condition that trips. Its docstring has the
words of docs/board/interlocks.md: the condition, what it cites, what to check. A board has no
docstrings, so the words cost it nothing. firmware/interlocks.py looks at the rows.

Within a look the order of the rows is the order of precedence: the first one that is met is the
cause. Codes and names are never used again for something else: recordings hold them.

To add a row, write it here. One that is looked at every tick also goes into `all_well`.
"""

from firmware.calibration import ADC_FULL, DAC_FULL, FAN_FULL, pt100_raw
from firmware.laws.thermal import INTEGRAL_LIMIT_W
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B
from firmware.state import Plain, clamp

# When a row is looked at.
EVERY_TICK = 0  # while energised: from preheat to the end of the beam
ALWAYS = 1  # ten times a second, in every state
WITH_VOLTAGE = 2  # ten times a second, in ramp and beam
REGULATING = 3  # ten times a second, while the emission law regulates
AT_AN_ARC = 4  # whenever the tube voltage breaks down

ROWS: tuple = ([], [], [], [], [])  # by look; each row a tuple, see `row`

LAMP_LOW_RAW = 400
LAMP_HIGH_RAW = 3600
HEAD_LOW_RAW = pt100_raw(0.0) - 800  # some -25 degC
STALE_MONITORS_MS = 50
STALE_HEAD_MS = 3000
LATE_MS = 100  # ten periods of the tick
MONITOR_PER_PROGRAM = ADC_FULL / DAC_FULL
ABOVE_PART = 0.05
NOISE_RAW = ADC_FULL // 300
SMALL_RAW = ADC_FULL // 50
ASTRAY_PART = 0.1
PRESENT_KV = 1.0
BIAS_END_RAW = 0.99 * DAC_FULL
FROZEN_BIAS_RAW = 64  # bias that moves so far moves the current by many counts
FROZEN_FAN_RAW = FAN_FULL // 33
HEAT_PART = 0.38  # of the rated power
ARCS_MS = 10000
ARC_AGE_MS = 60000  # older is all the same


class Limits(Plain):
    """The limits in counts, worked out once from the settings."""

    def __init__(self, settings):
        # Whatever is set, a converter at its end trips: what it reads may be more.
        end_raw = ADC_FULL - 1
        self.kv_limit_raw = min(end_raw, int(settings.trip_kv * ADC_FULL / settings.kv_full))
        self.ma_limit_raw = min(end_raw, int(settings.trip_ma * ADC_FULL / settings.ma_full))
        self.power_limit_raw = int(
            settings.trip_power_w / (settings.kv_full * settings.ma_full) * ADC_FULL * ADC_FULL
        )
        self.present_raw = int(PRESENT_KV * ADC_FULL / settings.kv_full)
        self.head_limit_raw = min(end_raw, pt100_raw(settings.trip_head_c))
        self.rpm_per_count = settings.fan_max_rpm / FAN_FULL
        self.fan_min = 1.01 * settings.fan_min
        self.filament_limit_raw = min(
            end_raw,
            int((1.02 * settings.filament_limit_a / settings.filament_full_a + 0.01) * ADC_FULL),
        )
        # Heat that the law cannot explain, W.
        self.heat_w = clamp(
            HEAT_PART * settings.power_limit_w, 0.75 * INTEGRAL_LIMIT_W, 0.95 * INTEGRAL_LIMIT_W
        )

    def all_well(self, inputs, tick_ms: int) -> bool:
        """No row of EVERY_TICK is met: all their conditions in one expression.

        One expression because eight calls would be a tenth of a tick. tick_ms : since the last.
        """
        kv_raw = inputs.kv_monitor_raw
        ma_raw = inputs.ma_monitor_raw
        return (
            inputs.switches == ALL_CLOSED
            and kv_raw <= self.kv_limit_raw
            and ma_raw <= self.ma_limit_raw
            and kv_raw * ma_raw <= self.power_limit_raw
            and inputs.adc_age_ms <= STALE_MONITORS_MS
            and tick_ms <= LATE_MS
        )


def row(
    code: int, name: str, look: int, delay_ms: int = 0, age_ms: int = 0, until=None, forget: int = 4
):
    """Put a condition into the table.

    condition : called with the interlocks (their limits and memory), inputs, outputs, controller
    delay_ms  : the condition must hold for longer than this. Time without it takes only a part
                of the time with it away, so that an intermittent fault adds up
    forget    : this part, as its reciprocal; 0: a moment without the condition forgets all
    age_ms    : age (ms) that the condition itself compares; for the page only
    until     : the row stays met until this condition holds; None: as long as its own does
    """

    def add(condition):
        ROWS[look].append((code, name, len(ROWS[look]), delay_ms, age_ms, condition, until, forget))
        return condition

    return add


def both_open(_limits, inputs, _outputs, _controller) -> bool:
    return not inputs.switches & (CHAIN_A | CHAIN_B)


@row(1, "chain-a", EVERY_TICK)
def chain_a(_limits, inputs, _outputs, _controller) -> bool:
    """Channel A of the interlock chain is open.

    Cites: 21 CFR 1020.40 (c)(4)(i).

    Check: Doors, covers, emergency stop. If all are closed: the contacts and the wire of channel
    A, and its opto-isolator on the board.
    """
    return not inputs.switches & CHAIN_A


@row(2, "chain-b", EVERY_TICK)
def chain_b(_limits, inputs, _outputs, _controller) -> bool:
    """Channel B of the interlock chain is open.

    Cites: 21 CFR 1020.40 (c)(4)(i).

    Check: Doors, covers, emergency stop. If all are closed: the contacts and the wire of channel
    B, and its opto-isolator on the board.
    """
    return not inputs.switches & CHAIN_B


@row(4, "generator", EVERY_TICK)
def generator(_limits, inputs, _outputs, _controller) -> bool:
    """The generator reports a fault, or does not accept its programs.

    Cites: The manual of the generator.

    Check: The fault display of the generator, its mains and its own interlock. For a serial
    generator: line, baud rate, and `serial_generator` in the settings.
    """
    # A bit that stands for no contact is no healthy contact either.
    return inputs.switches | CHAIN_A | CHAIN_B != ALL_CLOSED


@row(5, "over-voltage", EVERY_TICK)
def over_voltage(limits, inputs, _outputs, _controller) -> bool:
    """The tube voltage is above `trip_kv`, or its monitor is at the end of its converter.

    Cites: 21 CFR 1020.40 (c)(1).

    Check: `kv` and `trip_kv` in the settings; `kv_full` against the full scale of the generator;
    the wire of the voltage monitor.
    """
    return inputs.kv_monitor_raw > limits.kv_limit_raw


@row(6, "over-current", EVERY_TICK)
def over_current(limits, inputs, _outputs, _controller) -> bool:
    """The emission current is above `trip_ma`, or its monitor is at the end of its converter.

    Cites: 21 CFR 1020.40 (c)(1).

    Check: The bias supply: without its negative voltage the grid is open. Then `filament_limit_a`
    and `ma_full` in the settings, and the wire of the current monitor.
    """
    return inputs.ma_monitor_raw > limits.ma_limit_raw


@row(8, "stale-monitors", EVERY_TICK, age_ms=STALE_MONITORS_MS)
def stale_monitors(_limits, inputs, _outputs, _controller) -> bool:
    """The voltage and current monitors have not been read for too long.

    Cites: Every reading has an age; an old one protects nothing
    (docs/contributing/architecture.md).

    Check: The converters (ADS1115) and their I2C wires, or the line of a serial generator. On a
    bench in real time: whether the PC stopped for longer than the limit.
    """
    return inputs.adc_age_ms > STALE_MONITORS_MS


@row(7, "over-power", EVERY_TICK)
def over_power(limits, inputs, _outputs, _controller) -> bool:
    """Tube voltage times emission current is above `trip_power_w`.

    Cites: The permitted loading of the target.

    Check: `kv`, `ma` and `trip_power_w` in the settings, and the full scales `kv_full` and
    `ma_full`. A current that rose by itself: see over-current.
    """
    return inputs.kv_monitor_raw * inputs.ma_monitor_raw > limits.power_limit_raw


@row(19, "late-tick", EVERY_TICK)
def late_tick(_limits, _inputs, _outputs, controller) -> bool:
    """The control loop was late by ten ticks or more.

    Cites: Every other time on this page counts on the tick (docs/contributing/architecture.md).

    Check: `late`, `missed` and `worst_tick_us` in the console's `status`. On a bench in real
    time: what else the PC was doing.
    """
    return controller.tick_ms > LATE_MS


@row(3, "chain-disagree", ALWAYS, delay_ms=500, until=both_open, forget=0)
def chain_disagree(_limits, inputs, _outputs, _controller) -> bool:
    """One channel of the interlock chain is open alone; it must then be seen open with the other.

    Cites: ISO 13849-1, category 3: discrepancy of the two channels.

    Check: One of the two contacts does not follow its door: a welded or dirty contact, a broken
    wire. Repair it. Then open both channels (open a door) and close them before the next start.
    """
    a_open = not inputs.switches & CHAIN_A
    b_open = not inputs.switches & CHAIN_B
    return a_open != b_open


@row(9, "over-temperature", ALWAYS, delay_ms=700)
def over_temperature(limits, inputs, _outputs, _controller) -> bool:
    """The tube head is hotter than `trip_head_c`, or the wire of its sensor is broken.

    Cites: The temperature rating of the tube.

    Check: Whether fan or water runs and the air inlet is free. A reading far above 150 degC is a
    broken wire of the PT100.
    """
    return inputs.head_temperature_raw > limits.head_limit_raw


@row(10, "head-sensor", ALWAYS, delay_ms=700)
def head_sensor(_limits, inputs, _outputs, _controller) -> bool:
    """The temperature of the tube head is below the range of its sensor.

    Cites: A short circuit reads as cold, which would let the head overheat.

    Check: The PT100 of the head and its four wires for a short circuit; the supply of its
    MAX31865.
    """
    return inputs.head_temperature_raw < HEAD_LOW_RAW


@row(11, "stale-head", ALWAYS, age_ms=STALE_HEAD_MS)
def stale_head(_limits, inputs, _outputs, _controller) -> bool:
    """The temperature of the tube head has not been read for too long.

    Cites: Every reading has an age; an old one protects nothing
    (docs/contributing/architecture.md).

    Check: The MAX31865 of the head: its select line, the SPI wires, its supply.
    """
    return inputs.head_age_ms > STALE_HEAD_MS


@row(12, "fan", ALWAYS, delay_ms=5000)
def fan(limits, inputs, outputs, _controller) -> bool:
    """The fan turns much slower or much faster than its program.

    Slower: less than half. Faster: more than half above, or beyond what the fan can turn: such a
    tachometer counts noise.

    Cites: The air cooling is lost, or not under control.

    Check: Whether the fan is blocked or unplugged, its 12 V, and the tachometer wire. If it turns
    as it should: `fan_max_rpm` in the settings. A head that is cooled by water has no fan: set
    `air_cooled` to 0.
    """
    rpm = inputs.fan_tach_raw
    expected_rpm = outputs.fan_program_raw * limits.rpm_per_count
    full_rpm = FAN_FULL * limits.rpm_per_count
    return (
        2 * rpm < expected_rpm or rpm > 1.5 * expected_rpm + 0.2 * full_rpm or rpm > 1.3 * full_rpm
    )


@row(13, "lamp", ALWAYS, delay_ms=200)
def lamp(_limits, inputs, outputs, _controller) -> bool:
    """The X-RAY ON lamp draws too little or too much current while it should be lit.

    Cites: 21 CFR 1020.40 (c)(6)(iii).

    Check: Too little: the lamp is burnt out, unplugged, or its fuse has opened. Too much: a short
    circuit of the lamp or its cable.
    """
    return outputs.lamp_on and not LAMP_LOW_RAW <= inputs.lamp_current_raw <= LAMP_HIGH_RAW


@row(14, "voltage-present", ALWAYS, delay_ms=1000)
def voltage_present(limits, inputs, outputs, _controller) -> bool:
    """A tube voltage above 1 kV is read although none is enabled.

    Cites: 21 CFR 1020.40 (c)(4)(iv): the generator must have obeyed.

    Check: Switch the generator off at its mains first. Then the enable loop: relay K1 may be
    welded. If there is no voltage: the zero of the voltage monitor.
    """
    return not outputs.hv_enable and inputs.kv_monitor_raw > limits.present_raw


@row(24, "filament-over-current", ALWAYS, delay_ms=500)
def filament_over_current(limits, inputs, _outputs, _controller) -> bool:
    """The filament current is above `filament_limit_a`.

    Cites: The filament's rating. What is programmed is not what flows: a converter with a wrong
    gain or reference gives twice the current.

    Check: The channel of the filament at the digital-to-analog converter, `filament_full_a`
    against the full scale of the generator.
    """
    return inputs.filament_monitor_raw > limits.filament_limit_raw


@row(25, "filament-astray", ALWAYS, delay_ms=2000)
def filament_astray(_limits, inputs, outputs, _controller) -> bool:
    """The filament current is far above its program, a program of 0 included.

    Cites: The filament must obey: a heated filament emits as soon as there is voltage.

    Check: The bus of the digital-to-analog converter (does the filament stay hot in OFF?), its
    gain and reference, the wire of the filament monitor.
    """
    expected_raw = outputs.filament_program_raw * MONITOR_PER_PROGRAM
    return inputs.filament_monitor_raw > 1.05 * expected_raw + 0.05 * ADC_FULL


@row(26, "heat-balance", ALWAYS, delay_ms=240000)
def heat_balance(limits, _inputs, _outputs, controller) -> bool:
    """The heat of the tube head does not fit the power that is metered.

    The thermal law needs much more or much less cooling than voltage times current and the fan's
    law explain: a monitor reads wrongly, the head's sensor does, or the cooling has changed.

    Cites: A second opinion on current, voltage and head temperature, independent of their
    converters.

    Check: Dust in the fins, the air inlet, a worn fan. Then the current against an independent
    meter, and the head's sensor against another thermometer. Commission again if fan or fins
    were changed.
    """
    thermal = controller.thermal
    # At its least speed the fan says nothing about the heat: the head may still be warming up.
    return (
        thermal.running and thermal.fan > limits.fan_min and abs(thermal.integral_w) > limits.heat_w
    )


@row(27, "head-frozen", ALWAYS, delay_ms=60000, forget=0)
def head_frozen(interlocks, inputs, outputs, _controller) -> bool:
    """The head's reading does not change by a single count although the fan does.

    Cites: A sensor that stands still is not believed.

    Check: The MAX31865 of the head: does it convert? Its settings, its clock, its supply.
    """
    moved_raw = outputs.fan_program_raw - interlocks.fan_seen_raw
    return (
        inputs.head_temperature_raw == interlocks.head_seen_raw and abs(moved_raw) > FROZEN_FAN_RAW
    )


@row(20, "over-program", WITH_VOLTAGE, delay_ms=1000)
def over_program(limits, inputs, _outputs, controller) -> bool:
    """The tube voltage is more than 5 % and 1 kV above its program.

    Cites: 21 CFR 1020.40 (c)(1). The generator does not do what it is told, or its program is not
    what was written.

    Check: The digital-to-analog converter (gain, reference), the program wire, `kv_full` against
    the full scale of the generator. After a lower set-point: a generator that discharges slowly
    needs a smaller `kv_slew_kv_per_s`.
    """
    expected_raw = controller.high_voltage.kv_program_raw * MONITOR_PER_PROGRAM
    return inputs.kv_monitor_raw > (1.0 + ABOVE_PART) * expected_raw + limits.present_raw


@row(18, "no-voltage", WITH_VOLTAGE, delay_ms=1000)
def no_voltage(_limits, _inputs, _outputs, controller) -> bool:
    """The tube voltage that is read stays below 95 % of its program.

    Cites: A dead voltage monitor, or a generator that does not come back.

    Check: The wire of the voltage monitor; whether the generator limits (current, power, its
    display); `kv_full` in the settings against the full scale of the generator.
    """
    return controller.sagging


@row(15, "no-current", REGULATING, delay_ms=200)
def no_current(_limits, inputs, _outputs, controller) -> bool:
    """No current is read although the grid bias is above its set-point.

    Cites: A dead current monitor or an open filament must not open the grid.

    Check: The filament and its connector (is there a filament current?), then the wire of the
    current monitor.
    """
    emission = controller.emission
    # A smaller target may lose its current for a moment while the voltage falls: see bias-end.
    return (
        emission.grid > emission.grid_set
        and inputs.ma_monitor_raw < 0.25 * emission.target_raw
        and emission.target_raw > SMALL_RAW
    )


@row(16, "current-astray", REGULATING, delay_ms=30000)
def current_astray(_limits, inputs, _outputs, controller) -> bool:
    """The emission current stays more than 10 % away from its target.

    Cites: The emission law has lost its authority.

    Check: Current too low: the cathode is worn, or `filament_limit_a` is reached. Too high: the
    bias supply does not follow, or the filament was set too hot. Commission the tube again if the
    cathode has aged.
    """
    target_raw = controller.emission.target_raw
    return abs(target_raw - inputs.ma_monitor_raw) > ASTRAY_PART * target_raw + NOISE_RAW


@row(21, "bias-end", REGULATING, delay_ms=1000)
def bias_end(_limits, _inputs, _outputs, controller) -> bool:
    """The grid bias is at its open end.

    Cites: A second opinion on the current monitor: a bias that is fully open gives all that the
    cathode emits, whatever the monitor reads.

    Check: The current monitor and its wire; `grid_set_v`, `filament_preheat_a`; whether the
    cathode is worn.
    """
    return controller.emission.grid > BIAS_END_RAW


@row(22, "bias-astray", REGULATING, delay_ms=10000)
def bias_astray(_limits, _inputs, _outputs, controller) -> bool:
    """The grid bias is more than three quarters of the way from its set-point to its open end.

    Cites: A second opinion on the current monitor, as bias-end.

    Check: As for bias-end. Commission again if the cathode has aged.
    """
    emission = controller.emission
    return emission.grid > 0.25 * emission.grid_set + 0.75 * DAC_FULL


@row(23, "current-frozen", REGULATING, delay_ms=500, forget=0)
def current_frozen(interlocks, inputs, _outputs, controller) -> bool:
    """The current's reading does not change by a single count although the bias does.

    Cites: A monitor that stands still is not believed.

    Check: The converter (ADS1115) of the monitors: does it convert? Its settings, its supply.
    """
    moved_raw = controller.emission.grid - interlocks.grid_seen_raw
    # Below cut-off, at a soft start, there is no current that the bias could change.
    return (
        inputs.ma_monitor_raw == interlocks.ma_seen_raw
        and inputs.ma_monitor_raw > NOISE_RAW
        and abs(moved_raw) > FROZEN_BIAS_RAW
    )


@row(17, "arcing", AT_AN_ARC)
def arcing(interlocks, _inputs, _outputs, _controller) -> bool:
    """The tube voltage has broken down four times within 10 s.

    Cites: Practice of generator makers: a tube that keeps arcing is conditioned again.

    Check: Condition the tube: raise the voltage in small steps. If it goes on: the vacuum, and
    dirt or moisture at the high-voltage connector.
    """
    return interlocks.arc3_ms < ARCS_MS
