"""A unit's life from power-up to the safe state, on a board of chips and the twin's plant."""

import gc
import importlib
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from firmware import unload as lean
from firmware.loop import Schedule
from firmware.settings import Settings
from firmware.slack import COLLECT_TICKS, Slack
from firmware.store import Store
from firmware.ticks import MASK
from tests.kit.chip_unit import ChipUnit
from tests.kit.hosts import quick_settings, warm_plant
from twin.plant.plant import TICK_MS, Plant

RUN_MS = 1000  # all chips have been read
TO_BEAM_MS = 7500  # from `run` to full current, with the quick settings
WINDOW_MS = 1000


# With Ctrl-C held off from the safe state until the watchdog is let go.
LIFE = ["armed", "key -1", "safe", "released", "key 3"]


class EndOfTestError(Exception):
    """Neither the firmware nor the operator has ended the loop."""


class Unit(ChipUnit):
    """Time passes while the firmware sleeps, and nowhere else."""

    def read(self, inputs: Any) -> None:
        self.hardware.read(inputs)


class Bench:
    """A board, its operator, and the time.

    said   : what has come down the line, line by line
    events : what happened around the unit, in order: armed, safe, released, linked, reset
    """

    name = "bench"

    def __init__(self, folder: str):
        self.folder = folder
        self.plant: Plant = warm_plant()
        self.now_ms = 0
        self.end_ms = 60_000
        self.unit: Any = None
        self.events: list[str] = []
        self.thresholds: list[int] = []
        self.fed = self.drops = 0
        self.armed_ms: list[int] = []
        self.enabled: list[int] = []  # levels that the line went to
        self.interrupt: BaseException | None = None
        self._orders: list[tuple[int, bytes]] = []
        self._incoming = b""
        self._outgoing = b""

    def order(self, at_ms: int, line: str) -> None:
        """What the operator types, so long after power-up."""
        self._orders.append((at_ms, line.encode() + b"\n"))

    @property
    def said(self) -> list[str]:
        return self._outgoing.decode().splitlines()

    # The time module.
    def ticks_ms(self) -> int:
        return self.now_ms & MASK

    def ticks_us(self) -> int:
        return 1000 * self.now_ms & MASK

    def sleep_ms(self, duration_ms: int) -> None:
        for _ in range(duration_ms):
            self.now_ms += 1
            if self.unit:
                self.unit.pass_us(1000)
                if self.now_ms % TICK_MS == 0:
                    self.plant.advance()
        for order in [order for order in self._orders if order[0] <= self.now_ms]:
            self._orders.remove(order)
            self._incoming += order[1]
        held_off = self.events[-1:] == ["key -1"] and isinstance(self.interrupt, KeyboardInterrupt)
        if self.now_ms >= self.end_ms and not held_off:
            raise self.interrupt or EndOfTestError

    # The board.
    def make(self, settings: Settings) -> ChipUnit:
        self.unit = Unit(self.plant)
        self.unit.pins["hv_enable"].listeners.append(self.enabled.append)
        return self.unit

    def watchdog(self) -> "Bench":
        self.armed_ms.append(self.now_ms)
        self.events.append("armed")
        return self

    def feed(self) -> None:
        self.fed += 1

    def release(self) -> None:
        self.events.append("safe" if self.is_safe() else "unsafe")
        self.events.append("released")

    def guard(self) -> None:
        """This line needs none."""

    def reset(self) -> None:
        self.events.append("reset")

    def reset_cause(self) -> str:
        return "power"

    def is_safe(self) -> bool:
        plant = self.plant
        programs = (plant.grid_program_raw, plant.kv_program_raw, plant.filament_program_raw)
        return not self.unit.enabled and programs == (0, 0, 0) and not plant.lamp_on

    # The serial line.
    def read(self, size: int) -> bytes:
        got, self._incoming = self._incoming[:size], self._incoming[size:]
        return got

    def write(self, data: bytes) -> None:
        self._outgoing += data

    def streams(self) -> tuple[Any, ...]:
        return self, self, lambda: len(self._incoming) > 0, lambda: 64

    def last(self) -> Any:
        """The last answer, as JSON."""
        return json.loads(self.said[-1].removeprefix("ok "))


@pytest.fixture
def bench(tmp_path: Any) -> Bench:
    """A unit that has been set up."""
    settings = quick_settings(kv=49.5)
    assert Store(str(tmp_path)).save(settings) is None
    return Bench(str(tmp_path))


