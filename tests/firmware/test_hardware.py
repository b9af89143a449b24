"""The board made of chips: what it reads and writes, what breaks, and how it comes back.

Drivers and chip models on buses in this process. The plant stands still but for what a test sets.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware.drivers.generator import AGE_FULL_MS
from firmware.hardware import TURNS
from firmware.signal_table import INPUTS
from firmware.signals import ALL_CLOSED, Inputs, Outputs
from firmware.ticks import PERIOD_MS
from tests.firmware.boards.rig import StillPlant
from tests.firmware.drivers.rigs import Babbling, Faltering, anything
from tests.hil.chip_unit import ChipUnit
from twin.chips.bus import EIO
from twin.chips.rack import AIR_ADDRESS, DAC_ADDRESS, KV_ADDRESS, MA_ADDRESS
from twin.plant import TICK_MS

HALF_A_SECOND = 50  # ticks
SETTLED = 150  # ticks from power-up until all is read
RANGES = {signal[0]: (signal[2], signal[3]) for signal in INPUTS}


class Rig(ChipUnit):
    def __init__(self, **parts: Any):
        super().__init__(StillPlant(), **parts)
        self.inputs: Any = Inputs()
        self.outputs: Any = Outputs()

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.read(self.inputs)
            self.write(self.outputs)
            self.plant.advance()

    def moved(self) -> None:
        """The plant is somewhere else altogether."""
        plant, sensors = self.plant, self.plant.sensors
        plant.kv_monitor_raw, plant.ma_monitor_raw, plant.filament_monitor_raw = 1234, 2345, 3456
        plant.heat.fan = 0.25
        sensors.head_raw, sensors.mount_raw, sensors.electronics_raw = 9500, 8600, 5000
        sensors.room_raw, sensors.pressure_raw, sensors.humidity_raw = -512, 76543, 8765
        self.outputs.lamp_on = 1


# signal: what it should be, within so many counts, so many ticks after it has changed. Beyond the
# half second in which everything has its turn: a conversion of the MAX31865 takes 20 ms, one of the
# BME280 comes every 170 ms and is worked out over three ticks, and the fan is averaged from turn to
# turn. The LM35 has 1.6 counts for 0.01 degC.
SIGNALS: dict[str, tuple[Callable[[Any], float], int, int]] = {
    "switches": (lambda plant: plant.switches, 0, 1),
    "kv_monitor_raw": (lambda plant: plant.kv_monitor_raw, 0, 1),
    "ma_monitor_raw": (lambda plant: plant.ma_monitor_raw, 0, 2),
    "lamp_current_raw": (lambda plant: 2000 * plant.lamp_on, 0, 6),
    "filament_monitor_raw": (lambda plant: plant.filament_monitor_raw, 0, 52),
    "fan_tach_raw": (lambda plant: plant.heat.fan * plant.heat.fan_max_rpm, 3, 100),
    "head_temperature_raw": (lambda plant: plant.sensors.head_raw, 0, 52),
    "mount_temperature_raw": (lambda plant: plant.sensors.mount_raw, 0, 52),
    "generator_temperature_raw": (lambda plant: plant.sensors.electronics_raw, 1, 52),
    "room_temperature_raw": (lambda plant: plant.sensors.room_raw, 1, 70),
    "room_pressure_raw": (lambda plant: plant.sensors.pressure_raw, 2, 70),
    "room_humidity_raw": (lambda plant: plant.sensors.humidity_raw, 2, 70),
}
# age: longest that it is shown in health, ms
AGES = {
    "adc_age_ms": 20,
    "head_age_ms": 500,
    "mount_age_ms": 500,
    "generator_age_ms": 510,
    "room_age_ms": 500,
}


def test_every_signal_is_looked_at_here():
    assert set(SIGNALS) | set(AGES) == {signal[0] for signal in INPUTS}


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_is_the_count_of_the_plant_soon_after_it_has_changed(signal: str):
    value, within, ticks = SIGNALS[signal]
    for phase in range(0, TURNS, 3):
        rig = Rig()
        rig.tick(SETTLED + phase)
        assert getattr(rig.inputs, signal) == pytest.approx(value(rig.plant), abs=within)
        before = getattr(rig.inputs, signal)
        rig.moved()
        if signal == "switches":
            rig.set_switches(2)
        rig.tick(1)
        after = value(rig.plant)
        assert abs(after - before) > within  # it has moved
        rig.tick(ticks - 1)
        assert getattr(rig.inputs, signal) == pytest.approx(after, abs=within)


@given(
    st.integers(0, 32767), st.integers(0, 32767), st.integers(0, 32767),
    st.integers(1, 32767), st.integers(1, 32767),
)  # fmt: skip
@example(0, 0, 0, 1, 1)
@example(32767, 32767, 32767, 32767, 32767)
def test_the_counts_are_exact_over_the_whole_range(kv, ma, filament, head, mount):
    rig = Rig()
    rig.plant.kv_monitor_raw, rig.plant.ma_monitor_raw = kv, ma
    rig.plant.filament_monitor_raw = filament
    rig.plant.sensors.head_raw, rig.plant.sensors.mount_raw = head, mount
    rig.tick(2 * HALF_A_SECOND)
    inputs = rig.inputs
    assert (inputs.kv_monitor_raw, inputs.ma_monitor_raw) == (kv, ma)
    assert inputs.filament_monitor_raw == filament
    assert (inputs.head_temperature_raw, inputs.mount_temperature_raw) == (head, mount)


def test_ages_stay_short_in_health():
    rig = Rig()
    rig.tick(SETTLED)
    longest = dict.fromkeys(AGES, 0)
    for _ in range(4 * TURNS):
        rig.tick()
        longest = {name: max(age, getattr(rig.inputs, name)) for name, age in longest.items()}
    for name, age_ms in longest.items():
        assert AGES[name] / 2 <= age_ms <= AGES[name], name


def test_before_its_first_reading_everything_is_as_old_as_can_be():
    rig = Rig()
    rig.i2c.stuck, rig.spi.stuck = True, 0
    rig.tick(3)
    assert [getattr(rig.inputs, name) for name in AGES] == [AGE_FULL_MS] * len(AGES)


class FailingSPI:
    """Errs after so many bytes, counted over all transfers."""

    def __init__(self, spi: Any, left: int):
        self._spi, self.left = spi, left

    def write(self, buffer: Any) -> None:
        self.write_readinto(buffer, bytearray(len(buffer)))

    def write_readinto(self, out: Any, buffer: Any) -> None:
        for at, byte in enumerate(out):
            self.left -= 1
            if self.left < 0:
                raise OSError(EIO)
            buffer[at] = self._spi._transfer(byte)


def falter(rig: Rig, address: int, after: int) -> None:
    rig.i2c.attach(address, Faltering(rig.rack.i2c[address], after))


SHARED = ("ma_monitor_raw", "filament_monitor_raw", "generator_temperature_raw")
ROOM = ("room_temperature_raw", "room_pressure_raw", "room_humidity_raw")
Break = Callable[[Rig], None]
# what breaks: how, the ages that grow, the signals that stay
BREAKS: dict[str, tuple[Break, tuple[str, ...], tuple[str, ...]]] = {
    "kv ADC absent": (
        lambda rig: setattr(rig.rack.kv_adc, "absent", True),
        ("adc_age_ms",),
        ("kv_monitor_raw",),
    ),
    "mA ADC absent": (
        lambda rig: setattr(rig.rack.ma_adc, "absent", True),
        ("adc_age_ms", "generator_age_ms"),
        SHARED,
    ),
    "mA ADC errs half-way": (
        lambda rig: falter(rig, MA_ADDRESS, 1),
        ("adc_age_ms", "generator_age_ms"),
        SHARED,
    ),
    "LM35 off": (
        lambda rig: setattr(rig.plant.sensors, "electronics_raw", 0),
        ("generator_age_ms",),
        ("generator_temperature_raw",),
    ),
    "head absent": (
        lambda rig: setattr(rig.rack.head, "absent", True),
        ("head_age_ms",),
        ("head_temperature_raw",),
    ),
    "mount with a pin outside its supply": (
        lambda rig: setattr(rig.rack.mount, "overvoltage", True),
        ("mount_age_ms",),
        ("mount_temperature_raw",),
    ),
    "air absent": (
        lambda rig: setattr(rig.rack.air, "absent", True),
        ("room_age_ms",),
        ROOM,
    ),
    "air errs half-way": (lambda rig: falter(rig, AIR_ADDRESS, 7), ("room_age_ms",), ROOM),
    "air below the range of its pressure": (
        lambda rig: setattr(rig.plant.sensors, "pressure_raw", 20000),
        ("room_age_ms",),
        ROOM,
    ),
    "I2C stuck": (
        lambda rig: setattr(rig.i2c, "stuck", True),
        ("adc_age_ms", "generator_age_ms", "room_age_ms"),
        ("kv_monitor_raw", *SHARED, *ROOM),
    ),
    "SPI low": (
        lambda rig: setattr(rig.spi, "stuck", 0),
        ("head_age_ms", "mount_age_ms"),
        ("head_temperature_raw", "mount_temperature_raw"),
    ),
    "SPI high": (
        lambda rig: setattr(rig.spi, "stuck", 1),
        ("head_age_ms", "mount_age_ms"),
        ("head_temperature_raw", "mount_temperature_raw"),
    ),
}


def mend(rig: Rig) -> None:
    rig.i2c.stuck, rig.spi.stuck = False, None
    rack = rig.rack
    for chip in (rack.kv_adc, rack.ma_adc, rack.air, rack.head, rack.mount, rack.dac):
        chip.absent = False
    rack.head.overvoltage = rack.mount.overvoltage = False
    for address, chip in rack.i2c.items():
        rig.i2c.attach(address, chip)


@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("phase", [0, 17, 34])
def test_what_breaks_grows_old_and_keeps_its_last_value_and_the_rest_goes_on(what: str, phase: int):
    act, ages, stay = BREAKS[what]
    rig = Rig(start_ms=PERIOD_MS - 10 * (SETTLED + 60))  # the counter wraps meanwhile
    rig.tick(SETTLED + phase)
    kept = {name: getattr(rig.inputs, name) for name in SIGNALS}
    rig.moved()
    act(rig)
    rig.tick(1)
    rig.tick(4 * HALF_A_SECOND)
    for name, longest_ms in AGES.items():
        age_ms = getattr(rig.inputs, name)
        if name in ages:
            assert 1900 < age_ms <= 2020 + longest_ms, name
        else:
            assert age_ms <= longest_ms, name
    for name, (value, within, _) in SIGNALS.items():
        expected = kept[name] if name in stay else value(rig.plant)
        assert getattr(rig.inputs, name) == pytest.approx(expected, abs=within), name


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_mended_is_fresh_and_right_again_within_a_second(what: str):
    rig = Rig()
    rig.tick(SETTLED)
    BREAKS[what][0](rig)
    rig.tick(SETTLED)
    mend(rig)
    rig.moved()
    rig.tick(2 * HALF_A_SECOND)
    assert_right(rig)


def assert_right(rig: Rig) -> None:
    """Every signal is the plant's, every age short."""
    for name, (value, within, _) in SIGNALS.items():
        assert getattr(rig.inputs, name) == pytest.approx(value(rig.plant), abs=within), name
    for name, longest_ms in AGES.items():
        assert getattr(rig.inputs, name) <= longest_ms, name


