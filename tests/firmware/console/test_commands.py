"""What the operator's words do, and what they refuse."""

import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.console import LINK, RESET
from firmware.console.commands import START_TURNS, Commands
from firmware.controller import BEAM, OFF, TRIPPED
from firmware.readings import readings
from firmware.setting_table import LIMITS
from firmware.settings import Settings
from firmware.signals import GENERATOR_OK, HOLD_EMISSION
from firmware.store import Store
from tests.kit.chip_bench import ChipBench
from tests.kit.disk import Disk


class Unit:
    """A bench, an operator, and a flash on which settings are stored if it is `set_up`."""

    def __init__(self, set_up: bool = True, disk: Disk | None = None):
        self.disk = disk or Disk()
        if set_up:
            Store("", self.disk.open).save(Settings())
        self.store, settings = Store("", self.disk.open), Settings()
        self.store.boot(settings)
        self.bench = bench = ChipBench(settings)
        self.commands = Commands(
            settings,
            self.store,
            bench.controller,
            bench.command,
            bench.inputs,
            bench.outputs,
            {"board": "none"},
            lambda: ({"uptime_s": 7, "late": 0},),
        )
        bench.run(100)

    def says(self, line: str) -> str:
        said = "".join(self.commands.answer(line))
        for _ in range(START_TURNS):
            self.commands.turn()
        return said

    def refuses(self, line: str, *words: str) -> None:
        said = self.says(line)
        assert said.startswith("error ")
        assert said.endswith("\n") and said.count("\n") == 1
        for word in words:
            assert word in said

    def rebooted(self) -> "Unit":
        return Unit(set_up=False, disk=self.disk)


# The beam ----------------------------------------------------------------------------------------


def test_run_starts_the_beam_at_the_stored_point_and_stop_ends_it():
    unit = Unit()
    assert unit.says("run") == "ok starting, 50 kV 0.98 mA\n"
    unit.bench.run(21_000)
    assert unit.bench.controller.condition == BEAM
    unit.refuses("run", "the beam is on")
    assert unit.says("stop now!") == "ok stopped\n"
    unit.bench.run(100)
    assert unit.bench.controller.condition == OFF


def test_run_takes_another_point_within_the_settings():
    unit = Unit()
    assert unit.says("run 45 0.9") == "ok starting, 45 kV 0.9 mA\n"
    assert (unit.bench.command.kv, unit.bench.command.ma) == (45.0, 0.9)
    assert unit.bench.settings.kv == 50.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run 51 0.9", ["kv", "kv_max"]),
        ("run 3 0.9", ["kv", "outside"]),
        ("run 50 1.1", ["power_limit_w"]),
        ("run 20 1.3", ["ma", "ma_max"]),
        ("run -50 0.9", ["kv"]),
        ("run nan 0.9", ["nan"]),
        ("run 50 1e999", ["finite"]),
        ("run 50", ["run [KV MA]"]),
        ("run 50 0.9 1", ["run [KV MA]"]),
        ("run 50kV 0.9", ["50kV"]),
        ("Run", ["unknown command"]),
        ("RUN", ["unknown command"]),
        ("xrun", ["unknown command"]),
    ],
)
def test_a_run_that_cannot_be_starts_nothing(line, words):
    unit = Unit()
    unit.refuses(line, *words)
    assert not unit.bench.command.run
    assert (unit.bench.command.kv, unit.bench.command.ma) == (50.0, 0.98)


def test_a_unit_that_is_not_set_up_refuses_to_run_and_says_what_to_do():
    unit = Unit(set_up=False)
    unit.refuses("run", "not set up", "no settings are stored", "save", "reset")
    assert unit.says("save").startswith("ok save 1")
    unit.refuses("run", "reset first")
    assert unit.rebooted().says("run").startswith("ok")


def test_damaged_settings_are_the_reason_not_to_run():
    unit = Unit(set_up=False, disk=Disk({"settings.a": b"tS rubbish"}))
    unit.refuses("run", "not set up", "settings.a is damaged")


