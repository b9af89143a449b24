"""The link in real time: the board's own ticks go on, and a line that drops ends the beam.

A plant is left at one moment, with the tube preheating, ramping or in beam, and the firmware goes
on from there; its counts stay as they are for as long as frames come.
"""

from typing import Any

import pytest

import firmware.link.real_time as real_time_module
from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.link import state_items
from firmware.link.frame import (
    COUNTS,
    END,
    ITEM,
    LAST_WORD,
    OUTPUTS_HELD,
    STATE,
    TICKED,
    pack_number,
    pack_start,
)
from firmware.link.frame import START as START_KIND
from firmware.link.real_time import AGES, grow
from firmware.link.serve import serve
from firmware.link.session import Session
from firmware.settings import Settings
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK
from tests.kit.far_end import HELD, Line, ask, begun, start, step
from tests.kit.hosts import quick_settings, warm_world

STATE_AT = [signal[0] for signal in OUTPUTS].index("state")
TRIP_AT = [signal[0] for signal in OUTPUTS].index("trip")
ENERGISING = [
    [signal[0] for signal in OUTPUTS].index(name)
    for name in ("hv_enable", "kv_program_raw", "grid_program_raw", "filament_program_raw")
]
PERIOD_MS = 10
FED = 20  # ticks, before the line drops
SILENCE_MS = 3000
SAFE_WITHIN_MS = 100


class Moment:
    """A unit on its way: what the controller remembers, and what it reads and is told."""

    def __init__(self, world: Any):
        self.condition = world.condition
        self.now_ms = world.plant.now_ms
        self.state = world.controller.state()
        self.inputs = Inputs()
        self.inputs.load(world.inputs.values())
        self.outputs = Outputs()
        self.outputs.load(world.outputs.values())
        self.command = Command(world.command.kv, world.command.ma)
        self.command.run = True

    def frames(self) -> list[bytes]:
        """Everything up to the start; the number of the start is that of the frames."""
        given = list(state_items.items(self.state))
        frames = [ask(ITEM, 1 + at, item) for at, item in enumerate(given)]
        begin = pack_start(True, SILENCE_MS, self.outputs)
        return [*frames, ask(START_KIND, len(frames) + 1, begin, self.now_ms & MASK)]


@pytest.fixture(scope="module")
def moments() -> dict[int, Moment]:
    """The first moment, half a second into each state."""
    world = warm_world(quick_settings())
    world.at(world.plant.now_ms + 4000, lambda: setattr(world.command, "run", True))
    found: dict[int, Moment] = {}
    before, since_ms = OFF, 0
    while BEAM not in found:
        world.run(world.plant.now_ms + PERIOD_MS)
        if world.condition != before:
            before, since_ms = world.condition, world.plant.now_ms
        if world.plant.now_ms == since_ms + 500:
            found[before] = Moment(world)
    return found


def settings_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.link.serve.Settings", quick_settings)


def fed_line(moment: Moment, fed: int = FED) -> tuple[Line, int, int]:
    """A line on which `fed` steps come in time; with it the last number and when that came."""
    frames = moment.frames()
    line = Line((0, b"".join(frames)))
    number = len(frames)
    for tick in range(fed):
        number += 1
        came_ms = 1 + PERIOD_MS * tick - (4 if tick else 0)
        meant_ms = 1 + PERIOD_MS * tick
        line.due.append((came_ms, step(number, meant_ms, moment.command, moment.inputs)))
    return line, number, came_ms


def energised(values: tuple[int, ...]) -> bool:
    return any(values[at] for at in ENERGISING)


def when_safe(line: Line) -> int:
    """The time of the first tick with nothing energised; from there on nothing is."""
    told = [(at_ms, values) for (at_ms, kind, *_), (*_, values) in ticks(line)]
    safe = [at_ms for at_ms, values in told if not energised(values)]
    assert [at_ms for at_ms, values in told if energised(values) and at_ms > safe[0]] == []
    return safe[0]


