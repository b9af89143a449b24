"""The line: bounded turns, no answer without a reader, and `stop` through any garbage."""

import errno
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firmware.console import LINK, RESET
from firmware.console.commands import Commands
from firmware.console.console import LAST_TURNS, LONGEST_LINE, OLD_TURNS, Console
from firmware.setting_table import LIMITS
from firmware.settings import Settings
from firmware.store import Store
from tests.firmware.test_store import slot
from tests.kit.chip_bench import ChipBench
from tests.kit.disk import Disk


class Line:
    """A unit and both ends of its serial line.

    room   : bytes that fit into the way out; None: any
    broken : the line fails in every call
    """

    def __init__(self, store: Store | None = None):
        self.bench = ChipBench()
        self.room: int | None = None
        self.broken = False
        self.sent = b""
        self.read_calls = 0
        self._incoming = b""
        bench = self.bench
        self.commands = Commands(
            bench.settings,
            store or Store("", Disk().open),
            bench.controller,
            bench.command,
            bench.inputs,
            bench.outputs,
        )
        self.console = Console(self.commands, self, self, self.readable, self.writable)

    def readable(self) -> bool:
        return len(self._incoming) > 0

    def writable(self) -> int:
        return 10**6 if self.room is None else self.room

    def read(self, size: int) -> bytes:
        self.read_calls += 1
        if self.broken:
            raise OSError(errno.EIO)
        byte, self._incoming = self._incoming[:size], self._incoming[size:]
        return byte

    def write(self, data: bytes) -> None:
        if self.broken:
            raise OSError(errno.EIO)
        if self.room is not None:
            assert len(data) <= self.room, "this write would have blocked"
            self.room -= len(data)
        self.sent += bytes(data)

    def runs(self) -> bool:
        return self.bench.command.run

    def type(self, data: bytes) -> None:
        self._incoming += data

    def turns(self, count: int = 2000) -> str | None:
        """Until something is asked of the entry point, at most so many."""
        leave = None
        for _ in range(count):
            leave = leave or self.console.turn()
        return leave

    def says(self, data: bytes) -> list[str]:
        """What comes back to this."""
        self.sent = b""
        self.type(data)
        self.turns()
        return self.sent.decode("ascii").splitlines()


@given(pieces=st.lists(st.integers(1, 5), min_size=1), ends=st.sampled_from(["\n", "\r", "\r\n"]))
def test_a_line_may_come_in_any_pieces_and_end_as_terminals_end_it(pieces: list[int], ends: str):
    line = Line()
    text = ("get kv" + ends).encode()
    for size in pieces:
        line.type(text[:size])
        line.turns(3)
        text = text[size:]
    line.type(text)
    line.turns(30)
    assert line.sent == b"ok kv 50.0 0x4049000000000000\n"
    assert line.says(b"discard\n") == ["ok 0 discarded"]


def test_empty_lines_are_no_commands():
    assert Line().says(b"\n\r\n  \n") == []


def test_a_turn_reads_and_writes_no_more_than_its_budget_and_acts_on_one_line():
    line = Line()
    line.type(b"discard\n" * 10)
    line.console.turn(1000)
    assert line.read_calls == len(b"discard\n")
    line = Line()
    line.type(b"get\n")
    line.console.turn(4)
    for _ in range(100):
        before = len(line.sent)
        line.console.turn(7)
        assert len(line.sent) - before <= 7


def test_an_answer_goes_out_in_order_whatever_fits_at_a_time():
    whole, trickle = Line(), Line()
    answer = whole.says(b"get\n")
    assert len(answer) == len(LIMITS) + 1
    trickle.type(b"get\n")
    for turn in range(5000):
        trickle.room = turn % 3
        trickle.console.turn()
    assert trickle.sent == whole.sent


def test_a_host_that_never_reads_loses_answers_and_stops_the_beam_all_the_same():
    line = Line()
    line.room = 0
    line.bench.start()
    for _ in range(100):
        line.type(b"status\nget\n")
        line.turns(10)
    assert line.runs()
    line.type(b"stop\n")
    line.turns(2)
    assert not line.runs()
    line.room = None
    line.turns()
    assert line.sent.decode().split("\n")[-2:] == ["ok stopped", ""]
    assert len(line.sent) < 200  # what was not read was not kept


def test_a_new_line_breaks_off_an_answer_and_its_own_answer_is_on_a_line_of_its_own():
    line = Line()
    for turns in range(1, 12):
        line.turns()
        line.sent = b""
        line.type(b"status\n")
        for _ in range(turns):
            line.console.turn(8)
        assert line.says(b"discard\n")[-1] == "ok 0 discarded"


