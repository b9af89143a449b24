"""The emulated Pico as a world: what it refuses, and how its faults get to pins and buses.

That it runs bench-short, and how far it is from in-process, is in tests/hil/targets/test_hosts.py.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rp2040py.peripherals.i2c import I2CMode

from firmware.boards.board_table import PICO
from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B, GENERATOR_OK, Inputs, Outputs
from hil.micropython.interpreters import find_pico_image
from hil.pico.chips.rack import AIR_ADDRESS, DAC_ADDRESS, KV_ADDRESS, MA_ADDRESS
from hil.pico.unit import PicoUnit
from hil.pico.world import LONGEST_MS, PLAN, PicoFaults, PicoWorld
from hil.wiring.plan import load_plan
from twin.files.errors import InputError
from twin.runs.prepare import prepare
from twin.runs.run import build_world
from twin.scenarios.steps import fault_steps
from twin.tube.tube import DEFAULT_TUBE
from twin.world.board import LAMP_RAW, TwinBoard
from twin.world.faults import FAULTS, Fault

CONTACTS = {"chain-a": "chain_a", "chain-b": "chain_b", "generator": "generator_ok"}
INPUT_ENABLE = 1 << 6  # of a pad's register
NOT_MADE = {"stale-generator", "stuck", "offset"}


@pytest.mark.parametrize("scenario", ["ramp", "cold-start"])
def test_a_scenario_of_hours_is_refused_at_once_and_told_what_to_use_instead(scenario: str):
    job = prepare(scenario, DEFAULT_TUBE, None, None, 1, ())
    with pytest.raises(InputError, match=rf"^scenario {scenario}: .* at most; choose bench-short"):
        PicoWorld(job)


def test_even_a_short_warm_scenario_is_too_long_for_its_pre_roll():
    job = prepare("ramp", DEFAULT_TUBE, None, 0.04, 1, ())
    assert job.end_ms < LONGEST_MS
    with pytest.raises(InputError, match="1344 s from power-up on are too many"):
        PicoWorld(job)


def test_a_law_can_not_be_held_from_the_console():
    job = prepare("bench-short", DEFAULT_TUBE, None, None, 1, ("emission",))
    with pytest.raises(InputError, match=r"^--without emission: the emulated Pico can hold no law"):
        PicoWorld(job)


def test_a_fault_that_it_can_not_make_is_refused_before_it_boots(monkeypatch):
    monkeypatch.delattr("hil.pico.world.PicoUnit")
    asked = fault_steps(["stuck:kv_monitor_raw=5@3"])
    job = replace(prepare("bench-short", DEFAULT_TUBE, None, None, 1, ()), faults=asked)
    with pytest.raises(InputError, match="fault stuck: this target can't make it"):
        PicoWorld(job)


class World:
    """A unit that has not been switched on yet, and its faults."""

    def __init__(self) -> None:
        job = prepare("bench-short", DEFAULT_TUBE, None, None, 1, ())
        self.plant = build_world(job).plant
        records: tuple[Any, Any] = (Inputs(), Outputs())
        self.inputs, self.outputs = records
        self.board: Any = TwinBoard(self.plant)
        self.unit = PicoUnit(find_pico_image(), {}, self.plant)
        self.faults = PicoFaults(self.inputs, load_plan(PLAN))
        self.faults.unit = self.unit
        self.tick()

    def tick(self) -> None:
        self.unit._advance()
        self.faults.in_front_of(self.board).read(self.inputs)

    def contacts(self) -> list[bool]:
        """What stands at the pins, for a board that makes inputs of them."""
        gpio: Any = self.unit.pico.mcu.gpio
        for name in CONTACTS.values():
            gpio[PICO[name]].pad_value |= INPUT_ENABLE
        return [bool(gpio[PICO[name]].input_value) for name in CONTACTS.values()]


@pytest.fixture(scope="module")
def switched_off() -> World:
    return World()


@pytest.fixture
def world(switched_off: World) -> Any:
    yield switched_off
    switched_off.faults.clear()
    switched_off.plant.lamp_on = 0


def test_what_its_description_does_not_list_is_refused_and_never_ignored(world: World):
    assert set(world.faults.KINDS) == set(FAULTS) - NOT_MADE
    for fault in (
        Fault("stale-generator"),
        Fault("stuck", "kv_monitor_raw", 5),
        Fault("offset", "kv_monitor_raw", 5),
    ):
        with pytest.raises(InputError, match="this target can't make it; it can make chain-a"):
            world.faults.make(fault)
    assert world.faults.active == ()
    assert not world.unit.dead


@pytest.mark.parametrize("kind", CONTACTS)
def test_a_contact_opens_at_its_pin_at_once_and_closes_again(world: World, kind: str):
    assert world.contacts() == [True, True, True]
    world.faults.make(Fault(kind))
    closed = [name != kind for name in CONTACTS]
    assert world.contacts() == closed
    world.tick()
    assert world.contacts() == closed  # whatever the plant shows at its next tick
    open_bit = dict(zip(CONTACTS, (CHAIN_A, CHAIN_B, GENERATOR_OK), strict=True))[kind]
    assert world.inputs.switches == ALL_CLOSED & ~open_bit
    assert world.plant.switches == ALL_CLOSED  # nothing is wrong with the tube
    world.faults.clear(kind)
    assert world.contacts() == [True, True, True]


def test_two_faults_are_cleared_one_by_one(world: World):
    world.faults.make(Fault("chain-a"))
    world.faults.make(Fault("chain-b"))
    world.faults.clear("chain-a")
    assert world.contacts() == [True, False, True]
    assert world.faults.active == ("chain-b",)
    world.faults.clear("never made")
    assert world.contacts() == [True, False, True]


def answers_i2c(world: World, address: int) -> bool:
    """Whether a chip acknowledges its address on the bus of the board."""
    said: list[bool] = []
    wires = world.unit.i2c
    bus, wires._bus = (
        wires._bus,
        SimpleNamespace(
            complete_connect=said.append,
            scl_low_period=100,
            scl_high_period=100,
            _set_interrupts=lambda _: None,
        ),
    )
    wires._connect(address, I2CMode.READ)
    world.unit.pico.clock.tick(1e6)
    wires._bus = bus
    if said[0]:
        wires._chips[address].stop()
    return said[0]


def answers_spi(world: World, name: str) -> bool:
    """Whether the chip that is selected by this pin says anything but ones."""
    wires, pico = world.unit.spi, world.unit.pico
    bus, wires._bus = (
        wires._bus,
        SimpleNamespace(complete_transmit=lambda _: None, data_bits=8, clock_frequency=1e6),
    )
    wires._pico = SimpleNamespace(level=lambda pin: pin != PICO[name])  # type: ignore[assignment]
    chip = wires._chips[PICO[name]]
    chip.select(True)
    for byte in (0x00, 0x00):  # its register 0: the configuration
        wires._transmit(byte)
        pico.clock.tick(1e5)
    chip.select(False)
    wires._bus, wires._pico = bus, pico
    return wires._answer != 0xFF


OFF_BUS = {
    "stale-monitors": {KV_ADDRESS, MA_ADDRESS},
    "stale-room": {AIR_ADDRESS},
    "stale-head": {"head_cs"},
    "stale-mount": {"mount_cs"},
}


@pytest.mark.parametrize("kind", OFF_BUS)
def test_a_chip_off_its_bus_gives_no_answer_and_the_others_do(world: World, kind: str):
    def silent() -> set[Any]:
        found: set[Any] = {
            address
            for address in (KV_ADDRESS, MA_ADDRESS, DAC_ADDRESS, AIR_ADDRESS)
            if not answers_i2c(world, address)
        }
        return found | {name for name in ("head_cs", "mount_cs") if not answers_spi(world, name)}

    assert silent() == set()
    world.faults.make(Fault(kind))
    assert silent() == OFF_BUS[kind]
    world.faults.clear()
    assert silent() == set()


def test_the_lamps_current_is_gone_and_comes_back(world: World):
    adc = world.unit.pico.mcu.adc
    world.unit.pico.level = lambda pin: pin == PICO["lamp"]  # type: ignore[method-assign]
    try:
        currents = []
        for fault in (None, Fault("lamp"), None):
            world.faults.clear()
            if fault:
                world.faults.make(fault)
            world.tick()
            currents.append((adc.channel_values[0], world.inputs.lamp_current_raw))
    finally:
        del world.unit.pico.level
    assert currents == [(LAMP_RAW, LAMP_RAW), (0, 0), (LAMP_RAW, LAMP_RAW)]


def test_a_fan_that_stands_has_no_pulses_and_moves_no_air(world: World, monkeypatch):
    edges: list[int] = []
    monkeypatch.setattr(world.unit, "_edge", lambda after_us, _level: edges.append(after_us))
    monkeypatch.setattr(world.unit.rack.fan, "edges_until", lambda _now_us: [(0, 1)])
    world.tick()
    assert edges
    assert world.plant.fan_program_raw > 0
    edges.clear()
    world.faults.make(Fault("fan"))
    world.tick()
    assert not edges
    assert world.plant.fan_program_raw == 0
    world.faults.clear()
    world.tick()
    assert edges