def ticks(line: Line) -> list[tuple[Any, Any]]:
    said = [one for one in line.said if one[1] == TICKED]
    return list(zip(said, line.told(TICKED), strict=True))


@pytest.mark.parametrize("condition", [PREHEAT, RAMP, BEAM])
def test_a_line_that_drops_ends_every_state_within_100_ms_by_the_firmware_alone(
    moments, condition, monkeypatch
):
    settings_of(monkeypatch)
    line, _, last_ms = fed_line(moments[condition])
    serve(line.session())
    fed = [values for *_, values in line.told(TICKED)[:FED]]
    assert [values[STATE_AT] for values in fed] == [condition] * FED
    assert all(energised(values) for values in fed)
    assert PERIOD_MS < when_safe(line) - last_ms <= SAFE_WITHIN_MS
    *_, values = line.told(TICKED)[-1]
    assert (values[STATE_AT], NAMES[values[TRIP_AT]]) == (TRIPPED, "stale-monitors")
    assert line.told(LAST_WORD)[0][2] == Outputs().values()
    assert line.now_ms <= last_ms + SILENCE_MS + PERIOD_MS


def test_without_ages_that_grow_the_beam_would_stay(moments, monkeypatch):
    """The control of the test before."""
    settings_of(monkeypatch)
    monkeypatch.setattr(real_time_module, "grow", lambda inputs, late_ms: None)
    line, _, _ = fed_line(moments[BEAM])
    serve(line.session())
    assert all(energised(values) for *_, values in line.told(TICKED)[: FED + 10])


