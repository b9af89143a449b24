"""The closed loop through drivers, buses and chips, in this process.

What the emulated board runs (tests/hil/targets/test_hosts.py), without its processor: controller,
hardware layer and drivers on the chip models, and those on the twin's plant. Its clock is the
plant's.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import twin.runs.job
import twin.runs.run
from firmware.controller import BEAM, TRIPPED
from firmware.interlocks import NAMES
from firmware.ticks import PERIOD_MS
from hil.pico.chips import ads1115, mcp4728
from tests.kit.chip_unit import ChipUnit
from tests.kit.hosts import (
    AGAIN_MS,
    END_MS,
    EVENTS,
    FAULT_MS,
    OPEN_MS,
    RECOVERED,
    REGULATED,
    REST_MS,
    Trace,
    quick_settings,
    run_here,
    warm_world,
)
from tests.kit.jobs import job
from twin.runs.job import Job
from twin.runs.outcome import Outcome
from twin.runs.run import simulate
from twin.scenarios.scenario import load_scenario
from twin.world.world import World

WRAP_AFTER_MS = 13_000  # the board's counter wraps in the first beam
MEAN_PERCENT = 0.05  # measured: 0.02, noise that the two loops answer differently
TIMES_MS = 20  # measured: 0
HEAD_K = 0.02  # measured: 0.006


def chip_world() -> tuple[World, Any, ChipUnit]:
    """World and its controller, with the board made of chips."""
    world = warm_world(quick_settings())
    unit = ChipUnit(world.plant, start_ms=PERIOD_MS - WRAP_AFTER_MS)
    world.board = unit
    return world, world.controller, unit


class Course:
    """The scenario of every host: its trace, and when the enable line moved, ms and level."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.enabled: list[tuple[int, int]] = []
        self.world, _, self.unit = chip_world()
        plant, world = self.world.plant, self.world
        begin_ms = plant.now_ms + REST_MS
        for at_ms, what, argument in EVENTS:
            world.at(begin_ms + at_ms, partial(self.act, what, argument))
        world.at(begin_ms, lambda: world.every(10, lambda _: self.trace.add(plant)))
        self.unit.pins["hv_enable"].listeners.append(
            lambda level: self.enabled.append((int(world.env.now) - begin_ms, level))
        )
        world.run(begin_ms + END_MS)

    def act(self, what: str, argument: float) -> None:
        if what in ("run", "stop"):
            self.world.command.run = what == "run"
        elif what == "switches":
            self.unit.set_switches(int(argument))
        elif what == "disturb":
            self.world.plant.filament.drift *= argument


@pytest.fixture(scope="module")
def course() -> Course:
    return Course()


@pytest.fixture(scope="module")
def reference() -> Trace:
    """The same at the seam, without any chip."""
    return run_here("in-process")[0]


@pytest.mark.parametrize("window", [REGULATED, RECOVERED])
def test_voltage_and_current_are_those_of_a_board_without_chips(course, reference, window):
    for column in ("kv", "ma"):
        off = course.trace.mean(column, window) / reference.mean(column, window) - 1.0
        assert 100.0 * abs(off) <= MEAN_PERCENT
    assert course.trace.mean("ma", window) > 0.9


def test_the_current_after_the_second_start_is_that_of_a_board_without_chips(course, reference):
    off = course.trace.mean_again() / reference.mean_again() - 1.0
    assert 100.0 * abs(off) <= MEAN_PERCENT
    assert course.trace.mean_again() > 0.9


def test_it_starts_twice_and_as_quickly(course: Course, reference: Trace):
    for begin_ms in (0, AGAIN_MS):
        late_ms = course.trace.when_on_target(begin_ms) - reference.when_on_target(begin_ms)
        assert abs(late_ms) <= TIMES_MS
    assert abs(course.trace.head_c - reference.head_c) <= HEAD_K