@pytest.fixture
def start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """firmware.start on this bench."""
    micropython: Any = ModuleType("micropython")
    micropython.kbd_intr = lambda key: bench.events.append(f"key {key}")
    monkeypatch.setitem(sys.modules, "micropython", micropython)
    monkeypatch.setattr(time, "ticks_ms", bench.ticks_ms, raising=False)
    monkeypatch.setattr(time, "ticks_us", bench.ticks_us, raising=False)
    monkeypatch.setattr(time, "sleep_ms", bench.sleep_ms, raising=False)
    monkeypatch.setattr(gc, "threshold", bench.thresholds.append, raising=False)
    monkeypatch.setattr(gc, "mem_free", lambda: 50_000, raising=False)
    monkeypatch.setattr(sys.implementation, "_machine", "a bench", raising=False)
    monkeypatch.setattr(lean, "drop", lambda: setattr(bench, "drops", bench.drops + 1))
    module = importlib.import_module("firmware.start")
    monkeypatch.setattr(module, "standard_streams", bench.streams)
    monkeypatch.setattr(module, "Slack", partial(Slack, collect=lambda: None))
    yield module
    del sys.modules["firmware.start"]


def test_it_boots_with_what_is_stored_and_answers(start: Any, bench: Bench):
    bench.order(100, "version")
    bench.order(500, "get kv")
    bench.order(1000, "status")
    bench.order(3000, "reset")
    assert start.operate(bench, "1a2b") == "reset"
    version, kv, *_ = bench.said
    about = json.loads(version.removeprefix("ok "))
    assert (about["board"], about["machine"], about["build"]) == ("bench", "a bench", "1a2b")
    assert kv.startswith("ok kv 49.5 ")
    status = json.loads(bench.said[-2].removeprefix("ok "))
    assert status["stored"] is True and status["reset_cause"] == "power"
    assert status["uptime_s"] == 1
    assert (status["late"], status["missed"], status["worst_tick_us"]) == (0, 0, 0)
    assert bench.said[-1] == "ok resetting"


def test_nothing_starts_by_itself(start: Any, bench: Bench):
    bench.order(9000, "status")
    bench.end_ms = 10_000
    with pytest.raises(EndOfTestError):
        start.operate(bench)
    assert bench.fed > 990
    assert bench.last()["state"] == "off"
    assert bench.is_safe() and bench.enabled == []


def test_the_word_run_starts_the_beam_and_stop_ends_it(start: Any, bench: Bench):
    bench.order(RUN_MS, "run")
    bench.order(1000 + TO_BEAM_MS, "status")
    bench.order(1500 + TO_BEAM_MS, "stop")
    bench.order(2000 + TO_BEAM_MS, "status")
    bench.order(4000 + TO_BEAM_MS, "reset")
    assert start.operate(bench) == "reset"
    assert bench.enabled == [1, 0]
    starting, in_beam, stopped, off, _ = bench.said
    assert starting == "ok starting, 49.5 kV 0.98 mA"
    status = json.loads(in_beam.removeprefix("ok "))
    assert status["state"] == "beam" and status["kv"] == pytest.approx(49.5, rel=0.01)
    assert stopped == "ok stopped"
    assert json.loads(off.removeprefix("ok "))["state"] == "off"


def test_a_unit_that_was_never_set_up_does_not_start(start: Any, tmp_path: Any, bench: Bench):
    bench.folder = str(tmp_path / "empty")
    bench.order(RUN_MS, "run")
    bench.order(2000, "reset")
    assert start.operate(bench) == "reset"
    assert "not set up: no settings are stored" in bench.said[0]


@pytest.mark.parametrize("word", ["reset", "link"])
def test_leaving_writes_the_safe_state_and_then_lets_the_watchdog_go(start, bench, word):
    bench.order(RUN_MS, "run")
    bench.order(2000, "stop")
    bench.order(3000, word)
    assert start.operate(bench) == word
    assert bench.events == LIFE


def test_reset_and_link_are_no_words_of_a_unit_with_beam(start: Any, bench: Bench):
    bench.order(RUN_MS, "run")
    bench.order(RUN_MS + TO_BEAM_MS, "reset")
    bench.order(RUN_MS + 500 + TO_BEAM_MS, "link")
    bench.end_ms = RUN_MS + 1000 + TO_BEAM_MS
    with pytest.raises(EndOfTestError):
        start.operate(bench)
    assert [line[:5] for line in bench.said[1:]] == ["error"] * 2