@pytest.mark.parametrize("condition", [PREHEAT, RAMP, BEAM])
def test_a_line_that_comes_back_finds_the_trip_and_takes_a_fresh_run_for_a_new_start(
    moments, condition, monkeypatch
):
    settings_of(monkeypatch)
    moment = moments[condition]
    line, number, last_ms = fed_line(moment)
    states = {}
    for tick in range(60):
        at_ms = last_ms + 300 + PERIOD_MS * tick
        told = Command(50.0, 0.98)
        told.run = not 20 <= tick < 40  # still the old one; then none; then a fresh one
        number += 1
        line.due.append((at_ms, step(number, at_ms, told, moment.inputs)))
        states[number] = tick
    serve(line.session())
    seen: dict[int, set[int]] = {}
    for sequence, _, values in line.told(TICKED):
        if sequence in states:
            seen.setdefault(states[sequence] // 20, set()).add(values[STATE_AT])
    assert seen[0] == {TRIPPED}
    assert TRIPPED in seen[1] and seen[1] <= {TRIPPED, OFF}
    assert PREHEAT in seen[2]


@pytest.mark.parametrize("condition", [PREHEAT, RAMP, BEAM])
def test_a_line_on_which_only_old_frames_come_is_a_line_that_has_dropped(
    moments, condition, monkeypatch
):
    """Frames that were held up somewhere, for ever as late; and the same one again and again."""
    settings_of(monkeypatch)
    moment = moments[condition]
    line, number, last_ms = fed_line(moment)
    for tick in range(50):
        came_ms = last_ms + 10 + PERIOD_MS * tick
        number += 1
        line.due.append((came_ms, step(number, came_ms - 80, moment.command, moment.inputs)))
        line.due.append((came_ms + 1, step(number, came_ms - 80, moment.command, moment.inputs)))
    serve(line.session())
    assert when_safe(line) - last_ms <= SAFE_WITHIN_MS


def test_a_sample_from_far_ahead_is_refused_for_it_would_never_grow_old(moments, monkeypatch):
    settings_of(monkeypatch)
    moment = moments[BEAM]
    line, number, last_ms = fed_line(moment)
    for tick in range(50):
        came_ms = last_ms + 10 + PERIOD_MS * tick
        number += 1
        line.due.append((came_ms, step(number, came_ms + 5000, moment.command, moment.inputs)))
    session = line.session()
    serve(session)
    assert when_safe(line) - last_ms <= SAFE_WITHIN_MS
    assert session.counts["out_of_order"] == 50


def real_time(*due: tuple[int, bytes], closed: int | None = None) -> tuple[Line, Session]:
    line = Line((0, start(1, real_time=True)), *due, closed=closed)
    session = line.session()
    serve(session)
    return line, session


def test_the_boards_clock_makes_the_ticks_and_each_tells_its_time_and_its_sample():
    line, session = real_time(
        (3, step(2, 0)), (12, step(3, 13)), (41, step(4, 43)), (50, ask(COUNTS, 5)), closed=60
    )
    assert line.told(OUTPUTS_HELD) == [(1, 0, HELD)]
    assert [(number, now_ms) for number, now_ms, _ in line.told(TICKED)] == [
        (2, 3),
        (3, 13),
        (3, 23),
        (3, 33),
        (4, 43),
        (4, 53),
    ]
    assert line.counts()["unfed"] == 2
    assert session.counts["ticks"] == 6


def test_of_several_steps_the_newest_counts_and_older_ones_are_passed_over():
    line, session = real_time(
        (3, step(2, 0)), (5, step(5, 13)), (6, step(3, 13) + step(4, 13)), (25, ask(END, 6))
    )
    assert [number for number, *_ in line.told(TICKED)] == [2, 5, 5]
    assert (session.counts["lost"], session.counts["out_of_order"]) == (2, 2)


def test_the_session_ends_at_the_word_end_between_two_ticks():
    line, _ = real_time((3, step(2, 0)), (27, ask(END, 3)))
    assert [now_ms for _, now_ms, _ in line.told(TICKED)] == [3, 13, 23]
    assert line.told(LAST_WORD)[0] == (3, 0, Outputs().values())


def test_the_state_can_be_asked_for_while_the_ticks_go_on():
    asked = [(20 + at, ask(STATE, 3 + at, pack_number(at))) for at in range(5)]
    line, _ = real_time((3, step(2, 0)), *asked, closed=100)
    items = [payload for _, kind, _, _, payload in line.said if kind == ITEM]
    assert len(items) == 5
    assert [now_ms for _, now_ms, _ in line.told(TICKED)] == list(range(3, 100, 10))


def test_a_flood_of_garbage_holds_up_no_tick():
    garbage = [(at_ms, bytes([1 + at_ms % 255] * 200)) for at_ms in range(4, 400)]
    line, session = real_time((3, step(2, 0)), *garbage, closed=400)
    assert [now_ms for _, now_ms, _ in line.told(TICKED)] == list(range(3, 400, 10))
    assert session.counts["late"] == 0


def test_a_line_that_is_full_holds_up_no_tick():
    line = Line((0, start(1, real_time=True)), (3, step(2, 0)), closed=100)
    line.full = True
    session = line.session()
    serve(session)
    assert line.said == []
    assert session.counts["ticks"] == 10


def test_the_ages_that_grow_are_those_of_the_table():
    assert set(AGES) == {signal[0] for signal in INPUTS if signal[1] == "ms"}


def test_ages_grow_to_their_end_and_no_further():
    inputs: Any = Inputs()
    inputs.adc_age_ms, inputs.room_age_ms = 5, 65_530
    grow(inputs, 20)
    assert (inputs.adc_age_ms, inputs.head_age_ms, inputs.room_age_ms) == (25, 20, 65_535)
    grow(inputs, -20)
    assert (inputs.adc_age_ms, inputs.head_age_ms, inputs.room_age_ms) == (25, 20, 65_535)


def test_a_state_of_another_clock_is_put_on_this_one():
    """The first tick is as long as it would have been without the change of clocks."""
    line = Line((0, ask(START_KIND, 1, pack_start(True, SILENCE_MS, Outputs()), 1_000_010)))
    line.now_ms = 500
    session, there = line.session(), Controller(Settings())
    there.last_ms, there.trip_ms = 1_000_000, 999_000
    begun(session, there)
    assert (there.last_ms, there.trip_ms) == (490, (500 - 1010) & MASK)