def test_what_is_pending_or_not_in_force_yet_must_be_dealt_with_before_a_run():
    unit = Unit()
    unit.says("set ma 0.9")
    unit.refuses("run", "pending", "discard")
    unit.says("discard")
    assert unit.says("run").startswith("ok")
    unit = Unit()
    unit.says("set ma 0.9")
    unit.says("save")
    unit.refuses("run", "reset first")


def test_after_a_trip_it_takes_a_stop_and_a_run():
    unit = Unit()
    unit.bench.start()
    unit.bench.forced["switches"] = GENERATOR_OK
    unit.bench.run(1000)
    assert unit.bench.controller.condition == TRIPPED
    unit.refuses("run", "tripped", "chain-a", "stop first")
    unit.bench.forced.clear()
    unit.bench.run(1000)
    unit.says("stop")
    unit.refuses("run", "again")  # not before a tick has seen the stop
    unit.bench.run(1000)
    assert unit.bench.controller.condition == TRIPPED
    assert unit.says("run").startswith("ok")
    unit.bench.run(21_000)
    assert unit.bench.controller.condition == BEAM


def test_stop_and_run_between_two_ticks_do_not_keep_a_beam():
    unit = Unit()
    unit.bench.start()
    unit.says("stop")
    unit.refuses("run")
    unit.bench.run(100)
    assert unit.bench.controller.condition == OFF


def test_nothing_but_run_starts_the_beam():
    unit = Unit()
    for line in ("set kv 45", "check", "save", "get", "status", "version", "help", "discard"):
        unit.says(line)
        unit.bench.run(50)
    unit = unit.rebooted()
    unit.bench.run(60_000)
    assert not unit.bench.command.run
    assert unit.bench.controller.condition == OFF


@pytest.mark.parametrize("line", ["set ma 0.9", "save", "reset", "link"])
def test_some_things_wait_for_the_beam_to_be_off(line):
    unit = Unit()
    unit.says("run")
    unit.refuses(line, "stop first")  # not even before the first tick
    unit.bench.run(21_000)
    unit.refuses(line, "stop first")
    assert unit.commands.leave is None
    unit.bench.forced["switches"] = 0
    unit.bench.run(1000)
    assert unit.bench.controller.condition == TRIPPED
    assert not unit.says(line).startswith("error")


def test_an_autotune_is_requested_reported_and_ended_and_a_stop_ends_it_too():
    unit = Unit()
    assert json.loads(unit.says("tune").removeprefix("ok ")) == {
        "stage": "idle",
        "progress": 0,
        "reason": "",
        "found": {},
    }
    for end in ("tune off", "stop"):
        unit.says("stop")
        unit.bench.run(1000)
        assert unit.says("tune on").startswith("ok tuning")
        unit.bench.run(1000)
        unit.bench.start()
        unit.bench.run(2000)
        assert json.loads(unit.says("tune").removeprefix("ok "))["stage"] == "approach"
        unit.refuses("tune on", "the beam is on")
        assert unit.says(end).startswith("ok")
        assert unit.bench.command.hold == 0
        unit.bench.run(2000)
        said = json.loads(unit.says("tune").removeprefix("ok "))
        assert said["stage"] == "failed"
        assert "stopped" in said["reason"]


def test_other_service_bits_are_not_the_consoles():
    unit = Unit()
    unit.bench.command.hold = HOLD_EMISSION
    for line in ("tune on", "tune off", "tune on", "stop"):
        unit.says(line)
    assert unit.bench.command.hold == HOLD_EMISSION
    unit.refuses("tune up", "tune [on|off]")


def test_a_tube_without_a_fan_is_not_tuned():
    unit = Unit()
    unit.bench.settings.air_cooled = 0
    unit.refuses("tune on", "air_cooled", "no fan")
    assert unit.bench.command.hold == 0


def test_reset_and_link_are_left_to_the_entry_point():
    unit = Unit()
    assert (unit.says("reset"), unit.commands.leave) == ("ok resetting\n", RESET)
    unit = Unit()
    assert (unit.says("link"), unit.commands.leave) == ("", LINK)