@given(garbage=st.binary(max_size=300), end=st.sampled_from([b"stop\n", b"STOP\r", b" stop \n"]))
def test_stop_is_obeyed_at_the_end_of_any_garbage(garbage: bytes, end: bytes):
    line = Line()
    line.turns(1)
    line.bench.command.run = True
    assert line.says(garbage.replace(b"run", b"ran") + end)[-1] == "ok stopped"
    assert not line.bench.command.run


def test_a_line_too_long_is_dropped_with_an_error_and_the_next_one_is_heard():
    line = Line()
    for length in (LONGEST_LINE + 1, 1000):
        assert line.says(b"x" * length + b"\n") == ["error the line is longer than 80 characters"]
        assert line.says(b"discard\n") == ["ok 0 discarded"]
    assert line.says(b"x" * LONGEST_LINE + b"\n")[0].startswith("error unknown command")


def test_the_longest_command_fits_a_line():
    longest = max(len(f"set {name} 0x{16 * 'f'}") for name, _, _ in LIMITS)
    assert longest <= LONGEST_LINE


def test_a_line_of_other_than_ascii_is_dropped_with_an_error():
    for damage in (b"\xff", b"\x03", b"\x1b[A", "µ".encode(), b"\0"):
        assert Line().says(b"run" + damage + b" 45 0.9\n") == [
            "error the line holds what is not printable ASCII"
        ]


words = st.sampled_from(
    ["help", "version", "status", "get", "set", "check", "save", "discard", "run", "reset"]
)
lines = st.builds(
    lambda word, rest: word.encode() + b" " + rest + b"\n", words, st.binary(max_size=60)
)


@given(typed=st.lists(lines | st.binary(max_size=100), max_size=6))
def test_whatever_is_typed_the_answers_are_lines_of_printable_ascii(typed: list[bytes]):
    odd = {**Settings().values(), "odd\x03\n\x1b": 1.0}
    store = Store("", Disk({"settings.a": slot(1, odd)}).open)
    store.boot(Settings())
    line = Line(store)
    for data in typed:
        line.type(data)
        line.turns(400)
        assert all(32 <= code < 127 or code == 10 for code in line.sent)
        for said in line.sent.decode().splitlines():
            assert not said or said.startswith(("ok ", "error ")) or said.split()[0] in NAMES


NAMES = {name for name, _, _ in LIMITS}


def test_a_line_that_fails_and_a_stream_at_its_end_are_no_exceptions_in_the_loop():
    line = Line()
    line.type(b"get\n")
    line.turns(5)
    line.broken = True
    line.type(b"status\n")
    assert line.turns(50) is None
    line.broken = False
    line.turns()
    assert line.says(b"discard\n") == ["ok 0 discarded"]

    end: Any = Line()
    end.console._readable = lambda: True
    assert end.turns(50) is None


def test_reset_is_asked_of_the_entry_point_when_its_answer_has_gone_out():
    line = Line()
    line.bench.tick()
    line.room = 3
    line.type(b"reset\n")
    assert line.turns(20) is None
    line.room = None
    assert line.turns() == RESET
    assert line.sent == b"ok resetting\n"


def test_a_host_that_does_not_read_does_not_keep_the_unit_from_a_reset():
    line = Line()
    line.room = 0
    line.type(b"reset\n")
    assert line.turns(LAST_TURNS) is None
    assert line.turns(2) == RESET


def test_link_is_asked_of_the_entry_point_at_once_and_answered_by_it():
    line = Line()
    line.type(b"link\n")
    assert line.console.turn() == LINK
    assert line.sent == b""


def set_up() -> Store:
    """As after a boot with settings."""
    disk, settings = Disk(), Settings()
    assert Store("", disk.open).save(settings) is None
    store = Store("", disk.open)
    store.boot(settings)
    return store


def test_a_start_does_not_wait_for_a_host_that_reads_its_answer_later():
    """Or it would come an hour on, when whoever asked has given up and opened the enclosure."""
    line = Line(set_up())
    line.bench.run(100)
    line.room = 0
    line.type(b"run\n")
    line.turns(20)
    assert line.runs()
    line.type(b"stop\n")
    line.turns(20)
    line.bench.run(1000)
    line.room = None
    line.turns(2000)
    assert not line.runs()


def test_an_incomplete_line_that_is_old_is_never_completed():
    line = Line(set_up())
    line.bench.run(100)
    line.type(b"run")
    line.turns(OLD_TURNS + 1)
    line.type(b"\r")
    line.turns(100)
    assert not line.runs()


def test_a_line_that_is_typed_slowly_is_a_line():
    line = Line(set_up())
    line.bench.run(100)
    for byte in (b"r", b"u", b"n", b"\r"):
        line.type(byte)
        line.turns(OLD_TURNS - 1)
    assert line.runs()
