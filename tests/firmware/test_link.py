"""The link: the far end's frames are this board's sensors, its clock and its commands."""

import io

import pytest

from firmware.boards.link import Link
from firmware.frame import (
    OUTPUTS_HELD,
    SETTING,
    START,
    STEP,
    Receiver,
    pack,
    pack_outputs,
    pack_setting,
    pack_step,
    unpack_outputs,
)
from firmware.lockstep import serve
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs

HELD = (0, 0, 0, 0, 0, 20_000, 0, 0)
SAFE = Outputs().values()
NOISE = b"MicroPython, not a frame\r\n\0"


def start() -> bytes:
    outputs = Outputs()
    outputs.load(HELD)
    return bytes(pack(START, 0, 0, pack_outputs(outputs)))


def step(sequence: int, now_ms: int, command: Command | None = None) -> bytes:
    payload = pack_step(Inputs(), command or Command(50.0, 0.98))
    return bytes(pack(STEP, sequence, now_ms, payload))


def setting(name: str, value: float) -> bytes:
    return bytes(pack(SETTING, 0, 0, pack_setting(name, value)))


def link_over(*frames: bytes) -> tuple[Link, io.BytesIO]:
    answers = io.BytesIO()
    return Link(io.BytesIO(b"".join(frames)), answers), answers


def answers_in(stream: io.BytesIO) -> list[tuple]:
    """(sequence, now_ms, values of the outputs) of each answer."""
    found = []
    for kind, sequence, now_ms, payload in Receiver().feed(stream.getvalue()):
        outputs = Outputs()
        assert kind == OUTPUTS_HELD
        unpack_outputs(payload, outputs)
        found.append((sequence, now_ms, outputs.values()))
    return found


def test_each_step_gets_one_answer_with_its_own_number_and_time_and_the_end_the_safe_state():
    link, answers = link_over(start(), step(7, 100), step(8, 110), step(9, 120))
    serve(link)
    assert answers_in(answers) == [
        (0, 0, HELD),
        (7, 100, HELD),
        (8, 110, HELD),
        (9, 120, HELD),
        (9, 120, SAFE),
    ]


def test_noise_between_frames_is_passed_over():
    link, answers = link_over(NOISE, start(), NOISE, step(1, 10), NOISE, step(2, 20))
    serve(link)
    assert [number for number, _, _ in answers_in(answers)] == [0, 1, 2, 2]
    assert link.receiver.corrupt == 3


def test_a_frame_cut_off_by_the_end_of_the_line_is_no_tick():
    link, answers = link_over(start(), step(1, 10), step(2, 20)[:-1])
    serve(link)
    assert [values for _, _, values in answers_in(answers)] == [HELD, HELD, SAFE]


def test_settings_and_command_arrive_unrounded():
    command = Command(49.9 + 1e-14, 0.1 + 0.2)
    command.run, command.hold = True, 4
    link, _ = link_over(
        setting("ma", 0.1 + 0.2), setting("preheat_ms", 4321), start(), step(1, 10, command)
    )
    settings, outputs = Settings(), Outputs()
    assert link.prepare(settings, outputs)
    assert (settings.ma, settings.preheat_ms, outputs.values()) == (0.1 + 0.2, 4321, HELD)
    assert link.next_tick() == 10
    link.read(Inputs())
    told = link.command
    assert (told.kv, told.ma, told.run, told.hold) == (49.9 + 1e-14, 0.1 + 0.2, True, 4)


def test_nobody_at_the_other_end_starts_nothing():
    link, answers = link_over()
    serve(link)
    assert answers.getvalue() == b""


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((step(1, 10),), "before the start"),
        ((start(), start()), "where a step was due"),
        ((setting("no_such_thing", 1.0), start()), "unknown setting no_such_thing"),
    ],
)
def test_a_frame_out_of_turn_ends_it_with_the_reason(frames, message):
    link, answers = link_over(*frames)
    with pytest.raises(ValueError, match=message):
        serve(link)
    assert all(values in (HELD, SAFE) for _, _, values in answers_in(answers))


def test_a_silent_other_end_is_the_end():
    patience = iter([True, True, False])
    reader = io.BytesIO(start() + step(1, 10) + step(2, 20))
    answers = io.BytesIO()
    serve(Link(reader, answers, lambda: next(patience)))
    assert answers_in(answers)[-1][2] == SAFE
    assert len(reader.read()) > 0
