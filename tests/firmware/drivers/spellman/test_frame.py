"""Frames of Spellman's protocol: the manuals' checksums, and nothing but whole answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers.spellman.frame import (
    ERROR,
    LONGEST_FIELD,
    LONGEST_REQUEST,
    MOST_FIELDS,
    SUCCESS,
    TEXT,
    Receiver,
    checksum,
    pack,
)
from hil.pico.chips.spellman import frame
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython

# "10,4095," and "22," are worked out in Spellman's V6 (118109-001 B, p. 7) and ST (101501-565 C,
# p. 37) manuals. The others are what the published program SpellmanUSB computes.
VECTORS = [
    (10, 4095, b"\x0210,4095,\x75\x03"),
    (22, -1, b"\x0222,\x70\x03"),
    (20, -1, b"\x0220,\x72\x03"),
    (52, -1, b"\x0252,\x6d\x03"),
    (99, 1, b"\x0299,1,\x45\x03"),
]


def packed(command: int, argument: int = -1) -> bytes:
    buffer = bytearray(LONGEST_REQUEST)
    return bytes(buffer[: pack(buffer, command, argument)])


def received(*chunks: bytes) -> list[tuple[int, list[int]]]:
    """(command, fields after it) of every answer in these bytes."""
    receiver = Receiver()
    found = []
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            at = receiver.feed(chunk, at, len(chunk))
            if receiver.whole:
                found.append((receiver.command, receiver.values[1 : receiver.count + 1]))
    return found


@pytest.mark.parametrize(("command", "argument", "wire"), VECTORS)
def test_a_request_is_what_the_manuals_and_the_published_program_make_it(command, argument, wire):
    assert packed(command, argument) == wire


@pytest.mark.parametrize(("command", "argument", "wire"), VECTORS)
def test_the_other_side_makes_the_same_bytes(command, argument, wire):
    assert frame(command, *([argument] if argument >= 0 else [])) == wire


def test_without_the_last_comma_the_sum_would_be_another_and_such_a_frame_is_refused():
    """A published C program leaves it out; the manuals' example decides against that."""
    assert checksum(sum(b"10,4095")) == 0x61
    assert received(b"\x0210,4095,\x61\x03") == []
    assert received(b"\x0210,4095,\x75\x03") == [(10, [4095])]


def test_a_command_has_two_digits():
    assert packed(9, 0)[:4] == b"\x0209,"


@given(command=st.integers(1, 99), argument=st.integers(-1, 9999))
def test_what_is_packed_the_other_side_would_have_written(command, argument):
    fields = [f"{command:02d}"] + ([argument] if argument >= 0 else [])
    assert packed(command, argument) == frame(*fields)


@given(command=st.integers(0, 99), values=st.lists(st.integers(0, 99999), max_size=17))
def test_an_answer_comes_through_in_any_pieces(command, values):
    wire = frame(command, *values)
    assert received(wire) == [(command, values)]
    assert received(*[bytes([byte]) for byte in wire]) == [(command, values)]


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        (frame(10, "$"), [SUCCESS]),
        (frame("09", "!", 3), [ERROR, 3]),
        (frame(26, "uX50"), [TEXT]),
        (frame(10, ""), [TEXT]),
        (frame(10, "$1"), [TEXT]),
        (frame(10, "-1"), [TEXT]),
        (frame(10, "0042"), [42]),  # "42", "042" and "0042" are the same: PMX manual, 1.1
    ],
)
def test_fields_that_are_no_plain_numbers(wire, fields):
    [(_, found)] = received(wire)
    assert found == fields


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\x02\x03",
        b"\x02,\x03",
        b"\x02p\x03",
        b"\x0222,p",
        b"22,p\x03",
        b"\x0222,\x03",
        b"\x0222p\x03",
        frame("ab", 1),
        frame("", 1),
        frame(*range(MOST_FIELDS + 1)),
        frame("9" * (LONGEST_FIELD + 1)),
    ],
)
def test_what_is_no_frame_is_left_out_and_the_next_one_is_found(wire):
    assert received(wire) == []
    assert received(wire, frame(22, 1, 0, 0)) == [(22, [1, 0, 0])]


def test_rejected_frames_are_counted():
    receiver = Receiver()
    wire = b"\x0222,q\x03" + b"\x02" + b"9" * 20
    at = 0
    while at < len(wire):
        at = receiver.feed(wire, at, len(wire))
    assert receiver.rejected == 2


@given(garbage=st.binary(max_size=300), cut=st.integers(0, 300))
def test_no_bytes_are_an_error_and_a_frame_after_them_is_found(garbage, cut):
    """A new start of text drops whatever was begun before it."""
    good = frame(20, 1, 2, 3, 4, 5, 6, 7)
    assert received(garbage[:cut], garbage[cut:], good)[-1] == (20, [1, 2, 3, 4, 5, 6, 7])


@given(values=st.lists(st.integers(0, 4095), min_size=1, max_size=8), data=st.data())
def test_one_changed_byte_never_passes_for_another_answer(values, data):
    """A sum of 7 bits sees every single change but that of bit 6 or 7 alone."""
    wire = bytearray(frame(20, *values))
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] ^= data.draw(st.integers(1, 63))
    assert received(bytes(wire)) in ([], [(20, values)])


ON_BOTH = """
from firmware.drivers.spellman.frame import Receiver, pack
buffer = bytearray(16)
for command, argument in ((10, 4095), (22, -1), (99, 1), (9, 0)):
    print(bytes(buffer[:pack(buffer, command, argument)]))
receiver = Receiver()
wire = b"?\\x03\\x0220,1\\x0220,0042,$,!,abc,,4095,%c\\x03\\x0222,1,0,0,q\\x03\\x0222,p\\x03"
for last in range(64, 128):
    text = wire % last
    at = 0
    while at < len(text):
        at = receiver.feed(text, at, len(text))
        if receiver.whole:
            print(last, receiver.command, receiver.values[1:receiver.count + 1], receiver.rejected)
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_micropython_packs_and_receives_the_same(precision):
    here = printed_here(ON_BOTH)
    assert len(here) == 4 + 64 + 1
    assert printed_on_micropython(precision, ON_BOTH) == here
