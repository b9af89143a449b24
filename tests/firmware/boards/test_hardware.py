"""The board made of chips: what it reads.

Drivers and chip models on buses in this process. The plant stands still but for what a test sets.
What it writes is in tests/firmware/boards/test_boards.py.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware.boards.hardware import TURNS
from firmware.drivers.generator import AGE_FULL_MS
from firmware.signal_table import INPUTS
from firmware.ticks import PERIOD_MS
from tests.kit.hardware_rig import AGES, HALF_A_SECOND, SETTLED, SIGNALS, Rig, assert_right

ROOM = ("room_temperature_raw", "room_pressure_raw", "room_humidity_raw")


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
    st.integers(0, 32767),
    st.integers(0, 32767),
    st.integers(0, 32767),
    st.integers(1, 32767),
    st.integers(1, 32767),
)
@example(0, 0, 0, 1, 1)
@example(32767, 32767, 32767, 32767, 32767)
def test_the_counts_are_exact_over_the_whole_range(kv, ma, filament, head, mount):
    rig = Rig()
    rig.plant.kv_monitor_raw, rig.plant.ma_monitor_raw = kv, ma
    rig.plant.filament_monitor_raw = filament
    rig.plant.sensors.head_temperature_raw, rig.plant.sensors.mount_temperature_raw = head, mount
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


@pytest.mark.parametrize("start_ms", [PERIOD_MS - 700, PERIOD_MS // 2 - 700, PERIOD_MS - 1])
def test_the_tick_counter_may_stand_anywhere_and_wrap(start_ms: int):
    rig = Rig(start_ms=start_ms)
    rig.tick(SETTLED)
    for _ in range(HALF_A_SECOND):
        rig.tick()
        assert_right(rig)


def test_the_three_values_of_the_room_belong_together_at_every_tick():
    rig = Rig()
    sensors = rig.plant.sensors
    rooms = ((2150, 98765, 4321), (-512, 76543, 8765))
    seen = set()
    rig.tick(SETTLED)
    for turn in range(40):
        room = rooms[turn % 2]
        sensors.room_temperature_raw, sensors.room_pressure_raw, sensors.room_humidity_raw = room
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