# Settings ----------------------------------------------------------------------------------------


def value_in(line: str) -> float:
    """The value in an answer of get or set, from its bits."""
    value: float = struct.unpack(">d", bytes.fromhex(line.split()[3].removeprefix("0x")))[0]
    return value


def test_what_is_set_is_pending_then_saved_then_after_a_reset_in_force():
    unit = Unit()
    assert unit.says("get ma") == "ok ma 0.98 0x3fef5c28f5c28f5c\n"
    assert unit.says("set ma 0.75") == "ok ma 0.75 0x3fe8000000000000 pending\n"
    assert unit.says("check") == "ok 1 pending\n"
    assert unit.bench.settings.ma == 0.98
    assert unit.says("save") == "ok save 2, takes effect at the next reset\n"
    assert unit.says("get ma") == "ok ma 0.75 0x3fe8000000000000 saved\n"
    assert unit.bench.settings.ma == 0.98
    unit.says("set kv 45")
    unit.says("save")  # over what was saved before, not over what is in force
    again = unit.rebooted()
    assert again.says("get ma") == "ok ma 0.75 0x3fe8000000000000\n"
    assert (again.bench.settings.ma, again.bench.settings.kv) == (0.75, 45.0)


def test_discard_forgets_what_is_pending_and_nothing_else():
    unit = Unit()
    unit.says("set ma 0.75")
    unit.says("save")
    unit.says("set ma 0.5")
    unit.says("set kv 40")
    assert unit.says("discard") == "ok 2 discarded\n"
    assert "0.75" in unit.says("get ma")
    assert "50.0" in unit.says("get kv")


def test_get_lists_every_setting_once_and_ends_with_ok():
    *lines, last, nothing = Unit().says("get").split("\n")
    assert [line.split()[0] for line in lines] == sorted(name for name, _, _ in LIMITS)
    assert (last, nothing) == ("ok 50 settings", "")
    values = Settings().values()
    assert {line.split()[0]: value_in("ok " + line) for line in lines} == values


@given(value=st.floats(-10.0, 10.0))
def test_a_number_given_as_bits_arrives_to_the_last_one(value: float):
    unit = Unit()
    said = unit.says(f"set kv_exponent 0x{struct.pack('>d', value).hex()}")
    assert value_in(said) == value
    assert math.copysign(1.0, value_in(said)) == math.copysign(1.0, value)
    unit.says("save")
    assert unit.rebooted().bench.settings.kv_exponent == value


@pytest.mark.parametrize(
    ("text", "value"), [("4", 4.0), ("-0.5", -0.5), ("1e-3", 0.001), ("+2.", 2.0), (".5", 0.5)]
)
def test_decimal_numbers_are_what_they_are_everywhere(text, value):
    assert value_in(Unit().says(f"set kv_exponent {text}")) == value


def test_a_whole_number_stays_one_where_the_default_is_one():
    unit = Unit()
    assert unit.says("set preheat_ms 5000").startswith("ok preheat_ms 5000 0x")
    assert unit.says("set preheat_ms 0x40b3880000000000").startswith("ok preheat_ms 5000 0x")
    assert unit.says("set kv 45").startswith("ok kv 45.0 0x")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("set warp 1", ["unknown setting warp"]),
        ("get warp", ["unknown setting warp"]),
        ("set values 1", ["unknown setting values"]),
        ("set __class__ 1", ["unknown setting __class__"]),
        ("set kv 4,5", ["4,5", "0.98"]),
        ("set kv 1_0", ["1_0"]),
        ("set kv nan", ["nan"]),
        ("set kv inf", ["inf"]),
        ("set kv 1e999", ["finite"]),
        ("set kv 0x7ff8000000000000", ["finite"]),
        ("set kv 0x4049", ["16 digits"]),
        ("set kv 0x404900000000000g", ["error"]),
        ("set kv --5", ["--5"]),
        ("set kv", ["set NAME VALUE"]),
        ("set", ["set NAME VALUE"]),
        ("set kv 45 46", ["set NAME VALUE"]),
        ("get kv ma", ["get [NAME]"]),
        ("kv=45", ["unknown command", "help"]),
        ("x" * 80, ["x" * 20 + ";"]),
    ],
)
def test_an_invalid_setting_is_reported_and_leaves_nothing_pending(line, words):
    unit = Unit()
    unit.refuses(line, *words)
    assert unit.says("discard") == "ok 0 discarded\n"


