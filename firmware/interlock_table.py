"""The interlocks, one row each: code, name, when it is looked at, delay, words and condition.

A row is a function under `@row`. The function is the condition that trips. Its docstring has the
words of docs/board/interlocks.md: the condition, what it cites, what to check. A board has no
docstrings, so the words cost it nothing. firmware/interlocks.py looks at the rows.

Within a look the order of the rows is the order of precedence: the first one that is met is the
cause. Codes and names are never used again for something else: recordings hold them.

To add a row, write it here. One that is looked at every tick also goes into `all_well`.
"""

from firmware.calibration import ADC_FULL, FAN_FULL, pt100_raw
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B
from firmware.state import Plain

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
LOST_RAW = ADC_FULL // 100
ASTRAY_PART = 0.1
PRESENT_KV = 1.0
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

    def all_well(self, inputs) -> bool:
        """No row of EVERY_TICK is met: all their conditions in one expression.

        One expression because seven calls would be a tenth of a tick.
        """
        kv_raw = inputs.kv_monitor_raw
        ma_raw = inputs.ma_monitor_raw
        return (
            inputs.switches == ALL_CLOSED
            and kv_raw <= self.kv_limit_raw
            and ma_raw <= self.ma_limit_raw
            and kv_raw * ma_raw <= self.power_limit_raw
            and inputs.adc_age_ms <= STALE_MONITORS_MS
        )


def row(code: int, name: str, look: int, delay_ms: int = 0, age_ms: int = 0, until=None):
    """Put a condition into the table.

    condition : called with the interlocks (their limits and memory), inputs, outputs, controller
    delay_ms  : the condition must hold for longer than this
    age_ms    : age (ms) that the condition itself compares; for the page only
    until     : the row stays met until this condition holds; None: as long as its own does
    """

    def add(condition):
        ROWS[look].append((code, name, len(ROWS[look]), delay_ms, age_ms, condition, until))
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


@row(3, "chain-disagree", ALWAYS, delay_ms=500, until=both_open)
def chain_disagree(_limits, inputs, _outputs, _controller) -> bool:
    """One channel of the interlock chain is open alone; it must then be seen open with the other.

    Cites: ISO 13849-1, category 3: discrepancy of the two channels.

    Check: One of the two contacts does not follow its door: a welded or dirty contact, a broken
    wire. Repair it. Then open both channels (open a door) and close them before the next start.
    """
    a_open = not inputs.switches & CHAIN_A
    b_open = not inputs.switches & CHAIN_B
    return a_open != b_open


@row(9, "over-temperature", ALWAYS, delay_ms=200)
def over_temperature(limits, inputs, _outputs, _controller) -> bool:
    """The tube head is hotter than `trip_head_c`, or the wire of its sensor is broken.

    Cites: The temperature rating of the tube.

    Check: Whether fan or water runs and the air inlet is free. A reading far above 150 degC is a
    broken wire of the PT100.
    """
    return inputs.head_temperature_raw > limits.head_limit_raw


@row(10, "head-sensor", ALWAYS, delay_ms=200)
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
    """The fan turns at less than half of the speed of its program.

    Cites: The air cooling is lost.

    Check: Whether the fan is blocked or unplugged, its 12 V, and the tachometer wire. If it turns
    as it should: `fan_max_rpm` in the settings. A head that is cooled by water has no fan: set
    `air_cooled` to 0.
    """
    return 2 * inputs.fan_tach_raw < outputs.fan_program_raw * limits.rpm_per_count


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
    return (
        emission.grid > emission.grid_set
        and inputs.ma_monitor_raw < LOST_RAW
        and emission.target_raw > 2.0 * LOST_RAW
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
    return abs(target_raw - inputs.ma_monitor_raw) > ASTRAY_PART * target_raw + LOST_RAW


@row(17, "arcing", AT_AN_ARC)
def arcing(interlocks, _inputs, _outputs, _controller) -> bool:
    """The tube voltage has broken down four times within 10 s.

    Cites: Practice of generator makers: a tube that keeps arcing is conditioned again.

    Check: Condition the tube: raise the voltage in small steps. If it goes on: the vacuum, and
    dirt or moisture at the high-voltage connector.
    """
    return interlocks.arc3_ms < ARCS_MS
