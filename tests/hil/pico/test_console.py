"""The bench's end of an emulated board's console, against the firmware's own console."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.console.commands import Commands
from firmware.console.console import BYTES, Console
from firmware.controller import BEAM, OFF, PREHEAT, STATES, TRIPPED
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, CHAIN_A
from firmware.store import Store
from hil.link.link import LinkError
from hil.pico.console import EVERY_MS, PATIENCE_MS, SILENT, PicoConsole
from tests.kit.chip_bench import TICK_MS, TO_BEAM_MS, ChipBench
from tests.kit.disk import Disk


class Unit:
    """The firmware in this process, its console, and the bench's end of it.

    dumb   : what it is sent goes nowhere
    damage : bytes of what it says, by position, that arrive as "#"
    """

    def __init__(self) -> None:
        disk, wanted = Disk(), Settings()
        assert Store("", disk.open).save(wanted) is None
        store = Store("", disk.open)
        store.boot(wanted)
        self.bench = bench = ChipBench(wanted)
        self.commands = Commands(
            wanted, store, bench.controller, bench.command, bench.inputs, bench.outputs
        )
        self.to_unit = self.from_unit = b""
        self.dumb = False
        self.damage: set[int] = set()
        self.written = 0
        self._console = Console(
            self.commands, self, self, lambda: len(self.to_unit) > 0, lambda: BYTES
        )
        self.console = PicoConsole(self.send)

    def send(self, data: bytes) -> None:
        if not self.dumb:
            self.to_unit += data

    def read(self, size: int) -> bytes:
        data, self.to_unit = self.to_unit[:size], self.to_unit[size:]
        return data

    def write(self, data: bytes) -> None:
        for byte in data:
            self.from_unit += b"#" if self.written in self.damage else bytes([byte])
            self.written += 1

    def run(self, ms: int) -> None:
        for _ in range(ms // TICK_MS):
            self.bench.tick()
            self._console.turn()
            *whole, self.from_unit = self.from_unit.split(b"\n")
            lines = [line.decode() for line in whole]
            self.console.turn(self.bench.now_ms, lines, self.from_unit)

    @property
    def running(self) -> bool:
        return bool(self.bench.command.run)

    def asked(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        self.console.ask(lambda state, trip: found.append((state, trip)))
        return found


@pytest.fixture
def unit() -> Unit:
    return Unit()


def test_a_status_comes_now_and_then_by_itself(unit: Unit):
    unit.run(EVERY_MS + 1000)
    assert unit.console.status["state"] == "off"
    unit.bench.head_c = 45.0
    unit.run(EVERY_MS + 1000)
    assert unit.console.status["head_temperature_c"] == pytest.approx(45.0, abs=0.5)
    assert unit.console.cut == 0


def test_who_asks_is_told_the_state_long_before_the_whole_status_is_there(unit: Unit):
    unit.run(EVERY_MS // 2)
    found = unit.asked()
    assert found == []
    unit.run(250)
    assert found == [(OFF, "")]
    assert not unit.console.status


def test_an_answer_is_not_older_than_its_request(unit: Unit):
    """Even where a status was on its way when it was asked."""
    unit.run(EVERY_MS + 50)
    unit.console.command("run 40 0.5")
    unit.run(100)
    assert unit.running
    found = unit.asked()
    unit.run(300)
    assert found == [(PREHEAT, "")]
    unit.run(TO_BEAM_MS)
    assert unit.console.state == STATES[BEAM]
    unit.bench.forced["switches"] = ALL_CLOSED & ~CHAIN_A
    unit.run(20)
    found = unit.asked()
    unit.run(300)
    assert found == [(TRIPPED, "chain-a")]


def test_a_command_never_waits_and_whoever_had_asked_is_answered_all_the_same(unit: Unit):
    unit.run(EVERY_MS)
    found = unit.asked()
    unit.run(30)
    unit.console.command("run 40 0.5")
    unit.run(120)
    assert unit.running
    unit.run(500)
    assert len(found) == 1
    assert unit.console.answers == ["ok starting, 40 kV 0.5 mA"]
    unit.console.command("stop")
    unit.run(60)
    assert not found[1:] and not unit.bench.command.run
    unit.console.ask()
    unit.run(1000)
    assert unit.console.answers[1:] == ["ok stopped"]
    assert unit.console.state == "off"


def test_what_the_board_refuses_is_kept(unit: Unit):
    unit.console.command("run 4000 1")
    unit.run(EVERY_MS)
    assert len(unit.console.answers) == 1
    assert unit.console.answers[0].startswith("error kv")
    assert not unit.running


def test_questions_in_quick_succession_are_all_answered_and_do_not_starve(unit: Unit):
    found = []
    for _ in range(30):
        found.append(unit.asked())
        unit.run(50)
    unit.run(500)
    assert all(one == [(OFF, "")] for one in found)


@pytest.mark.parametrize(("begin", "end"), [(0, 3), (0, 300), (40, 60), (200, 230), (590, 620)])
def test_a_damaged_answer_makes_no_caller_wait(unit: Unit, begin, end):
    unit.console.ask()
    unit.run(1000)
    good = dict(unit.console.status)
    assert good
    unit.damage = {unit.written + at for at in range(begin, end)}
    found = unit.asked()
    unit.run(PATIENCE_MS + 1000)
    unit.damage = set()
    unit.console.ask()
    unit.run(1000)
    assert found == [(OFF, "")]
    assert unit.console.status.keys() == good.keys()


def test_an_answer_that_is_damaged_is_counted(unit: Unit):
    unit.damage = set(range(5, 400, 2))
    unit.console.ask()
    unit.run(1000)
    assert unit.console.cut == 1


def test_a_silent_board_is_an_error_and_not_a_hang(unit: Unit):
    unit.run(2 * EVERY_MS)
    unit.dumb = True
    unit.console.ask()
    unit.run((SILENT - 1) * PATIENCE_MS)
    with pytest.raises(LinkError, match=r"has not answered for 7\.5 s"):
        unit.run(2 * PATIENCE_MS)


def test_a_board_that_comes_back_in_time_goes_on(unit: Unit):
    unit.run(2 * EVERY_MS)
    unit.dumb = True
    found = unit.asked()
    unit.run(PATIENCE_MS)
    unit.dumb = False
    unit.run(PATIENCE_MS + EVERY_MS)
    assert found == [(OFF, "")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "run", "stop"]), st.integers(1, 60)),
        max_size=25,
    )
)
def test_whatever_is_asked_and_told_when_all_is_answered_and_obeyed(steps):
    unit = Unit()
    asked = []
    told = 0
    for what, ticks in steps:
        if what == "ask":
            asked.append(unit.asked())
        else:
            unit.console.command("run 40 0.5" if what == "run" else "stop")
            told += 1
        unit.run(ticks * TICK_MS)
    unit.console.command("stop")
    asked.append(unit.asked())
    unit.run(1000)
    assert all(len(one) == 1 for one in asked)
    assert not unit.running
    assert unit.console.state == "off"
    assert len(unit.console.answers) <= told + 1
