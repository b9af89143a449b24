"""A line that flips, cuts, loses, doubles, swaps and adds: it changes no result, and nothing hangs.

.venv/bin/pytest tests/hil/link/test_link_soak.py --soak-frames 1000000
"""

from collections import deque
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firmware.link.frame as frame
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from hil.link.link import Link, LinkError, Patience, Peer
from hil.link.shadow import Shadow
from hil.link.transports import Process
from hil.micropython.processes import command_of
from tests.kit.hosts import quick_settings, warm_world
from tests.kit.noisy_line import DAMAGE, NoisyLine
from tests.kit.soak import soak

MEMORY_KB = 512  # a page of the allocator's; a frame kept a time would be thousands


@pytest.mark.slow
@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_no_wrong_value_is_accepted_nothing_hangs_and_memory_is_flat(interpreter, pytestconfig):
    frames = pytestconfig.getoption("soak_frames")
    found = soak(frames, 3, interpreter, rate=0.02)
    print(f"\n{found}")
    assert found.wrong == []
    assert found.frames == frames
    assert set(found.damage) == {*DAMAGE, "silence"}
    assert found.counts["corrupt"] > 0 and found.counts["corrupt_there"] > 0
    assert found.counts["resent"] > 0 and found.counts["late"] > 0
    assert max(found.grown_kb) < MEMORY_KB


class Trusting(int):
    """A check sum that is equal to any other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def test_without_the_check_sum_wrong_values_are_found(monkeypatch):
    """The control: the soak sees what it is there to see."""
    crc32 = frame.crc32
    monkeypatch.setattr(frame, "crc32", lambda data: Trusting(crc32(data)))
    assert soak(20_000, rate=0.05).wrong


def test_a_start_over_a_noisy_line_loses_no_setting_and_the_run_is_the_same_to_the_count():
    given_settings = quick_settings(ma=0.9)
    world = warm_world(given_settings)
    line = NoisyLine(Process(command_of("micropython")), seed=4, rate=0.1)
    begin_ms = world.plant.now_ms
    with Link(line, given_settings, world.outputs, resend_s=0.005) as link:
        shadow = world.controller = Shadow(world.controller, link, peer_drives=True)
        world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
        world.run(begin_ms + 7000)
        assert (shadow.first, shadow.ticks) == (None, 700)
        counts = link.ask_counts()
    assert counts.firmware["ticks"] == 700
    assert counts.resent > 20
    assert not counts.clean


class Deaf:
    """A transport that says what it is given to say, whatever it hears."""

    def __init__(self, chunks: list[bytes]):
        self.chunks = deque(chunks)

    def write(self, data: Any) -> None: ...
    def wait(self) -> None: ...
    def close(self) -> None: ...
    def description(self) -> str:
        return ""

    def read(self, timeout_s: float) -> bytes:
        return self.chunks.popleft() if self.chunks else b""


SIGN = bytes(frame.pack(frame.SAFE, 0, 0, frame.pack_outputs(Outputs())))


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_arbitrary_bytes_are_never_taken_for_a_firmware(chunks):
    with pytest.raises(LinkError, match="no answer"):
        Link(Deaf([*chunks, SIGN]), Settings(), timeout_s=0.01)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_a_stream_of_answers_to_other_frames_is_never_an_answer(rng: Random, count: int):
    """Good frames, each of them of the wrong kind, number or time."""
    chunks = [SIGN]
    for _ in range(count):
        number = rng.choice((0, 2, 0x7FFF, 0xFFFF))
        kind = rng.choice((frame.DONE, frame.OUTPUTS_HELD, frame.TOLD, frame.ITEM))
        chunks.append(bytes(frame.pack(kind, number, rng.choice((0, 10)), b"")))
    chunks.append(bytes(frame.pack(frame.DONE, 1, 10, b"")))  # its number, at another time
    chunks.append(bytes(frame.pack(frame.SETTING, 1, 0, b"")))  # an echo of what was asked
    with pytest.raises(LinkError, match="no answer"):
        Link(Deaf(chunks), Settings(), timeout_s=0.01)


class Recorded(Deaf):
    """As Deaf, but what it says next is said when something is asked."""

    def __init__(self, answers: list[bytes]):
        super().__init__([SIGN])
        self.answers = deque(answers)

    def write(self, data: Any) -> None:
        if len(data) > 1 and self.answers:  # a single 0 asks for nothing
            self.chunks.append(self.answers.popleft())


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 26), st.integers(0, 255)), max_size=4))
def test_a_recorded_session_with_bytes_changed_gives_the_same_outputs_or_none(changes):
    outputs = Outputs()
    settled = len(Settings().values())
    answers = [bytes(frame.pack(frame.DONE, 1 + at, 0, b"")) for at in range(settled)]
    held = frame.pack_outputs(outputs)
    answers.append(bytes(frame.pack(frame.OUTPUTS_HELD, settled + 1, 0, held)))
    outputs.load((1, 1, 100, 200, 300, 400, 3, 0))
    last = frame.pack(frame.OUTPUTS_HELD, settled + 2, 10, frame.pack_outputs(outputs))
    original = bytes(last)
    for at, change in changes:
        last[at] ^= change
    link = Link(Recorded([*answers, bytes(last)]), Settings(), timeout_s=0.01)
    try:
        got = link.exchange(10, Inputs(), Command(50.0, 0.98)).values()
    except LinkError:
        assert bytes(last) != original
    else:
        assert got == outputs.values()


def test_silence_in_the_middle_of_a_run_spoils_nothing():
    """A host that stalls for longer than 100 ms: the firmware says so, and the run goes on."""

    with Peer(command_of("micropython"), Settings()) as peer:
        inputs, command = Inputs(), Command(50.0, 0.98)
        peer.exchange(0, inputs, command)
        while not peer.counts.safe_said:  # by a firmware that hears nothing
            peer._listen(Patience(10.0, 10.0))
        peer.exchange(10, inputs, command)
        counts = peer.ask_counts()
        assert counts.safe_said == counts.firmware["safe_said"] == 1
        assert counts.firmware["ticks"] == 2
        assert counts.clean
