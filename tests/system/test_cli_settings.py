"""`tubetwin settings` as a user meets it, with a unit on MicroPython at the other end of a line."""

import json
import os
import pty
import re
import subprocess
import sys
import tty
from collections.abc import Generator
from pathlib import Path

import pytest

import hil.unit.console
from firmware.setting_table import LIMITS
from firmware.settings import Settings
from hil.micropython.processes import command_of
from tests.system.test_cli import assert_one_line
from twin.tube.tube import TUBES, load_tube

ROOT = Path(__file__).parents[2]
CALIBRATION = TUBES / "cu-50w-air.calibration.json"
FOUND = json.loads(CALIBRATION.read_text())["settings"]


class Device:
    """A unit that can be switched on again: its flash is a folder, its line a pseudo-terminal."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.url = os.ttyname(self.slave)
        self.process: subprocess.Popen | None = None
        folder.mkdir()
        self.switch_on()

    def switch_on(self) -> None:
        command = [*command_of("micropython")[:1], "tests/kit/console_unit.py", str(self.folder)]
        self.switch_off()
        self.process = subprocess.Popen(command, stdin=self.master, stdout=self.master, cwd=ROOT)

    def switch_off(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def device(tmp_path: Path) -> Generator[Device, None, None]:
    device = Device(tmp_path / "flash")
    yield device
    device.switch_off()
    os.close(device.master)
    os.close(device.slave)


def test_a_calibration_is_moved_onto_a_unit(tubetwin, device, tmp_path):
    status, out, err = tubetwin("settings", "check", "--port", device.url)
    assert (status, err) == (1, "")
    assert out == f"{device.url}: not set up: no settings are stored\n"

    status, out, err = tubetwin(
        "settings", "set", "ma=0.9", "--from", CALIBRATION, "--port", device.url
    )
    assert (status, err) == (0, "")
    assert f"{len(FOUND) + 1} settings stored and read back" in out
    assert "takes effect at the next reset" in out

    device.switch_on()
    status, out, _ = tubetwin("settings", "check", "--port", device.url)
    assert (status, out) == (0, f"{device.url}: set up\n")
    status, out, _ = tubetwin("settings", "get", "--port", device.url, "--json")
    document = json.loads(out)
    assert (status, document["port"]) == (0, device.url)
    assert document["settings"] == {**Settings().values(), **FOUND, "ma": 0.9}

    (tmp_path / "backup.json").write_text(out)  # what get prints, set takes
    status, out, _ = tubetwin(
        "settings", "set", "--from", "backup.json", "--port", device.url, "--json"
    )
    assert (status, len(json.loads(out)["saved"])) == (0, len(LIMITS))


def test_a_unit_is_given_the_settings_of_a_tube(tubetwin, device):
    tube = "cu-txs-water"
    assert tubetwin("settings", "set", "--tube", tube, "--port", device.url)[0] == 0
    out = tubetwin("settings", "get", "kv", "air_cooled", "ma", "--port", device.url)[1]
    s = load_tube(tube)[1].firmware_settings()
    assert [line.split() for line in out.splitlines()] == [
        ["kv", str(float(s.kv))],
        ["air_cooled", str(s.air_cooled)],
        ["ma", str(float(s.ma))],
    ]


def test_a_unit_checks_over_its_own_settings_and_keeps_nothing(tubetwin, device):
    port = ("--port", device.url)
    status, out, _ = tubetwin("settings", "check", "kv_max=52", *port, "--json")
    assert (status, json.loads(out)["ok"]) == (0, True)
    assert_one_line(tubetwin("settings", "check", "kv=52", *port), device.url, "kv_max = 50")
    assert_one_line(tubetwin("settings", "set", "kv=52", *port), device.url, "kv_max = 50")
    assert_one_line(tubetwin("settings", "set", "warp=9", *port), "unknown setting warp")
    assert_one_line(tubetwin("settings", "get", "warp", *port), "unknown setting warp")
    assert list(device.folder.iterdir()) == []


def test_without_a_port_the_check_is_made_here(tubetwin, tmp_path):
    status, out, err = tubetwin("settings", "check", CALIBRATION)
    assert (status, out, err) == (0, f"{len(FOUND)} settings: ok\n", "")
    status, out, _ = tubetwin("settings", "check", CALIBRATION, "ma=0.9", "--json")
    assert (status, json.loads(out)) == (0, {"ok": True, "settings": len(FOUND) + 1})
    (tmp_path / "plain.json").write_text('{"kv": 45, "ma": 0.9}')
    assert tubetwin("settings", "check", "plain.json")[0] == 0
    assert_one_line(tubetwin("settings", "check", "kv=150"), "kv: 150 is above kv_max = 50")
    big = tubetwin("settings", "check", "--tube", "cu-txs-water", "ma=6")
    assert big[0] == 0, "over another tube's settings it can be"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["not JSON"]),
        ("[1]", ["has no settings"]),
        ("{}", ["has no settings"]),
        ('{"settings": {}}', ["has no settings"]),
        ('{"settings": {"kv": "50"}}', ["kv is '50', not a number"]),
        ('{"settings": {"kv": true}}', ["kv is True, not a number"]),
        ('{"settings": {"kv": NaN}}', ["kv is nan, not a finite number"]),
        ('{"settings": {"kv": 1e999}}', ["kv is inf, not a finite number"]),
        ("[" * 100_000, ["not JSON"]),
        ('{"settings": {"warp": 9}}', ["unknown setting warp", "docs/board/settings.md"]),
        ('{"settings": {"kv": 3}}', ["kv: 3 is outside 4 to 400"]),
    ],
)
def test_an_unusable_file_is_one_line(tubetwin, tmp_path, content, words):
    (tmp_path / "bad.json").write_text(content)
    assert_one_line(tubetwin("settings", "check", "bad.json"), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set"], ["nothing to set", "--from"]),
        (["set", "kv"], ["kv", "NAME=VALUE"]),
        (["set", "bad.json"], ["bad.json", "--from"]),
        (["set", "kv=4,5"], ["kv=4,5", "'4,5' is not a number"]),
        (["set", "kv="], ["kv=", "not a number"]),
        (["set", "kv=inf"], ["not a finite number"]),
        (["set", "kv=45", "--port", "/nowhere/tty"], ["--port /nowhere/tty", "can't be opened"]),
        (["set", "kv=45", "--port", "warp://x"], ["--port warp://x", "can't be opened"]),
        (["set", "kv=45", "--from", "nowhere.json"], ["nowhere.json", "can't be read"]),
        (["set", "--tube", "cu-50w-iar"], ["cu-50w-iar"]),
        (["check"], ["give FILE.json"]),
        (["check", "nowhere.json"], ["nowhere.json", "can't be read"]),
        (["get", "--port", "socket://127.0.0.1:1"], ["socket://127.0.0.1:1", "can't be opened"]),
        (["get", "--prot", "x"], ["--prot"]),
        (["put"], ["put"]),
    ],
)
def test_unusable_arguments_are_one_line_before_any_port_is_touched(tubetwin, arguments, words):
    assert_one_line(tubetwin("settings", *arguments), *words)


def test_auto_finds_the_only_unit_or_says_what_to_do(tubetwin, device, monkeypatch):
    other, silent = pty.openpty()
    ports = [device.url, os.ttyname(silent)]
    monkeypatch.setattr(hil.unit.console, "usb_ports", lambda: ports)
    assert tubetwin("settings", "get", "kv")[:2] == (0, "kv  50.0\n")
    monkeypatch.setattr(hil.unit.console, "usb_ports", list)
    assert_one_line(tubetwin("settings", "set", "kv=45"), "no serial port on USB", "--port")
    os.close(other)
    os.close(silent)


def test_a_port_that_another_program_has_open_is_told(tubetwin, device):
    with hil.unit.console.connect(device.url):
        assert_one_line(
            tubetwin("settings", "get", "--port", device.url), "another program has it open"
        )


def test_help_touches_no_port_and_loads_no_serial_library(tubetwin, monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    for arguments in (["--help"], ["get", "--help"], ["set", "--help"], ["check", "--help"]):
        status, out, err = tubetwin("settings", *arguments)
        assert (status, err) == (0, "")
        assert "settings" in out.lower()


def test_the_page_has_the_table_of_all_settings_and_every_word_of_the_console():
    page = (ROOT / "docs" / "board" / "settings.md").read_text("utf-8")
    command = [sys.executable, str(ROOT / "scripts" / "settings_table.py")]
    table = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert page.endswith("\n\n" + table)
    assert table.count("\n") == 2 + len(LIMITS)
    files = ("console/commands.py", "console/service.py")
    source = "".join((ROOT / "firmware" / name).read_text("utf-8") for name in files)
    words = re.findall(r'^ +"(\w+)": \(.*, \d+, \d+, "', source, re.M)
    assert len(words) > 12
    for word in words:
        assert re.search(rf"^\| `{word}\b", page, re.M), word