def test_settings_that_cannot_be_together_are_neither_checked_nor_saved():
    unit = Unit()
    unit.says("set kv 55")
    unit.refuses("check", "kv", "55 is above kv_max = 50")
    unit.refuses("save", "kv", "55 is above kv_max = 50")
    for line in ("set kv_max 55", "set trip_kv 58", "set ma 0.5"):
        unit.says(line)
    assert unit.says("check").startswith("ok")
    assert unit.says("save").startswith("ok")


def test_a_save_that_fails_says_why_and_leaves_all_pending():
    unit = Unit()
    unit.says("set ma 0.9")
    unit.disk.space = 100
    unit.refuses("save", "flash is full", "settings of before are kept")
    assert unit.says("check") == "ok 1 pending\n"
    assert unit.rebooted().bench.settings.ma == 0.98


# What it says of itself --------------------------------------------------------------------------


def test_status_is_the_telemetry_and_the_health_in_one_line_of_json():
    unit = Unit()
    unit.bench.start()
    status = json.loads(unit.says("status").removeprefix("ok "))
    said = readings(unit.bench.controller, unit.bench.inputs, unit.bench.outputs)
    assert set(said) < set(status)
    for name, value in said.items():
        same = pytest.approx(value, rel=1e-5) if isinstance(value, float) else value
        assert status[name] == same
    assert {name: status[name] for name in set(status) - set(said)} == {
        "stored": True,
        "store": "",
        "pending": 0,
        "reset_needed": False,
        "uptime_s": 7,
        "late": 0,
    }


def test_status_is_made_in_small_pieces():
    pieces = list(Unit().commands.answer("status"))
    assert max(map(len, pieces)) < 64
    assert len("".join(pieces)) < 1000


def test_status_says_why_a_unit_is_not_set_up_and_what_waits():
    unit = Unit(set_up=False)
    unit.says("set ma 0.9")
    status = json.loads(unit.says("status").removeprefix("ok "))
    assert (status["stored"], status["store"]) == (False, "no settings are stored")
    assert (status["pending"], status["reset_needed"]) == (1, False)
    unit.says("save")
    status = json.loads(unit.says("status").removeprefix("ok "))
    assert (status["pending"], status["reset_needed"]) == (0, True)


def test_a_reading_that_is_no_number_is_null():
    unit = Unit()
    unit.bench.controller.emission.target_ma = math.nan
    assert json.loads(unit.says("status").removeprefix("ok "))["ma_target"] is None


def test_version_names_firmware_interpreter_board_and_precision():
    said = json.loads(Unit().says("version").removeprefix("ok "))
    assert set(said) == {"firmware", "python", "float_bits", "board"}
    assert said["python"].startswith("cpython 3.")
    assert said["float_bits"] == 64


def test_help_names_every_word():
    unit = Unit()
    words = [usage.split()[0] for usage in unit.says("help").removeprefix("ok ").split(" | ")]
    assert len(words) >= 12
    for word in words:
        assert "unknown command" not in unit.says(word)


def test_the_beam_is_asked_for_a_few_turns_after_the_words_of_service_were_loaded():
    unit = Unit()
    assert "".join(unit.commands.answer("run")).startswith("ok starting")
    for _ in range(START_TURNS - 1):
        unit.commands.turn()
        assert not unit.bench.command.run
    unit.commands.turn()
    assert unit.bench.command.run


def test_a_stop_takes_back_a_start_whose_turns_are_not_over():
    unit = Unit()
    unit.commands.answer("run")
    assert "the beam is on" in "".join(unit.commands.answer("run"))
    unit.says("stop")
    unit.bench.run(1000)
    assert unit.bench.controller.condition == OFF
    assert not unit.bench.command.run
