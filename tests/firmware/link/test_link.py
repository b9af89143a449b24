"""The link in lockstep: the far end's frames are this board's sensors, its clock and its commands.

Every request is done once and answered as often as it comes; nothing that the line does to the
frames makes a tick, or waits for ever.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firmware
from firmware.controller import Controller
from firmware.link import state_items
from firmware.link.frame import (
    COUNTS,
    DONE,
    END,
    IDENTIFY,
    IDENTITY,
    ITEM,
    LAST_WORD,
    OUTPUTS_HELD,
    REFUSED,
    SAFE,
    START,
    STATE,
    TOLD,
    Receiver,
    pack_number,
    pack_start,
)
from firmware.link.serve import ByFrame, serve
from firmware.link.session import SAFE_MS
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from tests.kit.far_end import HELD, SILENCE_MS, Line, ask, begun, setting, start, step

NOTHING = Outputs().values()
NOISE = b"MicroPython, not a frame\r\n\0"


def served(*frames: bytes, closed: bool = True) -> Line:
    """A line on which these frames came, all at once, and then the end."""
    line = Line((0, b"".join(frames)), closed=1 if closed else None)
    serve(line.session())
    return line


def test_each_step_gets_one_answer_with_its_number_and_time_and_the_end_the_safe_state():
    line = served(start(1), step(2, 100), step(3, 110), step(4, 120))
    assert line.told(OUTPUTS_HELD) == [
        (1, 0, HELD),
        (2, 100, HELD),
        (3, 110, HELD),
        (4, 120, HELD),
    ]
    assert line.told(LAST_WORD) == [(4, 120, NOTHING)] * 3
    assert line.said[0][1:3] == (SAFE, 0)  # the sign that somebody is there


def test_a_step_that_comes_again_is_answered_again_and_is_no_tick():
    twice = step(2, 100)
    line = served(start(1), start(1), twice, twice, twice, step(3, 110), ask(COUNTS, 4))
    assert [number for number, _, _ in line.told(OUTPUTS_HELD)] == [1, 1, 2, 2, 2, 3]
    counts = line.counts()
    assert (counts["ticks"], counts["repeated"]) == (2, 3)


@pytest.mark.parametrize("other", [0, 1, 4, 100, 0x8000, 0xFFFF])
def test_any_other_number_is_counted_and_passed_over(other):
    line = served(start(1), step(2, 100), step(other, 110), step(3, 110), ask(COUNTS, 4))
    assert [number for number, _, _ in line.told(OUTPUTS_HELD)] == [1, 2, 3]
    counts = line.counts()
    assert (counts["ticks"], counts["out_of_order"]) == (2, 1)


def test_the_numbers_wrap():
    line = Line((0, start(1)))
    session = line.session()
    _, clock = begun(session, Controller(Settings()))
    for number in range(2, 0x10005):
        line.due.append((0, step(number & 0xFFFF, number)))
        assert clock.next_tick() == number
    assert session.counts["out_of_order"] == 0


def test_what_was_damaged_stays_counted_when_the_numbers_wrap():
    line = Line((0, start(0xFFFD)))
    session = line.session()
    session.sequence = 0xFFFC
    _, clock = begun(session, Controller(Settings()))
    line.due.append((0, NOISE + NOISE))
    for number in (0xFFFE, 0xFFFF, 0, 1, 2):
        line.due.append((0, step(number, number)))
        assert clock.next_tick() == number
    assert session.line.receiver.corrupt == 2


def test_noise_between_frames_is_passed_over_and_counted():
    line = Line((0, NOISE + start(1)), closed=9)
    line.due.append((1, NOISE + step(2, 10) + NOISE + step(3, 20) + ask(COUNTS, 4)))
    serve(line.session())
    assert [number for number, _, _ in line.told(OUTPUTS_HELD)] == [1, 2, 3]
    assert line.counts()["corrupt"] == 2  # what came before the first frame was nobody's


def test_a_line_that_echoes_is_neither_obeyed_nor_counted_as_a_sign_of_life():
    line = Line((0, start(1)))
    session = line.session()

    def echo() -> None:
        _, kind, sequence, now_ms, payload = line.said[-1]
        line.due.append((line.now_ms + 1, ask(kind, sequence, payload, now_ms)))

    line.on_answer = echo
    serve(session)
    assert line.now_ms <= SILENCE_MS + SAFE_MS
    assert session.counts["ticks"] == 0
    assert session.counts["out_of_order"] > 0


def test_a_frame_cut_off_by_the_end_of_the_line_is_no_tick():
    line = served(start(1), step(2, 10), step(3, 20)[:-1])
    assert [number for number, _, _ in line.told(OUTPUTS_HELD)] == [1, 2]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_whatever_comes_the_firmware_neither_ticks_nor_hangs_nor_energises_anything(pieces):
    line = Line((0, start(1)), *[(10 * at, piece) for at, piece in enumerate(pieces)])
    session = line.session()
    serve(session)
    assert line.now_ms <= 10 * len(pieces) + SILENCE_MS + 2 * SAFE_MS
    assert session.counts["ticks"] == 0
    assert {values for *_, values in line.told(OUTPUTS_HELD, SAFE, LAST_WORD)} <= {HELD, NOTHING}


def test_settings_and_command_arrive_unrounded():
    command = Command(49.9 + 1e-14, 0.1 + 0.2)
    command.run, command.hold = True, 4
    line = Line(
        (0, setting(1, "ma", 0.1 + 0.2) + setting(2, "preheat_ms", 4321) + start(3)),
        (0, step(4, 10, command)),
    )
    settings = Settings()
    board, clock = begun(line.session(), Controller(Settings()), settings)
    assert (settings.ma, settings.preheat_ms) == (0.1 + 0.2, 4321)
    assert line.told(OUTPUTS_HELD) == [(3, 0, HELD)]
    assert clock.next_tick() == 10
    board.read(Inputs())
    told = board.command
    assert (told.kv, told.ma, told.run, told.hold) == (49.9 + 1e-14, 0.1 + 0.2, True, 4)


def test_each_setting_is_acknowledged_so_that_none_is_lost_without_a_word():
    line = served(setting(1, "ma", 0.5), setting(3, "kv", 40.0), setting(2, "kv", 45.0), start(3))
    assert [(kind, number) for _, kind, number, _, _ in line.said if kind == DONE] == [
        (DONE, 1),
        (DONE, 2),
    ]


def test_a_state_goes_there_and_comes_back():
    state = Controller(Settings()).state()
    state["in_condition_ms"] = 12345
    state["thermal"]["integral_w"] = 0.1 + 0.2
    given = list(state_items.items(state))
    frames = [ask(ITEM, 1 + at, item) for at, item in enumerate(given)]
    frames.append(start(len(frames) + 1))
    first = len(frames) + 1
    frames += [ask(STATE, first + at, pack_number(at)) for at in range(len(given) + 1)]
    line = served(*frames)
    told = [payload for _, kind, _, _, payload in line.said if kind == ITEM]
    assert sorted(told) == sorted(given)
    assert line.said[-4][1:3] == (DONE, first + len(given))  # and no more, before the last word


def test_nobody_at_the_other_end_starts_nothing():
    line = Line()
    serve(line.session(1000))
    assert {kind for _, kind, *_ in line.said} == {SAFE}
    assert line.now_ms == 1000
    assert [at_ms for at_ms, *_ in line.said] == list(range(0, 1000, SAFE_MS))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((step(1, 10),), "before the start"),
        ((start(1), start(2)), "where a step was due"),
        ((setting(1, "no_such_thing", 1.0), start(2)), "unknown setting no_such_thing"),
        ((ask(ITEM, 1, b"\x03\x01a"), start(2)), "no value"),
        ((ask(ITEM, 1, b"\x01\x01a"), start(2)), "condition"),
    ],
)
def test_a_frame_out_of_turn_ends_it_with_the_reason(frames, message):
    line = Line((0, b"".join(frames)), closed=1)
    with pytest.raises((ValueError, KeyError), match=message):
        serve(line.session())
    assert {values for *_, values in line.told(OUTPUTS_HELD, LAST_WORD)} <= {HELD, NOTHING}
    refused = [payload.decode() for _, kind, *_, payload in line.said if kind == REFUSED]
    if "due" not in message:
        assert message in refused[0]


def test_a_host_that_stalls_hears_the_safe_state_after_100_ms_once_and_may_go_on():
    line = Line((0, start(1)), (0, step(2, 10)), (4000, step(3, 20)), (4000, ask(COUNTS, 4)))
    serve(line.session())
    safe = [at_ms for at_ms, kind, *_ in line.said if kind == SAFE]
    assert safe[:2] == [0, SAFE_MS]  # the sign at the beginning; the silence after the step
    assert [number for number, _, _ in line.told(OUTPUTS_HELD)] == [1, 2, 3]
    assert line.counts()["safe_said"] == 1


def test_a_silent_other_end_is_the_end_after_the_time_that_start_allowed():
    line = Line((0, start(1, silence_ms=700)), (0, step(2, 10)), (2000, step(3, 20)))
    serve(line.session())
    assert line.told(LAST_WORD) == [(2, 10, NOTHING)] * 3
    assert line.now_ms == 700


@pytest.mark.parametrize("silence_ms", [60_001, 1 << 29, 0xFFFFFFFF])
def test_no_start_allows_a_silence_without_end(silence_ms):
    """The clock wraps: half its period is never over."""
    line = Line((0, start(1, silence_ms=silence_ms)))
    serve(line.session())
    assert line.now_ms == 60_000


def test_the_word_end_is_the_end_at_once():
    line = served(start(1), step(2, 10), ask(END, 3), step(4, 20), closed=False)
    assert line.told(LAST_WORD) == [(3, 0, NOTHING)] * 3
    assert line.now_ms == 0


def test_a_line_that_is_full_is_not_waited_for():
    line = Line((0, start(1)), (0, step(2, 10)), (10, step(2, 10)), (20, ask(COUNTS, 3)))
    line.full = True
    session = line.session()
    serve(session)
    assert line.said == []
    assert session.line.unsaid > 3


def test_counts_may_be_asked_for_before_the_start():
    line = served(ask(COUNTS, 1), start(2))
    assert [kind for _, kind, *_ in line.said if kind == TOLD] == [TOLD]


@pytest.mark.parametrize("frames", [(ask(IDENTIFY, 1), start(2)), (start(1), ask(IDENTIFY, 2))])
def test_the_firmware_answers_its_version_and_its_build_before_the_start_and_after_it(frames):
    answers = [payload for _, kind, *_, payload in served(*frames).said if kind == IDENTITY]
    assert answers == [f"{firmware.__version__} 1a2b3c4d".encode()]


def test_a_host_with_another_table_of_signals_is_refused_with_both_checksums():
    wrong = bytearray(pack_start(False, SILENCE_MS, Outputs()))
    wrong[5] ^= 1
    line = Line((0, ask(START, 1, bytes(wrong))), closed=1)
    with pytest.raises(ValueError, match=r"another table of signals: checksum [0-9a-f]{8}, here"):
        serve(line.session())
    assert line.told(OUTPUTS_HELD) == []
    assert "flash the firmware of this host" in line.said[-1][4].decode()


class Waiting:
    """A stream whose read waits for all that was asked for, as that of a board does.

    As a guard it puts zeros in the place of what does not come.
    """

    def __init__(self, data: bytes):
        self.data = data
        self.guarded = False
        self.reads = 0

    def is_ready(self, wait_ms: int) -> bool:
        return bool(self.data)

    def begin(self) -> None:
        assert self.data, "a wait for the first byte"
        self.guarded = True

    def end(self) -> None:
        self.guarded = False

    def readinto(self, buffer: Any) -> int:
        assert len(buffer) <= len(self.data) or self.guarded, "would wait"
        self.reads += 1
        got, self.data = self.data[: len(buffer)], self.data[len(buffer) :]
        buffer[:] = got + bytes(len(buffer) - len(got))
        return len(buffer)


def test_a_stream_that_waits_is_asked_for_what_has_come_alone():
    stream = Waiting(b"abc\0de")
    reader = ByFrame(stream, stream.is_ready)
    assert [reader.read(256), reader.read(256)] == [b"abc\0", b"de"]
    stream.data = bytes([1] * 100)
    assert reader.read(4) == bytes([1] * 4)
    assert len(reader.read(256)) == 68  # a flood keeps no tick waiting for long


class Broken(Waiting):
    def readinto(self, buffer: Any) -> int:
        if self.guarded:
            raise OSError(5)
        return super().readinto(buffer)


def test_no_guard_stays_behind_when_a_read_fails():
    stream = Broken(b"\0" + step(7, 10))
    reader = ByFrame(stream, stream.is_ready, stream)
    reader.read(256)
    with pytest.raises(OSError):
        reader.read(256)
    assert not stream.guarded


def test_with_a_guard_a_step_takes_three_reads():
    whole = step(7, 10) + step(8, 20)
    stream = Waiting(b"\0" + whole)
    reader = ByFrame(stream, stream.is_ready, stream)
    assert reader.read(256) == b"\0"
    stream.reads = 0
    assert reader.read(256) + reader.read(256) == whole
    assert stream.reads == 4


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.builds(step, st.integers(1, 300), st.integers(0, 1 << 30)),
            st.builds(lambda number, end: step(number, 10)[:end], st.just(9), st.integers(0, 80)),
        ),
        max_size=10,
    )
)
def test_with_a_guard_nothing_waits_whatever_comes_and_no_good_frame_is_lost(pieces):
    stream = Waiting(b"\0".join(pieces) + b"\0")
    reader, receiver, got = ByFrame(stream, stream.is_ready, stream), Receiver(), []
    expected = Receiver().feed(stream.data)
    while stream.data:
        got += receiver.feed(reader.read(256))
    assert got == expected
    last = step(0xFFFF, 1)
    stream.data = b"\0" + last
    while stream.data:
        got += receiver.feed(reader.read(256))
    assert got[-1][1] == 0xFFFF