def test_an_age_ends_at_what_the_signal_can_hold_and_begins_again_at_nothing():
    rig = Rig()
    rig.tick(SETTLED)
    rig.i2c.stuck, rig.spi.stuck = True, 1
    rig.tick(AGE_FULL_MS // TICK_MS - 100)
    assert max(getattr(rig.inputs, name) for name in AGES) < AGE_FULL_MS
    rig.tick(200)
    assert [getattr(rig.inputs, name) for name in AGES] == [AGE_FULL_MS] * len(AGES)
    mend(rig)
    seen = dict.fromkeys(AGES, AGE_FULL_MS)
    for _ in range(2 * HALF_A_SECOND):
        rig.tick()
        seen = {name: min(age, getattr(rig.inputs, name)) for name, age in seen.items()}
    assert set(seen.values()) == {0}


@pytest.mark.parametrize("start_ms", [PERIOD_MS - 700, PERIOD_MS // 2 - 700, PERIOD_MS - 1])
def test_the_tick_counter_may_stand_anywhere_and_wrap(start_ms: int):
    rig = Rig(start_ms=start_ms)
    rig.tick(SETTLED)
    for _ in range(HALF_A_SECOND):
        rig.tick()
        assert_right(rig)


CHIPS = ("kv_adc", "ma_adc", "dac", "air", "head", "mount")
ADDRESSES = (KV_ADDRESS, MA_ADDRESS, DAC_ADDRESS, AIR_ADDRESS)
FAULTS = st.one_of(
    st.tuples(st.just("absent"), st.sampled_from(CHIPS), st.booleans()),
    st.tuples(st.just("power"), st.sampled_from(CHIPS)),
    st.tuples(st.just("overvoltage"), st.sampled_from(("head", "mount")), st.booleans()),
    st.tuples(st.just("falter"), st.sampled_from(ADDRESSES), st.integers(0, 60)),
    st.tuples(st.just("i2c"), st.booleans()),
    st.tuples(st.just("spi"), st.sampled_from((None, 0, 1))),
    st.tuples(st.just("spi errs"), st.integers(0, 40)),
    st.tuples(st.just("contact"), st.sampled_from(("chain_a", "chain_b", "generator_ok"))),
)


def break_it(rig: Rig, spi: FailingSPI, fault: tuple[Any, ...]) -> None:
    kind, *more = fault
    if kind == "absent" or kind == "overvoltage":
        setattr(getattr(rig.rack, more[0]), kind, more[1])
    elif kind == "power":
        getattr(rig.rack, more[0]).power_cycle()
    elif kind == "falter":
        falter(rig, *more)
    elif kind == "i2c":
        rig.i2c.stuck = more[0]
    elif kind == "spi":
        rig.spi.stuck = more[0]
    elif kind == "spi errs":
        spi.left = more[0]
    else:
        rig.pins[more[0]].value(0)


def assert_in_range(inputs: Any) -> None:
    """Or 0, with which a record begins: its age tells that it is none."""
    for name, (low, high) in RANGES.items():
        value = getattr(inputs, name)
        assert isinstance(value, int) and (low <= value <= high or value == 0), name


@given(st.lists(st.tuples(FAULTS, st.integers(0, 60)), max_size=12), st.integers(0, TURNS))
@example([(("power", "dac"), 0)], 3)  # a programmed 0 on channel A is what it wakes up with
def test_whatever_the_buses_have_done_two_seconds_of_peace_make_good(faults, phase):
    rig = Rig()
    spi = FailingSPI(rig.spi, 1 << 30)
    rig.hardware._head._spi = rig.hardware._mount._spi = spi
    rig.outputs.filament_program_raw = 2345
    rig.tick(phase)
    for fault, ticks in faults:
        break_it(rig, spi, fault)
        for _ in range(ticks):
            rig.tick()
            assert_in_range(rig.inputs)
    mend(rig)
    spi.left = 1 << 30
    rig.moved()
    rig.tick(4 * HALF_A_SECOND)
    assert_right(rig)
    assert rig.plant.filament_program_raw == 2345


@given(anything, anything, st.lists(st.integers(0, 4095), min_size=3, max_size=3))
def test_whatever_bytes_come_there_is_no_exception_and_every_signal_is_in_its_range(
    i2c, spi, programs
):
    rig = Rig(i2c=Babbling(i2c), spi=Babbling(spi))
    outputs = rig.outputs
    for tick in range(TURNS + 10):
        outputs.hv_enable = tick & 1
        outputs.grid_program_raw, outputs.kv_program_raw, outputs.filament_program_raw = programs
        rig.tick()
        assert_in_range(rig.inputs)


def test_the_three_values_of_the_room_belong_together_at_every_tick():
    rig = Rig()
    sensors = rig.plant.sensors
    rooms = ((2150, 98765, 4321), (-512, 76543, 8765))
    seen = set()
    rig.tick(SETTLED)
    for turn in range(40):
        room = rooms[turn % 2]
        sensors.room_raw, sensors.pressure_raw, sensors.humidity_raw = room
        for _ in range(23):  # no multiple of anything
            rig.tick()
            shown = [getattr(rig.inputs, name) for name in ROOM]
            near = [
                number
                for number, room in enumerate(rooms)
                if all(abs(a - b) <= 2 for a, b in zip(shown, room, strict=True))
            ]
            assert len(near) == 1
            seen.update(near)
    assert seen == {0, 1}


def beam(rig: Rig) -> None:
    """The enable line is high, by way of a tick that asked for no high voltage."""
    rig.tick(2)
    rig.outputs.hv_enable = 1
    rig.tick(2)
    assert rig.enabled


@pytest.mark.parametrize(("chain", "bit"), [("chain_a", 1), ("chain_b", 2)])
def test_an_opening_shorter_than_a_tick_ends_the_enable_at_once_and_is_seen_once(chain, bit):
    rig = Rig()
    beam(rig)
    rig.pins[chain].value(0)
    assert not rig.enabled
    rig.pins[chain].value(1)
    assert not rig.enabled
    rig.write(rig.outputs)  # of a tick that did not know
    assert not rig.enabled
    rig.read(rig.inputs)
    assert rig.inputs.switches == ALL_CLOSED & ~bit
    rig.write(rig.outputs)
    assert not rig.enabled  # the chain is closed, and nobody has asked for no high voltage yet
    rig.read(rig.inputs)
    assert rig.inputs.switches == ALL_CLOSED
    rig.outputs.hv_enable = 0
    rig.write(rig.outputs)
    rig.outputs.hv_enable = 1
    rig.tick()
    assert rig.enabled


def test_without_its_interrupt_a_short_opening_would_go_unseen():
    """The control of the test above: neither a poll nor anything else finds it."""
    rig = Rig()
    rig.pins["chain_a"].irq(None)
    beam(rig)
    rig.pins["chain_a"].value(0)
    rig.pins["chain_a"].value(1)
    assert rig.enabled
    rig.tick()
    assert rig.inputs.switches == ALL_CLOSED


@pytest.mark.parametrize("chain", ["chain_a", "chain_b"])
def test_an_open_chain_of_which_no_interrupt_has_told_enables_nothing_either(chain):
    rig = Rig()
    rig.pins[chain].irq(None)
    beam(rig)
    rig.pins[chain].value(0)
    rig.hardware.read(rig.inputs)
    rig.write(rig.outputs)
    assert not rig.enabled
    rig.pins[chain].value(1)
    rig.tick(3)
    assert rig.inputs.switches == ALL_CLOSED
    assert not rig.enabled  # until it is asked for nothing once
    rig.outputs.hv_enable = 0
    rig.tick()
    rig.outputs.hv_enable = 1
    rig.tick()
    assert rig.enabled


class Interrupted(ChipUnit.PIN):
    """A pin at whose every touch by the firmware the world may act, before and after."""

    touched: Callable[[], None] | None = None

    def value(self, level: int | None = None) -> int | None:
        if self.touched:
            self.touched()
        answer = super().value(level)
        if self.touched:
            self.touched()
        return answer

    __call__ = value


class ChainRig(Rig):
    """The chain's contacts move at any touch of any pin. It keeps what it has to answer for.

    opened  : openings by channel that no read has told which began after them
    blocked : no write that asked for no high voltage has ended since the last opening
    """

    PIN = Interrupted

    def __init__(self) -> None:
        super().__init__(i2c=Babbling([]), spi=Babbling([]))
        self.due: dict[int, tuple[str, ...]] = {}
        self.touches = 0
        self.at_work = False
        self.opened = {"chain_a": 0, "chain_b": 0}
        self.blocked = False
        self.closed = {"chain_a": True, "chain_b": True}
        self.rises = 0
        self.pins["hv_enable"].listeners.append(self.changed)
        for pin in self.pins.values():
            pin.touched = self.touch  # type: ignore[attr-defined]

    def changed(self, level: int) -> None:
        self.rises += level

    def touch(self) -> None:
        if self.at_work:
            self.touches += 1
            for move in self.due.pop(self.touches, ()):
                self.move(move)

    def move(self, what: str) -> None:
        """Open, close or do both to one channel, outside of all counting."""
        kind, chain = what.split()
        at_work, self.at_work = self.at_work, False
        if kind in ("open", "blip") and self.closed[chain]:
            self.closed[chain] = False
            self.opened[chain] += 1
            self.blocked = True
            self.pins[chain].value(0)
            assert not self.enabled, "an opening takes the enable away at once"
        if kind in ("close", "blip") and not self.closed[chain]:
            self.closed[chain] = True
            self.pins[chain].value(1)
        self.at_work = at_work

    def work(self, act: Callable[[Any], None], record: Any, due: dict) -> None:
        self.due, self.touches, self.at_work = dict(due), 0, True
        act(record)
        self.at_work = False

    def read_now(self, due: dict) -> None:
        told, closed = dict(self.opened), dict(self.closed)
        self.work(self.hardware.read, self.inputs, due)
        moved = {move.split()[1] for moves in due.values() for move in moves}
        for bit, chain in ((1, "chain_a"), (2, "chain_b")):
            shown_open = not self.inputs.switches & bit
            if told[chain]:
                assert shown_open, "an opening is seen by the next read"
            elif chain not in moved:
                assert shown_open == (not closed[chain]), "and by no other"
            self.opened[chain] -= told[chain]

    def write_now(self, hv_enable: int, due: dict) -> None:
        self.outputs.hv_enable = hv_enable
        was_blocked = self.blocked
        self.rises = 0
        self.work(self.hardware.write, self.outputs, due)
        assert not (was_blocked and self.rises), "nor is it high for a moment"
        if not hv_enable:
            self.blocked = False
        assert not (self.enabled and self.blocked), "nobody has asked for no high voltage"
        assert not (self.enabled and any(self.opened.values())), "the write after an opening"


MOVES = st.tuples(
    st.sampled_from(["open", "close", "blip"]), st.sampled_from(["chain_a", "chain_b"])
).map(" ".join)
DUE = st.one_of(st.just({}), st.dictionaries(st.integers(1, 6), st.lists(MOVES, min_size=1)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), DUE),
        st.tuples(st.just("write"), st.just(0), st.just({})),
        st.tuples(st.just("write"), st.just(1), DUE),
        st.tuples(st.just("move"), MOVES),
    ),
    max_size=20,
)
BLIP = ["blip chain_a"]


@settings(max_examples=300)
@given(STEPS)
@example([("read", {}), ("write", 0, {}), ("write", 1, {1: BLIP})])  # before the pin goes high
@example([("read", {}), ("write", 0, {}), ("write", 1, {2: BLIP})])  # as soon as it is
@example([("read", {}), ("move", BLIP[0]), ("write", 0, {}), ("write", 1, {})])
@example([("read", {}), ("write", 0, {}), ("move", BLIP[0]), ("read", {}), ("write", 1, {})])
@example([("read", {}), ("write", 0, {1: BLIP}), ("write", 1, {}), ("read", {})])
def test_however_openings_fall_between_reads_and_writes_the_line_stays_low_until_asked(steps):
    rig = ChainRig()
    for kind, *more in steps:
        if kind == "read":
            rig.read_now(*more)
        elif kind == "write":
            rig.write_now(*more)
        else:
            rig.move(*more)
