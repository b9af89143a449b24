"""Controller, serial driver, virtual generator and the twin's plant in one loop."""

from typing import Any

import pytest

from firmware.controller import BEAM, OFF, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signals import CHAIN_A, CHAIN_B, GENERATOR_OK, Command
from tests.kit.open_loop import IDEAL, plant_of
from tests.kit.spellman_rig import TICK_MS, Dac, Rig
from twin.plant.plant import Plant
from twin.world.board import TwinBoard

KV = 45.0  # a 50 kV generator's monitor ends at 50 kV
MA = 0.98
TO_BEAM_MS = 25_000


class GridDac(Dac):
    """Channel A is the plant's grid, and C the filament of a tube whose generator heats none."""

    def __init__(self, plant: Plant):
        super().__init__()
        self.plant = plant

    def write_fast(self, values: list[int], count: int) -> bool:
        self.plant.grid_program_raw = values[0]
        if count > 2:
            self.plant.filament_program_raw = values[2]
        return super().write_fast(values, count)


class Loop(Rig):
    """The rig, with the plant for its tube and the controller for its outputs."""

    def __init__(self, model: str = "uX50P50", baud: int = 115200, start_ms: int = 0):
        plant = plant_of(IDEAL)
        settings: Settings = plant.tube.firmware_settings()
        super().__init__(model, baud, start_ms, plant, settings)
        self.dac = GridDac(plant)
        self.driver.programs._dac = self.dac
        self.board = TwinBoard(plant)
        self.controller = Controller(settings)
        self.command = Command(KV, MA)

    def tick(self) -> None:
        inputs: Any = self.inputs
        plant = self.tube
        self.board.read(inputs)
        self.healthy = self.driver.read(self.now_ms, inputs)
        inputs.switches = CHAIN_A | CHAIN_B | (GENERATOR_OK if self.healthy else 0)
        self.controller.step(self.now_ms, inputs, self.outputs, self.command)
        self.driver.write(self.outputs, self.may_enable)
        plant.lamp_on = self.outputs.lamp_on
        plant.fan_program_raw = self.outputs.fan_program_raw
        plant.advance()

    def start(self) -> None:
        self.run(500)
        self.command.run = True
        self.run(TO_BEAM_MS)
        assert self.controller.condition == BEAM

    def cause(self) -> str:
        """Why it tripped."""
        assert self.controller.condition == TRIPPED
        return NAMES[self.controller.trip]


@pytest.mark.parametrize("model", ["uX50P50", "SLM70P300"])
def test_the_emission_current_comes_to_its_target_and_stays(model):
    loop = Loop(model)
    loop.start()
    plant = loop.tube
    sums = [0.0, 0.0]
    for _ in range(1000):
        loop.tick()
        sums[0] += plant.ma
        sums[1] += plant.kv
    assert sums[0] / 1000 == pytest.approx(MA, rel=0.002)
    assert sums[1] / 1000 == pytest.approx(KV, rel=0.001)
    assert loop.driver.timeouts == 0
    loop.command.run = False
    loop.run(2000)
    assert loop.controller.condition == OFF
    assert (plant.kv < 0.1, plant.ma, loop.pin.level) == (True, 0.0, 0)


def test_it_is_the_grid_that_regulates_and_not_the_generators_own_loop():
    """Its current set-point stays at the over-current limit, whatever the current's target."""
    loop = Loop()
    loop.start()
    limit = loop.generator.set_points[11]
    assert limit / 4095 * 2.0 == pytest.approx(loop.settings.trip_ma, abs=0.001)
    grid = loop.outputs.grid_program_raw
    loop.command.ma = 0.8 * MA
    loop.run(10_000)
    assert loop.tube.ma == pytest.approx(0.8 * MA, rel=0.01)
    assert loop.outputs.grid_program_raw < grid - 20
    assert loop.generator.set_points[11] == limit


@pytest.mark.parametrize(
    ("fault", "cause", "within_ms"),
    [
        ("mute", "stale-monitors", 80),
        ("wrong_checksum", "stale-monitors", 80),
        ("late", "stale-monitors", 80),
        ("fault", "generator", 250),
        ("interlock", "generator", 250),
    ],
)
def test_a_fault_of_generator_or_wire_trips(fault, cause, within_ms):
    loop = Loop()
    loop.start()
    if fault == "late":
        loop.generator.answer_us = 60_000
    elif fault == "fault":
        loop.generator.trip()
    elif fault == "interlock":
        loop.pin.stuck_open = loop.generator.interlock_open = True
    else:
        setattr(loop.generator, fault, True)
    passed_ms = 0
    while loop.controller.condition != TRIPPED and passed_ms <= within_ms:
        loop.tick()
        passed_ms += TICK_MS
    assert loop.cause() == cause
    assert loop.pin.level == 0  # in the same tick
    loop.run(1000)
    assert loop.tube.ma == 0.0 and loop.tube.kv < 1.0


def test_without_a_fault_none_of_that_trips():
    loop = Loop()
    loop.start()
    loop.run(3000)
    assert loop.controller.condition == BEAM


@pytest.mark.parametrize("baud", [9600, 19200])
def test_too_slow_a_wire_never_gets_a_beam(baud):
    loop = Loop(baud=baud)
    loop.run(500)
    loop.command.run = True
    loop.run(1000)
    assert loop.controller.condition == TRIPPED
    assert not loop.generator.hv_on


def test_after_a_fault_a_new_start_brings_the_beam_back():
    loop = Loop()
    loop.start()
    loop.generator.trip()
    loop.run(500)
    assert loop.cause() == "generator"
    loop.command.run = False
    loop.run(2000)
    assert not loop.generator.faulted  # reset at rest
    assert loop.pin.level == 0
    loop.command.run = True
    loop.run(TO_BEAM_MS)
    assert loop.controller.condition == BEAM
    assert loop.tube.ma == pytest.approx(MA, rel=0.01)


def test_a_cut_line_trips_even_before_the_controller_knows_why():
    """The interrupt of the chain has come: high voltage goes off, and the loop does not mind."""
    loop = Loop()
    loop.start()
    loop.driver.off()
    assert not loop.generator.hv_on
    loop.may_enable = False
    loop.run(2000)
    assert loop.cause() in ("no-voltage", "arcing", "generator")
    assert loop.pin.level == 0
