"""A read of the serial line that waits for what does not come is ended by zeros."""

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.board_rig import Rig, forget_boards
from tests.kit.ports import Rp2


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(Rp2.Timer, "running", None)
    yield Rig("pico", monkeypatch)
    forget_boards()


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has been made the second source of the standard input, one after the other."""
    found: list[Any] = []
    monkeypatch.setattr(os, "dupterm", found.append, raising=False)
    return found


def test_a_read_that_is_soon_done_sees_nothing_of_it(rig: Rig, second: list[Any]):
    guard = rig.board.guard()
    guard.begin()
    assert Rp2.Timer.running
    guard.end()
    assert Rp2.Timer.running is None
    assert second == []


def test_a_read_that_waits_gets_zeros_once_and_then_no_more(rig: Rig, second: list[Any]):
    guard = rig.board.guard()
    for _ in range(2):
        guard.begin()
        Rp2.Timer.running(None)
        Rp2.Timer.running(None)
        zeros: Any = second[0]
        assert len(second) == 1
        buffer = bytearray(b"abc")
        assert (zeros.readinto(buffer), buffer) == (3, bytearray(3))
        assert isinstance(zeros, io.IOBase)
        guard.end()
        assert second == [zeros, None]
        second.clear()


def test_a_timer_that_acts_when_the_read_is_over_changes_nothing(rig: Rig, second: list[Any]):
    guard = rig.board.guard()
    guard.begin()
    expired = Rp2.Timer.running
    guard.end()
    expired(None)
    assert second == []


def test_boards_of_the_port_on_which_it_was_tried_have_one(monkeypatch: pytest.MonkeyPatch):
    for name, has in (("pico", True), ("pico2", True), ("esp32", False), ("pyboard", False)):
        assert (Rig(name, monkeypatch).board.guard() is not None) is has
        forget_boards()
