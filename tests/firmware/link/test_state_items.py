"""A state goes in items and comes back the same, down to the last bit; anything else is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.controller import BEAM
from firmware.link.frame import LONGEST_PAYLOAD
from firmware.link.state_items import items, put
from tests.kit.hosts import quick_settings, warm_world
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython

NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=9)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=20,
)


def back(state: dict) -> dict:
    together: dict = {}
    for item in items(state):
        put(together, item)
    return together


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_a_state_comes_back_with_its_types_and_its_last_bits(state):
    assert repr(back(state)) == repr(state)  # so that nan, -0.0 and True are told apart


def test_that_of_a_controller_with_beam_comes_back_in_items_that_fit_a_frame():
    world = warm_world(quick_settings())
    world.at(world.plant.now_ms + 1000, lambda: setattr(world.command, "run", True))
    world.run(world.plant.now_ms + 9000)
    assert world.condition == BEAM
    state = world.controller.state()
    assert repr(back(state)) == repr(state)
    assert max(map(len, items(state))) < LONGEST_PAYLOAD
    assert len(list(items(state))) > 50


def test_what_is_no_plain_value_is_refused():
    with pytest.raises(ValueError, match="set"):
        list(items({"a": {1, 2}}))


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_garbage_is_refused_or_is_an_item_and_never_anything_else(pieces):
    state: dict = {}
    for piece in pieces:
        with suppress(ValueError):
            put(state, piece)
    assert repr(back(state)) == repr(state)


@pytest.mark.parametrize(
    "item",
    [
        b"",
        b"\x03",
        b"\x03\x01a123",
        b"\x09\x01a12345678",
        b"\x03\x03a\0b12345678",
        b"\x07\x01a" + (10**9).to_bytes(8, "little"),
    ],
)
def test_an_item_that_belongs_nowhere_is_a_value_error(item: bytes):
    with pytest.raises(ValueError):
        put({"z": 1}, item)


AWAY = """
import binascii
from firmware.link.state_items import items, put
state = {"a": None, "b": True, "c": -5, "d": 0.5, "e": "text"}
state["f"] = {"g": [1.25, {"h": 7}], "i": {}}
together = {}
for item in sorted(items(state), key=lambda item: item[2:2 + item[1]]):
    print(binascii.hexlify(item).decode())
for item in items(state):
    put(together, item)
print(together == state)
for item in (b"", bytes([3, 1, 97]), bytes([3, 3, 97, 0, 98]) + bytes(8)):
    try:
        put(together, item)
    except ValueError as error:
        print("refused")
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_micropython_makes_the_same_items(precision):
    there = printed_on_micropython(precision, AWAY)
    assert there == printed_here(AWAY)
    assert there[-4:] == ["True", "refused", "refused", "refused"]
