"""The board made of chips: what breaks grows old, nothing raises, and all of it comes back."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware.boards.hardware import TURNS
from firmware.drivers.generator import AGE_FULL_MS
from firmware.signal_table import INPUTS
from firmware.signals import ALL_CLOSED, GENERATOR_OK
from firmware.ticks import PERIOD_MS
from hil.pico.chips.bus import EIO
from hil.pico.chips.rack import AIR_ADDRESS, DAC_ADDRESS, KV_ADDRESS, MA_ADDRESS
from tests.kit.driver_rigs import Babbling, Faltering, anything
from tests.kit.hardware_rig import AGES, HALF_A_SECOND, SETTLED, SIGNALS, Rig, assert_right
from twin.plant.plant import TICK_MS

RANGES = {signal[0]: (signal[2], signal[3]) for signal in INPUTS}


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
    "DAC absent": (lambda rig: setattr(rig.rack.dac, "absent", True), (), ()),
    "LM35 off": (
        lambda rig: setattr(rig.plant.sensors, "generator_temperature_raw", 0),
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
        lambda rig: setattr(rig.plant.sensors, "room_pressure_raw", 20000),
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
    for address, model in rack.i2c.items():
        rig.i2c.attach(address, model)


@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("phase", [0, 17, 34])
def test_a_broken_chip_ages_with_its_last_value_and_the_others_continue(what: str, phase: int):
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
    no_programs = what in ("DAC absent", "I2C stuck")
    assert rig.inputs.switches == (ALL_CLOSED & ~GENERATOR_OK if no_programs else ALL_CLOSED)
    for name, (value, within, _) in SIGNALS.items():
        if name != "switches":
            expected = kept[name] if name in stay else value(rig.plant)
            assert getattr(rig.inputs, name) == pytest.approx(expected, abs=within), name


@pytest.mark.parametrize("what", BREAKS)
def test_a_repaired_chip_is_fresh_and_right_again_within_a_second(what: str):
    rig = Rig()
    rig.tick(SETTLED)
    BREAKS[what][0](rig)
    rig.tick(SETTLED)
    mend(rig)
    rig.moved()
    rig.tick(2 * HALF_A_SECOND)
    assert_right(rig)


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
