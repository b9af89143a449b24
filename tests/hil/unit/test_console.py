"""The host's end: exact numbers, all or nothing, and one line for whatever goes wrong."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.setting_table import LIMITS
from firmware.settings import Settings
from firmware.store import Store
from hil.micropython.processes import command_of
from hil.unit.console import ConsoleClient, LostError, RefusedError, find_unit, narrow, shortest
from tests.kit.disk import Disk
from tests.kit.wires import Pipes, Wire
from twin.files.errors import InputError

DEFAULTS = Settings().values()
CALIBRATION = {"head_per_k": 0.0109103, "kv_exponent": 1.0 / 3.0, "mount_per_k2": -7.72596e-05}


def client(wire: Wire, name: str = "the port") -> ConsoleClient:
    return ConsoleClient(wire, name, now_s=wire.now_s)


def set_up(**values: float) -> Disk:
    disk, settings = Disk(), Settings()
    settings.load(values)
    assert Store("", disk.open).save(settings) is None
    return disk


def stored(disk: Disk) -> dict[str, float]:
    settings = Settings()
    Store("", disk.open).boot(settings)
    return settings.values()


def test_a_unit_says_what_it_is_and_what_is_set():
    with client(Wire(set_up(ma=0.75))) as unit:
        assert unit.about["firmware"] == "0.1.0"
        assert unit.settings() == {**DEFAULTS, "ma": 0.75}
        assert unit.settings(["preheat_ms", "ma"]) == {"preheat_ms": 4000, "ma": 0.75}
        assert unit.status()["stored"] is True


def test_leftovers_on_the_line_are_neither_obeyed_nor_taken_for_answers():
    wire = Wire(set_up())
    wire.bench.run(100)
    wire.write(b"get\nstatus\nrun")
    with client(wire) as unit:
        assert unit.settings(["kv"]) == {"kv": 50.0}
    assert not wire.bench.command.run


def test_what_is_saved_is_read_back_and_stored():
    disk = set_up(ma=0.75)
    with client(Wire(disk)) as unit:
        assert unit.save(CALIBRATION) == "save 2, takes effect at the next reset"
    assert stored(disk) == {**DEFAULTS, "ma": 0.75, **CALIBRATION}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ma": 0.5, "warp": 1.0}, "the port: unknown setting warp"),
        ({"ma": 0.5, "kv": 70.0}, "the port: kv: 70 is above kv_max = 50"),
        ({"ma": 0.5, "kv": 1e299}, "the port: kv: 1e+299 is outside 4 to 400"),
    ],
)
def test_what_a_unit_refuses_leaves_all_as_it_was_and_nothing_pending(values, words):
    disk = set_up(ma=0.75)
    with client(Wire(disk)) as unit:
        for act in (unit.save, unit.check):
            with pytest.raises(RefusedError, match="^" + words.replace("+", r"\+")):
                act(values)
        assert unit.status()["pending"] == 0
    assert stored(disk) == {**DEFAULTS, "ma": 0.75}


class Misunderstanding(Wire):
    """A unit that does not keep what it was sent: an answer that ends so has other bits."""

    ending = b""

    def _work(self) -> None:
        super()._work()
        quarter, half = (b"0x3f%x0000000000000" % digit for digit in (0xD, 0xE))
        self._from_unit = self._from_unit.replace(quarter + self.ending, half + self.ending)


@pytest.mark.parametrize("ending", [b" pending\n", b" saved\n"])
def test_a_number_that_does_not_come_back_as_it_was_sent_is_told(ending: bytes):
    disk = set_up()
    wire = Misunderstanding(disk)
    wire.ending = ending
    with client(wire) as unit, pytest.raises(InputError, match=r"sent as 0\.25 .* stored as 0\.5"):
        unit.save({"head_per_k": 0.25})
    assert (stored(disk) == DEFAULTS) == (ending == b" pending\n")


def test_a_check_changes_nothing():
    disk = set_up(ma=0.75)
    with client(Wire(disk)) as unit:
        unit.check(CALIBRATION)
        assert unit.status()["pending"] == 0
        assert unit.settings()["head_per_k"] == 0.0
    assert stored(disk) == {**DEFAULTS, "ma": 0.75}


def test_a_unit_whose_beam_is_on_is_not_set():
    wire = Wire(set_up())
    wire.bench.start()
    with client(wire) as unit, pytest.raises(RefusedError, match="the beam is on: stop first"):
        unit.save(CALIBRATION)


def test_a_flash_that_is_full_is_reported_and_keeps_the_old_settings():
    disk = set_up(ma=0.75)
    disk.space = 300
    with client(Wire(disk)) as unit, pytest.raises(RefusedError, match="the flash is full"):
        unit.save(CALIBRATION)
    assert stored(disk) == {**DEFAULTS, "ma": 0.75}


def test_a_cable_pulled_anywhere_leaves_the_old_settings_or_the_new_ones_and_is_told():
    old, new = {**DEFAULTS, "ma": 0.75}, {**DEFAULTS, "ma": 0.75, **CALIBRATION}
    kept, told = [], []
    for pulled_after in range(0, 50_000, 19):
        disk = set_up(ma=0.75)
        wire = Wire(disk)
        unit = client(wire)
        wire.pulled_after = pulled_after
        try:
            unit.save(CALIBRATION)
            break
        except LostError as error:
            told.append(str(error))
        kept.append(stored(disk))
        assert kept[-1] in (old, new)
    assert stored(disk) == new
    # First the unit keeps the old settings and that is said; then it is not known, and that is.
    changed = kept.index(new)
    assert kept[:changed] == [old] * changed and kept[changed:] == [new] * len(kept[changed:])
    sure = [line for line in told if line.endswith("; the unit keeps the settings it had")]
    open_ = [line for line in told if "all of the new settings are stored or none" in line]
    assert told == sure + open_
    assert 10 < len(sure) <= changed
    assert len(open_) > 10
    assert all("\n" not in line for line in told)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "no answer; is the unit plugged in"),
        (b"?\r\n>>> version\r\n", "MicroPython's prompt answers"),
        (b"\xff\xfe\0\x80\n" * 100, "no answer"),
        (b"ok {firmware\n", "no answer"),
        (b'ok {"firmware"\n', "is no JSON object"),
    ],
)
def test_a_port_without_a_unit_is_one_line_and_the_port_is_closed(answer, words):
    wire = Wire(Disk(), echo=answer)
    with pytest.raises(LostError, match=words) as told:
        client(wire)
    assert str(told.value).startswith("the port: ")
    assert "\n" not in str(told.value)
    assert wire.closed


def test_a_unit_that_falls_silent_is_not_waited_for():
    wire = Wire(set_up())
    unit = client(wire)
    wire.echo = b""
    with pytest.raises(LostError, match="no answer"):
        unit.settings()
    wire.echo = b"kv fifty\nok\n"
    with pytest.raises(LostError, match="'kv fifty', which is no setting"):
        unit.settings()


# Which port --------------------------------------------------------------------------------------


def test_the_only_port_at_which_a_unit_answers_is_found():
    wires = {"ttyACM0": Wire(Disk(), echo=b""), "ttyACM1": Wire(set_up())}
    with find_unit(wires, lambda port: client(wires[port])) as unit:
        assert unit.settings(["kv"]) == {"kv": 50.0}
    assert wires["ttyACM1"].closed
    assert wires["ttyACM0"].closed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "no serial port on USB; plug a unit in or name a --port"),
        ({"ttyACM0": b"", "ttyACM1": b""}, "no unit answers at ttyACM0, ttyACM1"),
        ({"ttyACM0": None, "ttyACM1": None}, "units answer at ttyACM0, ttyACM1; name one"),
    ],
)
def test_no_unit_and_several_units_are_reported_and_all_ports_are_closed(answers, words):
    wires = {name: Wire(set_up(), echo=answer) for name, answer in answers.items()}
    with pytest.raises(InputError, match=words):
        find_unit(wires, lambda port: client(wires[port], port))
    assert all(wire.closed for wire in wires.values())


# Single precision --------------------------------------------------------------------------------


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_is_read_as_the_same_number(value: float):
    assert narrow(shortest(value)) == value
    digits = [repr(number).partition("e")[0].strip("-0.") for number in (shortest(value), value)]
    assert len(digits[0]) <= len(digits[1])


def test_a_decimal_of_six_digits_comes_back_as_it_was_typed():
    for value in (0.98, 0.0109103, -7.72596e-05, 101325.0):
        assert shortest(narrow(value)) == value


# Other interpreters ------------------------------------------------------------------------------

INTERPRETERS = {
    "cpython": lambda: [sys.executable],
    "micropython": lambda: command_of("micropython")[:1],
    "micropython-f32": lambda: command_of("micropython-f32")[:3],
}


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_calibration_goes_to_a_unit_and_is_there_after_its_reset(name: str, tmp_path: Path):
    interpreter = INTERPRETERS[name]()
    with ConsoleClient(Pipes(interpreter, tmp_path), name, hello_s=10.0) as unit:
        assert unit.about["float_bits"] == (32 if name.endswith("f32") else 64)
        assert unit.status()["stored"] is False
        with pytest.raises(RefusedError, match="not set up"):
            unit.ask("run")
        for _ in range(3):
            unit.save(CALIBRATION)
        assert unit.ask("reset") == ([], "resetting")
    with ConsoleClient(Pipes(interpreter, tmp_path), name, hello_s=10.0) as unit:
        status = unit.status()
        assert (status["stored"], status["store"], status["state"]) == (True, "", "off")
        kept = unit.settings()
        assert [*kept] == sorted(limit[0] for limit in LIMITS)
        near = narrow if name.endswith("f32") else float
        wanted = {**DEFAULTS, **CALIBRATION}
        assert {n: near(v) for n, v in kept.items()} == {n: near(v) for n, v in wanted.items()}
        unit.save(kept)  # as a backup is brought back
        assert unit.settings() == kept


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_unit_runs_only_when_told_and_stops_when_told(name: str, tmp_path: Path):
    interpreter = INTERPRETERS[name]()
    with ConsoleClient(Pipes(interpreter, tmp_path), name, hello_s=10.0) as unit:
        unit.save(CALIBRATION)
    with ConsoleClient(Pipes(interpreter, tmp_path), name, hello_s=10.0) as unit:
        assert unit.status()["state"] == "off"
        assert unit.ask("run 45 0.9")[1] == "starting, 45 kV 0.9 mA"
        while unit.status()["state"] == "off":
            pass  # a few ticks
        assert unit.status()["state"] == "preheat"
        with pytest.raises(RefusedError, match="the beam is on"):
            unit.save({"ma": 0.5})
        assert unit.ask("stop")[1] == "stopped"
        assert unit.status()["state"] == "off"
