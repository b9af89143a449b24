"""The chain at the board made of chips: no opening is missed, and none lets the line come back."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware.signals import ALL_CLOSED
from hil.pico.chips.bus import Pin
from tests.kit.driver_rigs import Babbling
from tests.kit.hardware_rig import Rig


def beam(rig: Rig) -> None:
    """The enable line is high, by way of a tick that asked for no high voltage."""
    rig.tick(2)
    rig.outputs.hv_enable = 1
    rig.tick(2)
    assert rig.enabled


@pytest.mark.parametrize(("chain", "bit"), [("chain_a", 1), ("chain_b", 2)])
def test_an_opening_shorter_than_a_tick_ends_the_enable_at_once_and_is_seen_once(chain, bit):
    rig = Rig()
    beam(rig)
    rig.pins[chain].value(0)
    assert not rig.enabled
    rig.pins[chain].value(1)
    assert not rig.enabled
    rig.write(rig.outputs)  # of a tick that did not know
    assert not rig.enabled
    rig.read(rig.inputs)
    assert rig.inputs.switches == ALL_CLOSED & ~bit
    rig.write(rig.outputs)
    assert not rig.enabled  # the chain is closed, and nobody has asked for no high voltage yet
    rig.read(rig.inputs)
    assert rig.inputs.switches == ALL_CLOSED
    rig.outputs.hv_enable = 0
    rig.write(rig.outputs)
    rig.outputs.hv_enable = 1
    rig.tick()
    assert rig.enabled


def test_without_its_interrupt_a_short_opening_would_go_unseen():
    """The control of the test above: neither a poll nor anything else finds it."""
    rig = Rig()
    rig.pins["chain_a"].irq(None)
    beam(rig)
    rig.pins["chain_a"].value(0)
    rig.pins["chain_a"].value(1)
    assert rig.enabled
    rig.tick()
    assert rig.inputs.switches == ALL_CLOSED


@pytest.mark.parametrize("chain", ["chain_a", "chain_b"])
def test_an_open_chain_without_an_interrupt_enables_nothing_either(chain):
    rig = Rig()
    rig.pins[chain].irq(None)
    beam(rig)
    rig.pins[chain].value(0)
    rig.hardware.read(rig.inputs)
    rig.write(rig.outputs)
    assert not rig.enabled
    rig.pins[chain].value(1)
    rig.tick(3)
    assert rig.inputs.switches == ALL_CLOSED
    assert not rig.enabled  # until it is asked for nothing once
    rig.outputs.hv_enable = 0
    rig.tick()
    rig.outputs.hv_enable = 1
    rig.tick()
    assert rig.enabled


class Interrupted(Pin):
    """A pin at whose every touch by the firmware the world may act, before and after."""

    touched: Callable[[], None] | None = None

    def value(self, level: int | None = None) -> int | None:
        if self.touched:
            self.touched()
        answer = super().value(level)
        if self.touched:
            self.touched()
        return answer

    __call__ = value


class ChainRig(Rig):
    """The chain's contacts move at any touch of any pin. It keeps what it has to answer for.

    opened  : openings by channel that no read has told which began after them
    blocked : no write that asked for no high voltage has ended since the last opening
    """

    PIN = Interrupted

    def __init__(self) -> None:
        super().__init__(i2c=Babbling([]), spi=Babbling([]))
        self.due: dict[int, tuple[str, ...]] = {}
        self.touches = 0
        self.at_work = False
        self.opened = {"chain_a": 0, "chain_b": 0}
        self.blocked = False
        self.closed = {"chain_a": True, "chain_b": True}
        self.rises = 0
        self.pins["hv_enable"].listeners.append(self.changed)
        for pin in self.pins.values():
            pin.touched = self.touch  # type: ignore[attr-defined]

    def changed(self, level: int) -> None:
        self.rises += level

    def touch(self) -> None:
        if self.at_work:
            self.touches += 1
            for move in self.due.pop(self.touches, ()):
                self.move(move)

    def move(self, what: str) -> None:
        """Open, close or do both to one channel, outside of all counting."""
        kind, chain = what.split()
        at_work, self.at_work = self.at_work, False
        if kind in ("open", "blip") and self.closed[chain]:
            self.closed[chain] = False
            self.opened[chain] += 1
            self.blocked = True
            self.pins[chain].value(0)
            assert not self.enabled, "an opening takes the enable away at once"
        if kind in ("close", "blip") and not self.closed[chain]:
            self.closed[chain] = True
            self.pins[chain].value(1)
        self.at_work = at_work

    def work(self, act: Callable[[Any], None], record: Any, due: dict) -> None:
        self.due, self.touches, self.at_work = dict(due), 0, True
        act(record)
        self.at_work = False

    def read_now(self, due: dict) -> None:
        told, closed = dict(self.opened), dict(self.closed)
        self.work(self.hardware.read, self.inputs, due)
        moved = {move.split()[1] for moves in due.values() for move in moves}
        for bit, chain in ((1, "chain_a"), (2, "chain_b")):
            shown_open = not self.inputs.switches & bit
            if told[chain]:
                assert shown_open, "an opening is seen by the next read"
            elif chain not in moved:
                assert shown_open == (not closed[chain]), "and by no other"
            self.opened[chain] -= told[chain]

    def write_now(self, hv_enable: int, due: dict) -> None:
        self.outputs.hv_enable = hv_enable
        was_blocked = self.blocked
        self.rises = 0
        self.work(self.hardware.write, self.outputs, due)
        assert not (was_blocked and self.rises), "nor is it high for a moment"
        if not hv_enable:
            self.blocked = False
        assert not (self.enabled and self.blocked), "nobody has asked for no high voltage"
        assert not (self.enabled and any(self.opened.values())), "the write after an opening"


MOVES = st.tuples(
    st.sampled_from(["open", "close", "blip"]), st.sampled_from(["chain_a", "chain_b"])
).map(" ".join)
DUE: Any = st.one_of(st.just({}), st.dictionaries(st.integers(1, 6), st.lists(MOVES, min_size=1)))
STEPS: Any = st.lists(
    st.one_of(
        st.tuples(st.just("read"), DUE),
        st.tuples(st.just("write"), st.just(0), st.just({})),
        st.tuples(st.just("write"), st.just(1), DUE),
        st.tuples(st.just("move"), MOVES),
    ),
    max_size=20,
)
BLIP = ["blip chain_a"]


@settings(max_examples=300)
@given(STEPS)
@example([("read", {}), ("write", 0, {}), ("write", 1, {1: BLIP})])  # before the pin goes high
@example([("read", {}), ("write", 0, {}), ("write", 1, {2: BLIP})])  # as soon as it is
@example([("read", {}), ("move", BLIP[0]), ("write", 0, {}), ("write", 1, {})])
@example([("read", {}), ("write", 0, {}), ("move", BLIP[0]), ("read", {}), ("write", 1, {})])
@example([("read", {}), ("write", 0, {1: BLIP}), ("write", 1, {}), ("read", {})])
def test_however_openings_fall_between_reads_and_writes_the_line_stays_low_until_asked(steps):
    rig = ChainRig()
    for kind, *more in steps:
        if kind == "read":
            rig.read_now(*more)
        elif kind == "write":
            rig.write_now(*more)
        else:
            rig.move(*more)