def test_the_enable_line_moves_twice_up_and_twice_down_and_at_no_other_time(course: Course):
    assert [level for _, level in course.enabled] == [1, 0, 1, 0]
    _, opened_ms, _, fault_ms = [at_ms for at_ms, _ in course.enabled]
    assert opened_ms == OPEN_MS  # by the interrupt: no tick has passed
    assert FAULT_MS <= fault_ms <= FAULT_MS + 10
    assert not any(course.trace.hv_enable[OPEN_MS // 10 : AGAIN_MS // 10])


def test_the_boards_counter_has_wrapped_in_the_beam(course: Course):
    wrap = (WRAP_AFTER_MS - REST_MS) // 10
    assert all(course.trace.hv_enable[wrap - 100 : wrap + 100])
    assert course.unit.ticks_ms() == REST_MS + END_MS - WRAP_AFTER_MS


BEGIN_MS = REST_MS + 9000  # of a fault: there is beam


def beam_world(phase_ms: int) -> tuple[World, Any, ChipUnit]:
    """A unit in regulation, so long after its slow readings have begun a new round."""
    world, controller, unit = chip_world()
    begin_ms = world.plant.now_ms
    world.run(begin_ms + REST_MS)
    world.command.run = True
    world.run(begin_ms + BEGIN_MS + phase_ms)
    assert controller.condition == BEAM
    return world, controller, unit


def until_trip(world: World, controller: Any, longest_ms: int) -> int:
    """How long it takes, ms; the state of the enable line is that after the tick that tripped."""
    begin_ms = world.plant.now_ms
    while controller.condition != TRIPPED:
        assert world.plant.now_ms < begin_ms + longest_ms, "no trip"
        world.run(world.plant.now_ms + 10)
    return world.plant.now_ms - begin_ms - 10


Break = Callable[[ChipUnit], None]


def absent(chip: str) -> Break:
    return lambda unit: setattr(getattr(unit.rack, chip), "absent", True)


def resistance(ratio: float) -> Break:
    return lambda unit: setattr(unit.rack.head, "_ratio", lambda: ratio)


# what breaks: how, the trip, earliest and latest. The delays of the interlocks, and: 10 ms a tick,
# 100 ms from one turn of the slow interlocks to the next, 500 ms of the head's and the fan's.
TRIPS: dict[str, tuple[Break, str, int, int]] = {
    "kv ADC absent": (absent("kv_adc"), "stale-monitors", 40, 60),
    "mA ADC absent": (absent("ma_adc"), "stale-monitors", 30, 60),
    "I2C stuck": (lambda unit: setattr(unit.i2c, "stuck", True), "stale-monitors", 30, 60),
    "DAC absent": (absent("dac"), "generator", 50, 150),
    "head absent": (absent("head"), "stale-head", 2500, 3200),
    "SPI low": (lambda unit: setattr(unit.spi, "stuck", 0), "stale-head", 2500, 3200),
    "head open": (resistance(float("inf")), "over-temperature", 200, 900),
    "head shorted": (resistance(0.0), "head-sensor", 200, 900),
    "tachometer off": (lambda unit: setattr(unit, "tach_cut", True), "fan", 5200, 6200),
    "lamp open": (lambda unit: setattr(unit, "lamp_open", True), "lamp", 200, 450),
}


@pytest.mark.parametrize("phase_ms", [0, 170, 330])
@pytest.mark.parametrize("what", TRIPS)
def test_what_breaks_in_the_beam_ends_it(what: str, phase_ms: int):
    act, name, earliest_ms, latest_ms = TRIPS[what]
    world, controller, unit = beam_world(phase_ms)
    act(unit)
    took_ms = until_trip(world, controller, latest_ms + 100)
    assert NAMES[controller.trip] == name
    assert earliest_ms <= took_ms <= latest_ms
    assert not unit.enabled
    world.run(world.plant.now_ms + 1000)
    assert world.plant.kv < 0.01 and world.plant.ma == 0.0
    # A monitor that has stopped at high voltage keeps the lamp on: nobody knows that there is none.
    assert world.plant.lamp_on == (what in ("kv ADC absent", "I2C stuck"))


@pytest.mark.parametrize("chip", ["air", "mount"])
def test_without_the_room_or_the_mount_the_beam_continues_and_its_trim_is_held(chip: str):
    trims = {}
    for broken in (False, True):
        world, controller, unit = beam_world(0)
        getattr(unit.rack, chip).absent = broken
        world.run(world.plant.now_ms + 5000)
        held = controller.compensation.trim
        world.run(world.plant.now_ms + 20000)
        trims[broken] = controller.compensation.trim - held
        assert controller.condition == BEAM
        assert abs(world.inputs.ma_monitor_raw / controller.emission.target_raw - 1.0) < 0.02
    assert trims[True] == 0.0
    assert trims[False] != 0.0


@pytest.mark.parametrize("chip", ["kv_adc", "ma_adc"])
def test_a_converter_that_answers_and_converts_no_more_ends_the_beam(chip: str):
    """A proof of each comes once a second."""
    world, controller, unit = beam_world(0)
    getattr(unit.rack, chip)._convert = lambda now_us: None
    assert until_trip(world, controller, 1200) > 20
    assert NAMES[controller.trip] == "stale-monitors"


@pytest.mark.parametrize("bit", [8, 9, 10, 11, 12, 13, 14])
def test_a_flipped_setting_of_the_voltages_converter_is_put_right_within_a_second(bit: int):
    """Mode, gain and input; at rest, where no other interlock ends it first."""
    world, _, unit = chip_world()
    world.run(world.plant.now_ms + REST_MS)
    unit.rack.kv_adc.registers[ads1115.CONFIG] ^= 1 << bit
    world.run(world.plant.now_ms + 1100)
    assert unit.rack.kv_adc.registers[ads1115.CONFIG] == 0x44E3
    assert world.inputs.adc_age_ms <= 20


def test_a_gain_that_stays_wrong_makes_the_voltage_stale():
    world, controller, unit = beam_world(0)
    chip = unit.rack.kv_adc
    configure = chip._configure

    def stuck(config: int) -> None:
        chip.registers[ads1115.CONFIG] = config & ~0x0E00 | 0x0200
        configure(chip.registers[ads1115.CONFIG])

    chip._configure = stuck  # type: ignore[method-assign]
    stuck(0x44E3)
    until_trip(world, controller, 1200)
    assert not unit.enabled
    world.run(world.plant.now_ms + 2000)
    assert world.inputs.adc_age_ms > 1000


def test_a_gain_of_the_filaments_channel_is_put_right_before_a_start():
    world, _, unit = chip_world()
    world.run(world.plant.now_ms + REST_MS)
    unit.rack.dac.words[2] |= mcp4728.GAIN
    world.run(world.plant.now_ms + 1100)
    assert not unit.rack.dac.words[2] & mcp4728.GAIN
    assert unit.hardware.generator.programs.arrive()


@pytest.mark.parametrize("mask", [mcp4728.INTERNAL, mcp4728.GAIN, 0x2000])
@pytest.mark.parametrize("channel", range(3))
def test_a_dac_that_does_not_take_its_settings_ends_the_beam(channel: int, mask: int):
    """Read back three times, and every write undone: the generator counts as not healthy."""
    world, controller, unit = beam_world(0)
    dac, write = unit.rack.dac, unit.rack.dac._write

    def stuck(byte: int) -> bool:
        taken = write(byte)
        dac.words[channel] ^= mask & (dac.words[channel] ^ wrong)
        return taken

    wrong = dac.words[channel] ^ mask
    dac._write = stuck  # type: ignore[method-assign]
    stuck(0x00)
    until_trip(world, controller, 1300)
    assert not unit.enabled
    world.run(world.plant.now_ms + 1200)
    assert not unit.hardware.generator.programs.arrive()


def test_a_generator_whose_programs_stand_still_is_off_and_starts_no_more():
    """What the DAC last held stays on its outputs: only the enable line ends the beam."""
    world, controller, unit = beam_world(0)
    unit.rack.dac.absent = True
    until_trip(world, controller, 200)
    world.run(world.plant.now_ms + 2000)
    assert world.plant.grid_program_raw > 0 and world.plant.kv_program_raw > 0
    assert not unit.enabled
    for run in (False, True):
        world.command.run = run
        world.run(world.plant.now_ms + 5000)
        assert not unit.enabled and world.plant.kv < 0.01
    assert NAMES[controller.trip] == "generator"


@pytest.mark.parametrize("phase_ms", range(0, 1000, 130))
def test_a_dac_that_loses_its_programs_in_the_beam_has_them_back_or_the_beam_ends(phase_ms: int):
    world, controller, unit = beam_world(phase_ms)
    plant, settings = world.plant, controller.settings
    unit.rack.dac.power_cycle()
    world.run(plant.now_ms + 20)
    assert plant.kv_program_raw == plant.filament_program_raw == 0
    for _ in range(800):
        world.run(plant.now_ms + 10)
        assert plant.ma < settings.trip_ma and plant.kv < settings.trip_kv
    if controller.condition == TRIPPED:
        assert NAMES[controller.trip] in ("no-voltage", "over-power")
        assert not unit.enabled
    else:
        assert abs(world.inputs.ma_monitor_raw / controller.emission.target_raw - 1.0) < 0.02


def test_a_data_line_that_a_chip_holds_is_named_cleared_and_the_programs_go_to_0():
    world, controller, unit = beam_world(0)
    unit.i2c.stuck = True
    until_trip(world, controller, 200)
    world.run(world.plant.now_ms + 4000)
    assert unit.freed > 0
    silent = "I2C bus, voltage ADC, current ADC, DAC, room"
    assert unit.hardware.health() == {"silent": silent, "dac_eeprom": "zero"}
    unit.i2c.held = True
    world.run(world.plant.now_ms + 3000)
    assert unit.hardware.health() == {"silent": "", "dac_eeprom": "zero"}
    plant = world.plant
    assert (plant.grid_program_raw, plant.kv_program_raw, plant.filament_program_raw) == (0, 0, 0)


def test_what_the_dac_held_in_the_beam_is_gone_as_soon_as_the_bus_is_back():
    world, controller, unit = beam_world(0)
    unit.i2c.stuck = True
    until_trip(world, controller, 200)
    world.run(world.plant.now_ms + 2000)
    assert world.plant.grid_program_raw > 0
    unit.i2c.stuck = False
    world.run(world.plant.now_ms + 50)
    plant = world.plant
    assert (plant.grid_program_raw, plant.kv_program_raw, plant.filament_program_raw) == (0, 0, 0)


def ramp(hours: float, chips: bool) -> Outcome:
    """The main job's ramp, its first hours."""
    build = twin.runs.run.build_world

    def with_chips(job: Job) -> World:
        world = build(job)
        if chips:
            world.board = ChipUnit(world.plant)
        return world

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twin.runs.job, "PRE_ROLL_MS", 300_000)
        patch.setattr(twin.runs.run, "build_world", with_chips)
        return simulate(job(load_scenario("ramp").with_hours(hours)))


@pytest.mark.slow
def test_the_ramp_holds_as_well_through_the_chips(request: pytest.FixtureRequest):
    """All of it, with `--ramp-minutes 330`: 0.01454 % rms through the chips, 0.01453 % without."""
    minutes = request.config.getoption("--ramp-minutes")
    ours, theirs = ramp(minutes / 60, True), ramp(minutes / 60, False)
    rms, other = ours.frames.true.rms_percent, theirs.frames.true.rms_percent
    print(f"{minutes} minutes: {rms:.5f} % rms through the chips, {other:.5f} % without")
    assert ours.passed
    assert ours.frames.true.count == minutes
    assert abs(rms - other) < 0.001
    assert abs(ours.frames.true.mean / theirs.frames.true.mean - 1.0) < 20e-6
