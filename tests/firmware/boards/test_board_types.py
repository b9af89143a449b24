"""The firmware is type-checked against what each port of MicroPython has, not against CPython.

The stubs take the place of typeshed (mypy --custom-typeshed-dir); `scripts/bootstrap.py dev` puts
them into .venv/stubs. Faults inside the stubs themselves are not ours and are left out. The stubs
know fewer differences than there are (they give the STM32 the ESP32's attenuations, and all of
`sys`): what passes here need not run, but what fails would not.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from bootstrap import LOCKS, PORTS
from hil.board_types import BOARD_TYPES

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = sorted((ROOT / "firmware").rglob("*.py"))
BOARDS = ROOT / "firmware" / "boards"


def imported_by(name: str) -> set[str]:
    """A file of firmware/boards and all others there that it imports, however indirectly."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        found |= waiting
        texts = [(BOARDS / one).read_text() for one in waiting]
        others = re.findall(r"from firmware\.boards\.(\w+) import", "\n".join(texts))
        waiting = {f"{other}.py" for other in others} - found
    return found


# The files of firmware/boards that run on one port alone: what only boards of that port import.
USED = {
    port: {
        name
        for kind in BOARD_TYPES.values()
        if kind.port == port
        for name in imported_by(f"{kind.name}.py")
    }
    for port in PORTS
}
OWN = {
    port: used - set().union(*(others for other, others in USED.items() if other != port))
    for port, used in USED.items()
}
CONFIG = """[mypy]
ignore_errors = True
[mypy-firmware.*,sample]
ignore_errors = False
check_untyped_defs = True
extra_checks = True
strict_equality = True
warn_redundant_casts = True
warn_unreachable = True
"""
# What every port lacks, or has with other arguments; one a line.
ABSENT = """
import dataclasses
import functools
import pathlib
import threading
from math import hypot
from time import perf_counter
time.monotonic()
gc.get_stats()
machine.Pin(1, machine.Pin.OUT, level=0)
machine.Pin(1).irq(handler=None, trigger=1, fast=True)
machine.I2C(0, speed=400000)
machine.SPI(1, baudrate=1, mode=3)
machine.ADC(machine.Pin(1)).read_u32()
machine.WDT(timeout_s=1)
machine.Led(1)
machine.UART(1, baud=9600)
time.ticks_ms("now")
"""


def files_of(port: str) -> list[Path]:
    """All of the firmware but what belongs to another port's boards."""
    others = {name for other, names in OWN.items() if other != port for name in names}
    return [path for path in FIRMWARE if path.parent.name != "boards" or path.name not in others]


def complaints(port: str, files: Iterable[Path], folder: Path) -> list[str]:
    """What mypy says of the files on a port, one line each."""
    stubs = ROOT / ".venv" / "stubs" / port
    assert (stubs / "machine.pyi").exists(), "no stubs: run python3 scripts/bootstrap.py dev"
    config = folder / "mypy.ini"
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "mypy", "--config-file", str(config)]
    command += ["--custom-typeshed-dir", str(stubs), "--no-site-packages", "--platform", "linux"]
    command += ["--python-version", "3.11", "--explicit-package-bases", "--no-error-summary"]
    command += ["--cache-dir", os.devnull, *map(str, files)]
    environ = {**os.environ, "MYPYPATH": f"{stubs}:{ROOT}"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode < 2, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if ": note: " not in line]


@pytest.mark.parametrize("port", PORTS)
def test_the_firmware_uses_what_the_port_has_and_as_it_has_it(port: str, tmp_path: Path):
    files = files_of(port)
    assert len(files) > 40
    assert complaints(port, files, tmp_path) == []


def test_every_file_of_a_board_is_checked_on_some_port():
    assert {kind.port for kind in BOARD_TYPES.values()} == set(PORTS)
    assert OWN["rp2"] == {"rp2.py", "guard.py", "pico.py", "pico2.py"}
    assert {path for port in PORTS for path in files_of(port)} == set(FIRMWARE)


@pytest.mark.parametrize("port", PORTS)
def test_what_a_port_lacks_is_reported(port: str, tmp_path: Path):
    sample = tmp_path / "sample.py"
    first = "import gc, machine, time"
    sample.write_text(first + ABSENT)
    reported = {
        int(match[1])
        for line in complaints(port, [sample], tmp_path)
        if (match := re.match(r"sample\.py:(\d+):", line))
    }
    lines = sample.read_text().splitlines()
    assert [line for at, line in enumerate(lines, 1) if at not in reported] == [first]


@pytest.mark.parametrize(("port", "name"), [("rp2", "pyboard.py"), ("esp32", "pyboard.py")])
def test_a_boards_file_on_another_port_is_reported(port: str, name: str, tmp_path: Path):
    assert complaints(port, [ROOT / "firmware" / "boards" / name], tmp_path)


def test_the_lock_of_the_stubs_pins_every_port_with_hashes():
    lock = (ROOT / LOCKS["stubs"]).read_text().replace("\\\n", " ")
    lines = [line for line in lock.splitlines() if line.startswith("micropython")]
    names = {re.split("==", line)[0] for line in lines}
    assert names == {"micropython-stdlib-stubs", *(f"micropython-{port}-stubs" for port in PORTS)}
    for line in lines:
        assert re.match(r"\S+==\d\S* .*--hash=sha256:[0-9a-f]{64}\b", line), line
    assert "://" not in lock
