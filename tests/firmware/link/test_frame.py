"""The frame: what goes in comes out, and nothing else ever does, whatever happens on the way."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.link.frame import (
    COUNTED,
    LONGEST,
    LONGEST_PAYLOAD,
    OUTPUTS_HELD,
    SHORTEST,
    STEP,
    Receiver,
    pack,
    pack_counts,
    pack_number,
    pack_outputs,
    pack_setting,
    pack_start,
    pack_step,
    pack_ticked,
    unpack,
    unpack_counts,
    unpack_number,
    unpack_outputs,
    unpack_setting,
    unpack_start,
    unpack_step,
    unpack_ticked,
)
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import Command, Inputs, Outputs
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython


def raw_values(signals: tuple) -> st.SearchStrategy[tuple]:
    return st.tuples(*[st.integers(low, high) for _, _, low, high, *_ in signals])


FRAMES = st.tuples(
    st.integers(1, 255),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=LONGEST_PAYLOAD),
)


def cut(wire: bytes, places: list[int]) -> Iterator[bytes]:
    """The bytes in pieces, cut at these places."""
    bounds = [0, *sorted(place % (len(wire) + 1) for place in places), len(wire)]
    for begin, end in pairwise(bounds):
        yield wire[begin:end]


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 2000), max_size=20))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(frames, places):
    wire = b"".join(bytes(pack(*frame)) for frame in frames)
    receiver = Receiver()
    received = [frame for piece in cut(wire, places) for frame in receiver.feed(piece)]
    assert received == frames
    assert receiver.corrupt == 0


@given(FRAMES)
def test_the_only_zero_on_the_wire_is_the_one_that_ends_the_frame(frame):
    wire = pack(*frame)
    assert wire.index(0) == len(wire) - 1
    assert len(wire) == SHORTEST + len(frame[3]) + 2


@given(raw_values(INPUTS), st.booleans(), st.integers(0, 7), st.floats(0, 60), st.floats(0, 2))
def test_a_step_survives_with_every_count_and_the_exact_command(values, run, hold, kv, ma):
    inputs, command = Inputs(), Command(kv, ma)
    inputs.load(values)
    command.run, command.hold = run, hold
    filled, told = Inputs(), Command(0.0, 0.0)
    unpack_step(pack_step(inputs, command), filled, told)
    assert filled.values() == values
    assert (told.run, told.hold, told.kv, told.ma) == (run, hold, kv, ma)


@given(raw_values(OUTPUTS))
def test_outputs_survive(values):
    outputs, filled = Outputs(), Outputs()
    outputs.load(values)
    unpack_outputs(pack_outputs(outputs), filled)
    assert filled.values() == values


@given(raw_values(OUTPUTS), st.booleans(), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF))
def test_a_start_and_a_tick_survive(values, real_time, silence_ms, tick):
    outputs, filled = Outputs(), Outputs()
    outputs.load(values)
    assert unpack_start(pack_start(real_time, silence_ms, outputs), filled) == (
        real_time,
        silence_ms,
    )
    assert filled.values() == values
    filled.load(Outputs().values())
    assert unpack_ticked(pack_ticked(tick + 0x10000, 0x10007, outputs), filled) == (tick, 7)
    assert filled.values() == values
    assert unpack_number(pack_number(tick)) == tick


def test_counts_are_sent_by_name_and_limited_to_their_largest_value():
    counts = unpack_counts(pack_counts([0xFFFFFFFF + 5, *range(1, len(COUNTED))]))
    assert list(counts) == list(COUNTED)
    assert list(counts.values()) == [0xFFFFFFFF, *range(1, len(COUNTED))]


@given(st.text(min_size=1, max_size=40), st.floats() | st.integers(-(2**63), 2**63 - 1))
def test_a_setting_survives_with_its_type_and_its_last_bit(name, value):
    got_name, got = unpack_setting(pack_setting(name, value))
    assert (got_name, type(got), repr(got)) == (name, type(value), repr(value))


def received_after(damaged: bytes) -> list:
    return Receiver().feed(damaged)


@given(FRAMES, st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(frame, data):
    wire = bytearray(pack(*frame))
    bit = data.draw(st.integers(0, 8 * len(wire) - 1))
    wire[bit // 8] ^= 1 << bit % 8
    assert received_after(bytes(wire)) == []


@given(FRAMES, st.data())
def test_a_frame_that_lost_bytes_is_never_taken_for_one(frame, data):
    wire = bytes(pack(*frame))
    begin = data.draw(st.integers(0, len(wire) - 2))
    end = data.draw(st.integers(begin + 1, len(wire) - 1))
    assert received_after(wire[:begin] + wire[end:]) == []
    assert received_after(wire[:begin]) == []


@given(FRAMES, st.binary(min_size=1, max_size=8), st.data())
def test_a_frame_with_bytes_put_in_is_the_same_one_or_none(frame, stray, data):
    wire = bytes(pack(*frame))
    at = data.draw(st.integers(0, len(wire)))
    assert received_after(wire[:at] + stray + wire[at:]) in ([], [frame])


@given(st.lists(st.binary(max_size=2000), max_size=10), FRAMES)
def test_garbage_raises_nothing_fills_nothing_and_hides_nothing_behind_its_end(pieces, frame):
    receiver = Receiver()
    for piece in pieces:
        receiver.feed(piece)
        assert len(receiver._pending) <= LONGEST + 2
    receiver.feed(b"\0")
    assert receiver.feed(bytes(pack(*frame))) == [frame]


def test_damaged_frames_are_counted_and_passed_over():
    good = bytes(pack(STEP, 1, 10, b"abc"))
    receiver = Receiver()
    assert receiver.feed(b"noise\0" + good[:-2] + b"\0" + good + b"\0\0" + bytes([1] * 999)) == [
        (STEP, 1, 10, b"abc")
    ]
    assert receiver.corrupt == 2
    receiver.feed(b"\0")
    assert receiver.corrupt == 3


def test_the_format_on_the_wire_is_this_one():
    outputs = Outputs()
    outputs.load((1, 1, 3413, 3072, 2090, 11140, 3, 0))
    wire = pack(OUTPUTS_HELD, 0x0102, 0x3FFFFFF6, pack_outputs(outputs))
    # code, version, kind, length, sequence, now_ms, enable, lamp, kV, grid, filament, fan, state
    assert wire.hex(" ") == (
        "0e 02 04 19 02 01 f6 ff ff 3f 01 01 55 0d 07 0c 2a 08 84 2b 03 05 cf c2 36 af 00"
    )


def test_a_value_that_does_not_fit_its_bytes_is_named_and_not_sent():
    outputs = Outputs()
    outputs.load((0, 0, 0, 0, 0, 65536, 0, 0))
    with pytest.raises(ValueError, match="fan_program_raw = 65536"):
        pack_outputs(outputs)


def test_a_payload_of_another_length_is_refused():
    with pytest.raises(ValueError, match="not 12"):
        unpack_outputs(bytes(13), Outputs())
    with pytest.raises(ValueError, match="not 12"):
        unpack_start(pack_start(True, 1, Outputs()) + b"0", Outputs())
    with pytest.raises(ValueError, match="not 12"):
        unpack_ticked(b"", Outputs())
    with pytest.raises(ValueError, match="not 2"):
        unpack_number(b"123")
    with pytest.raises(ValueError, match="not 44"):
        unpack_counts(bytes(40))
    with pytest.raises(ValueError, match="without a name"):
        unpack_setting(bytes(9))
    with pytest.raises(ValueError, match="too long"):
        pack(STEP, 0, 0, bytes(LONGEST_PAYLOAD + 1))


def test_a_frame_of_another_version_is_not_understood():
    raw = bytearray(pack(STEP, 1, 10, b"abc"))
    raw[1] += 1
    assert unpack(bytes(raw[:-1])) is None


BOTH_ENDS = """
from firmware.link.frame import *
from firmware.signal_table import INPUTS
from firmware.signals import Inputs, Outputs, Command
import binascii
say = lambda data: print(binascii.hexlify(data).decode())
inputs, command = Inputs(), Command(50.0, 0.75)
command.run, command.hold = True, 5
state = 12345
receiver = Receiver()
for n in range(200):
    values = []
    for name, unit, low, high, code, meaning, age in INPUTS:
        state = (state * 75 + 74) % 65537
        values.append(low + state * 8191 % (high - low + 1))
    inputs.load(values)
    wire = pack(STEP, n * 331, n << 24, pack_step(inputs, command))
    say(wire)
    if n % 3 == 0:
        wire[state % len(wire)] ^= 1 << state % 8
    if n % 5 == 0:
        wire = wire[:state % len(wire)]
    for at in range(0, len(wire), 11):
        for kind, sequence, now_ms, payload in receiver.feed(bytes(wire[at:at + 11])):
            unpack_step(payload, inputs, command)
            print(kind, sequence, now_ms, inputs.values(), command.run, command.hold)
            print(command.kv, command.ma)
print(receiver.corrupt, unpack_setting(pack_setting("fan_exponent", 0.8125)))
print(unpack_setting(pack_setting("preheat_ms", -4000)))
outputs = Outputs()
outputs.load((1, 1, 3413, 3072, 2090, 11140, 3, 0))
say(pack_start(True, 60000, outputs))
print(unpack_start(pack_start(True, 60000, outputs), outputs), outputs.values())
print(unpack_ticked(pack_ticked(65537, 65538, outputs), outputs), unpack_number(pack_number(65535)))
counts = unpack_counts(pack_counts([n << 28 for n in range(len(COUNTED))]))
print([counts[name] for name in COUNTED])
try:
    inputs.switches = 256
    pack_step(inputs, command)
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_micropython_makes_the_same_frames_and_finds_the_same_ones(precision):
    there = printed_on_micropython(precision, BOTH_ENDS)
    assert there == printed_here(BOTH_ENDS)
    assert len(there) > 300
