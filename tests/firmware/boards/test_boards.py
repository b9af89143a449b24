"""Each board's file puts a unit together that works against the chips, on its port's `machine`."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from firmware.signals import ALL_CLOSED, CHAIN_B, GENERATOR_OK
from hil.board_types import BOARD_TYPES
from hil.pico.chips.spellman import VirtualGenerator, VirtualUart
from tests.kit.board_rig import Rig, forget_boards

HALF_A_SECOND = 50  # ticks: all that is slow has had its turn


@pytest.fixture(params=BOARD_TYPES)
def rig(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    yield Rig(request.param, monkeypatch)
    forget_boards()


def test_the_enable_is_low_before_it_is_an_output_and_before_anything_else(rig: Rig):
    rig.make()
    enable = rig.pins["hv_enable"]
    assert rig.world.events[:2] == [("level", enable, 0), ("out", enable)]
    assert rig.pin("hv_enable").value() == 0
    assert [event for event in rig.world.events[2:] if event[1] == enable] == []


def test_the_lamp_and_the_programs_are_at_0_before_a_unit_is_made(rig: Rig):
    """Importing the board is the first line of main.py."""
    assert rig.world.events[2:4] == [("level", rig.pins["lamp"], 0), ("out", rig.pins["lamp"])]
    assert rig.world.i2c.sent[0] == (0x60, bytes.fromhex("408000428000448000468000"))


def test_a_data_line_that_is_held_at_boot_has_nine_clocks_and_a_stop(rig: Rig):
    from firmware.boards.safe import CLOCKS, free_bus

    pin = sys.modules["machine"].Pin
    sda, scl = pin(rig.pins["i2c_sda"]), pin(rig.pins["i2c_scl"])
    sda.level, scl.level = 0, 1
    seen: list[tuple[int, int]] = []
    for line in (scl, sda):
        line.listeners.append(lambda _level: seen.append((scl.level, sda.level)))
    free_bus(rig.board)
    assert seen == [(0, 0), (1, 0)] * CLOCKS + [(0, 0), (1, 0), (1, 1)]


def test_a_bus_that_is_free_has_no_clocks(rig: Rig):
    rig.make()
    assert [event for event in rig.world.events if event[0] == "drain"] == []


def test_a_unit_reads_all_its_chips(rig: Rig):
    rig.make()
    rig.outputs.lamp_on = 1
    rig.tick(3 * HALF_A_SECOND)
    inputs, plant, sensors = rig.inputs, rig.plant, rig.plant.sensors
    assert inputs.switches == ALL_CLOSED
    assert inputs.kv_monitor_raw == plant.kv_monitor_raw
    assert inputs.ma_monitor_raw == plant.ma_monitor_raw
    assert inputs.filament_monitor_raw == plant.filament_monitor_raw
    assert inputs.head_temperature_raw == sensors.head_temperature_raw
    assert inputs.mount_temperature_raw == sensors.mount_temperature_raw
    assert inputs.generator_temperature_raw == pytest.approx(
        sensors.generator_temperature_raw, abs=1
    )
    assert inputs.room_temperature_raw == pytest.approx(sensors.room_temperature_raw, abs=1)
    assert inputs.room_pressure_raw == pytest.approx(sensors.room_pressure_raw, abs=2)
    assert inputs.room_humidity_raw == pytest.approx(sensors.room_humidity_raw, abs=2)
    assert inputs.fan_tach_raw == pytest.approx(2400, abs=3)
    assert inputs.lamp_current_raw == rig.rack.lamp_raw() > 0
    assert max(inputs.adc_age_ms, inputs.head_age_ms, inputs.room_age_ms) < 700


def test_a_unit_drives_all_its_outputs(rig: Rig):
    rig.make()
    outputs, plant = rig.outputs, rig.plant
    rig.tick(2)  # no high voltage is wanted
    outputs.hv_enable, outputs.lamp_on = 1, 1
    outputs.grid_program_raw, outputs.kv_program_raw = 1000, 2000
    outputs.filament_program_raw, outputs.fan_program_raw = 3000, 40000
    rig.tick(2)
    assert (plant.hv_enable, plant.lamp_on) == (1, 1)
    assert (plant.grid_program_raw, plant.kv_program_raw) == (1000, 2000)
    assert plant.filament_program_raw == 3000
    assert plant.fan_program_raw == pytest.approx(40000, abs=16)
    assert rig.fan_hz() == 25000


@pytest.mark.parametrize("duty", [0, 1, 32768, 65534, 65535])
def test_the_fan_sees_the_pulse_width_that_is_written(rig: Rig, duty: int):
    rig.make()
    rig.unit.write(rig.outputs)
    rig.outputs.fan_program_raw = duty
    rig.unit.write(rig.outputs)
    assert rig.fan_program_raw() == pytest.approx(duty, abs=20)
    assert (rig.fan_program_raw() == 65535) == (duty == 65535)


@pytest.mark.parametrize("signal", ["chain_a", "chain_b"])
def test_an_opened_chain_takes_the_enable_away_between_two_ticks(rig: Rig, signal: str):
    rig.make()
    rig.tick(2)
    rig.outputs.hv_enable = 1
    rig.tick(2)
    assert rig.pin("hv_enable").value() == 1
    rig.pin(signal).value(0)
    assert rig.pin("hv_enable").value() == 0
    rig.pin(signal).value(1)
    rig.unit.read(rig.inputs)
    assert rig.inputs.switches != ALL_CLOSED


def test_a_tick_reads_an_open_chain_without_an_interrupt(rig: Rig):
    rig.make()
    rig.tick(2)
    rig.pin("chain_a").level = 0
    rig.unit.read(rig.inputs)
    assert rig.inputs.switches == CHAIN_B | GENERATOR_OK


def test_interrupts_are_hard_where_the_port_has_hard_ones(rig: Rig):
    rig.make()
    hard = [rig.pin(signal).hard for signal in ("chain_a", "chain_b", "fan_tach")]
    assert hard == [rig.kind.port != "esp32"] * 3


def test_a_wire_that_comes_off_the_chain_reads_open(rig: Rig):
    rig.make()
    for signal in ("chain_a", "chain_b", "generator_ok"):
        assert rig.pin(signal).pull == rig.pin(signal).PULL_DOWN


def test_every_signal_of_the_table_is_used_and_no_pin_twice(rig: Rig):
    rig.make()
    analog = {event[1] for event in rig.world.events}
    serial = {rig.pins["generator_tx"], rig.pins["generator_rx"]}
    assert analog == set(rig.pins.values()) - serial
    looked_at = {("in", rig.pins["i2c_sda"])}  # whether a chip holds it
    taken = [event[:2] for event in rig.world.events if event[0] not in ("level", "irq")]
    owners = set(taken) - looked_at
    names = [event[1] for event in owners]
    assert sorted(map(str, names)) == sorted(map(str, set(names)))


def test_a_dead_bus_is_an_age_and_not_an_exception(rig: Rig):
    rig.make()
    rig.tick(HALF_A_SECOND)
    rig.world.i2c.stuck = True
    rig.world.spi.stuck = 0
    rig.tick(2 * HALF_A_SECOND)
    inputs = rig.inputs
    assert min(inputs.adc_age_ms, inputs.head_age_ms, inputs.mount_age_ms, inputs.room_age_ms) > 900
    assert inputs.switches & (CHAIN_B | GENERATOR_OK)


@pytest.mark.parametrize(("choice", "model"), [(1, "uX50P50"), (2, "SLM70P300")])
def test_a_serial_generator_is_a_matter_of_one_setting(rig: Rig, choice: int, model: str):
    rig.settings.serial_generator = choice
    generator = VirtualGenerator(rig.plant, rig.settings, model, lambda: rig.us)
    rig.world.uart = VirtualUart(generator)
    rig.make()
    assert ("tx", rig.pins["generator_tx"]) in rig.world.events
    assert ("rx", rig.pins["generator_rx"]) in rig.world.events
    rig.tick(2 * HALF_A_SECOND)
    assert generator.heard
    assert rig.inputs.switches & GENERATOR_OK
    assert rig.inputs.kv_monitor_raw == pytest.approx(rig.plant.kv_monitor_raw, abs=16)
    assert rig.pin("hv_enable").value() == 0


def test_the_watchdog_is_armed_fed_and_let_go(rig: Rig):
    dog = rig.board.watchdog()
    armed = rig.world.watchdogs[-1]
    dog.feed()
    assert armed.fed == 1
    assert armed.timeout <= 4000
    dog.release()
    if rig.kind.port == "rp2":
        # CTRL's bit ENABLE through the alias that clears: RP-008371-DS 2.1.2, 4.7.6
        base = {"pico": 0x40058000, "pico2": 0x400D8000}[rig.board.name]
        assert rig.world.memory == {base + 0x3000: 1 << 30}
        return
    last = rig.world.watchdogs[-1]
    assert last.timeout >= 30000
    (period, callback), fed = rig.world.timers[0], last.fed
    assert period <= armed.timeout // 4
    callback(None)
    assert last.fed == fed + 1


def test_a_watchdog_armed_again_is_fed_only_by_the_loop(rig: Rig):
    """As after `link`: the timer that fed the released one must be gone."""
    rig.board.watchdog().release()
    rig.board.watchdog()
    assert rig.world.timers == []


def test_a_watchdog_reset_is_distinguished_from_power_up(rig: Rig):
    assert "power" in rig.board.reset_cause()
    rig.world.cause = 3
    assert rig.board.reset_cause().startswith("watchdog")
    rig.board.reset()
    assert rig.world.resets == 1


def test_the_folder_of_the_settings_is_where_the_port_has_its_flash(rig: Rig):
    assert rig.board.folder == ("/flash" if rig.kind.port == "stm32" else "")


def test_the_boards_and_their_tables_have_the_same_signals():
    first, *others = (set(kind.pins) for kind in BOARD_TYPES.values())
    assert others and all(other == first for other in others)