def test_ctrl_c_in_the_beam_leaves_the_safe_state_and_lets_the_watchdog_go(start, bench):
    bench.order(RUN_MS, "run")
    bench.end_ms, bench.interrupt = RUN_MS + TO_BEAM_MS, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        start.operate(bench)
    assert bench.enabled[-2:] == [1, 0]  # there was beam until then
    assert bench.events == LIFE


def test_on_the_way_out_one_lost_write_leaves_nothing_energised(start, bench):
    bench.order(RUN_MS, "run")
    bench.end_ms, bench.interrupt = RUN_MS + TO_BEAM_MS, KeyboardInterrupt()
    sleep_ms, lost = bench.sleep_ms, [0]

    def deaf_at_first(duration_ms: int) -> None:
        bench.unit.i2c.stuck = "key -1" in bench.events and lost[0] < 5
        lost[0] += bench.unit.i2c.stuck
        sleep_ms(duration_ms)

    start.time.sleep_ms = deaf_at_first
    with pytest.raises(KeyboardInterrupt):
        start.operate(bench)
    assert lost[0] == 5
    assert bench.events == LIFE


@pytest.mark.parametrize("error", [ValueError("?"), MemoryError(), OSError(5), ZeroDivisionError()])
def test_any_other_exception_leaves_the_safe_state_to_the_watchdog(start, bench, error):
    bench.order(RUN_MS, "run")
    bench.end_ms, bench.interrupt = RUN_MS + TO_BEAM_MS, error
    with pytest.raises(type(error)):
        start.operate(bench)
    assert bench.plant.kv > 49.0
    assert bench.is_safe()
    assert bench.events == ["armed"]  # and nobody feeds it any more


def test_memory_is_made_ready_before_the_watchdog_is_armed(start: Any, bench: Bench):
    bench.order(500, "help")
    bench.order(1000, "get kv")
    bench.order(2000, "reset")
    start.operate(bench)
    assert bench.thresholds == [-1]
    assert bench.drops == 3  # at the start, and after each word of firmware/console/service.py


def test_settings_that_are_saved_are_in_force_in_the_next_life(start: Any, bench: Bench):
    bench.order(100, "set kv 45")
    bench.order(300, "save")
    bench.order(600, "get kv")
    bench.order(900, "reset")
    assert start.operate(bench) == "reset"
    assert bench.said[1] == "ok save 2, takes effect at the next reset"
    assert bench.said[2].endswith(" saved")
    bench.order(bench.now_ms + 100, "get kv")
    bench.order(bench.now_ms + 500, "reset")
    start.operate(bench)
    assert bench.said[4].startswith("ok kv 45") and not bench.said[4].endswith("saved")


def test_main_goes_over_to_the_link_and_back_and_resets(start, bench, monkeypatch):
    monkeypatch.setattr(start, "link", lambda board, build: bench.events.append(f"linked {build}"))
    bench.order(1500, "link")
    bench.order(3500, "reset")
    start.main(bench, "1a2b3c4d")
    assert bench.events == [*LIFE, "linked 1a2b3c4d", *LIFE, "reset"]
    assert bench.armed_ms[0] == WINDOW_MS  # time for Ctrl-C before it
    assert bench.armed_ms[1] >= 1500 + WINDOW_MS


@pytest.mark.parametrize("fails", [False, True])
def test_ctrl_c_is_a_byte_like_any_other_while_the_link_is_on(start, bench, monkeypatch, fails):
    lockstep = importlib.import_module("firmware.link.serve")

    def serve(_: Any, settle: Any) -> None:
        bench.events.append("serving")
        if fails:
            raise ValueError("no frame of ours")

    monkeypatch.setattr(lockstep, "session_over", lambda *_: None)
    monkeypatch.setattr(lockstep, "serve", serve)
    start.link(bench)
    assert bench.events == ["key -1", "serving", "key 3"]


def test_over_the_link_collections_are_in_the_slack(start: Any, bench: Bench):
    schedule = Schedule(bench.ticks_ms, bench.sleep_ms, 10, bench.ticks_us)
    slack = start.settle(schedule)
    assert (bench.thresholds, bench.drops) == ([-1], 1)
    collected = []
    slack._collect = lambda: collected.append(slack.ticks)
    for _ in range(2 * COLLECT_TICKS):
        schedule.next_tick()
        assert not slack.turn()
    assert collected == [COLLECT_TICKS, 2 * COLLECT_TICKS]
