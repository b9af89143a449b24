"""Memory on a microcontroller's heap: the whole unit as it starts on a board, on real MicroPython.

32 bits, single floats, 240 KB: firmware/start.py on a Pico's board file, drivers on chips of a few
lines, and an operator who asks, trips the chain, stops and starts anew every five minutes. The tick
counter wraps in the first beam. A whole day takes five minutes of a processor:

    .venv/bin/pytest tests/firmware/test_heap.py --days 50
"""

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from firmware.drivers import bme280
from firmware.settings import Settings
from firmware.store import Store
from firmware.ticks import PERIOD_MS
from hil.micropython.interpreters import find_micropython
from hil.micropython.processes import PICO_HEAP_BYTES
from hil.pico.chips.bme280 import Bme280
from hil.pico.chips.bus import I2CBus
from tests.kit.on_micropython import ROOT

FREE_BYTES = 40 * 1024
FLAT_BYTES = 64  # the same moment of two rounds, after the first; over a day: 32
STATES_BYTES = 1024  # any two moments at which nothing is being said; over a day: 448
WRAP_AFTER_MS = 45_000
ROUND_S = 300  # AGAIN_S of small_board.py
DAY_PART = 0.02  # of --days: seconds instead of minutes
AIR_ADDRESS = 0x76


class Sample(NamedTuple):
    tick: int
    ticks_ms: int
    ma: int  # emission current, 0.001 mA
    used: int  # bytes on the heap, all garbage collected
    free: int


class Life:
    """What a unit's life has printed."""

    def __init__(self, lines: list[str]):
        self.end = lines[-1]
        samples = [line.split() for line in lines[:-1]]
        self.begin = Sample(*map(int, samples[0][1:]))
        self.samples = [Sample(*map(int, words[1:])) for words in samples[1:]]

    def rounds_apart(self) -> int:
        """Largest difference of the heap between the same moments of all rounds but the first."""
        moments: dict[int, list[int]] = {}
        for sample in self.samples:
            if sample.tick > 100 * ROUND_S:
                moments.setdefault(sample.tick % (100 * ROUND_S), []).append(sample.used)
        return max(max(used) - min(used) for used in moments.values())


def air_registers() -> bytes:
    """Those of a BME280 that has measured."""
    now_us = 0
    chip = Bme280(lambda: 21.5, lambda: 101325.0, lambda: 45.0, lambda: now_us)
    bus = I2CBus()
    bus.attach(AIR_ADDRESS, chip)
    driver = bme280.Bme280(bus)
    assert driver.configure()
    now_us = 1_000_000
    assert driver.fetch()
    return bytes(chip.registers)


PROGRAM = """
import sys
sys.path.insert(0, "tests/kit")
import small_board
world = small_board.make(AIR, START_MS, TICKS, KV_FULL, MA_FULL)
BEFORE
import gc
gc.threshold(4096)
from firmware.boards.pico import board
board.folder = FOLDER
from firmware import start
start.standard_streams = world.streams
print(start.operate(board), world.pins[11].level, max(world.i2c.dac), len(world.machine.mem32))
"""


def life(folder: Path, ticks: int, before: str = "") -> Life:
    """A unit from power-up to its reset."""
    settings = Settings()
    assert Store(str(folder)).save(settings) is None
    program = PROGRAM
    for name, value in {
        "AIR": air_registers(),
        "START_MS": PERIOD_MS - WRAP_AFTER_MS,
        "TICKS": ticks,
        "KV_FULL": settings.kv_full,
        "MA_FULL": settings.ma_full,
        "FOLDER": str(folder),
    }.items():
        program = program.replace(name, repr(value))
    interpreter = str(find_micropython("single").absolute())
    command = [interpreter, "-X", f"heapsize={PICO_HEAP_BYTES}", "-c"]
    done = subprocess.run(
        [*command, program.replace("BEFORE", before)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return Life(done.stdout.splitlines())


@pytest.fixture(scope="module")
def unit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Life:
    ticks = round(8_640_000 * DAY_PART * request.config.getoption("--days"))
    return life(tmp_path_factory.mktemp("flash"), ticks)


def test_a_unit_that_has_started_leaves_memory_free(unit: Life):
    print(f"{unit.begin.used} bytes used, {unit.begin.free} free of {PICO_HEAP_BYTES}")
    assert unit.begin.used + unit.begin.free == pytest.approx(PICO_HEAP_BYTES, rel=0.05)
    assert unit.begin.free >= FREE_BYTES
    assert min(sample.free for sample in unit.samples) >= FREE_BYTES


@pytest.mark.slow
def test_the_heap_does_not_grow(unit: Life):
    used = [sample.used for sample in unit.samples]
    apart = unit.rounds_apart()
    print(f"{unit.samples[-1].tick} ticks: {min(used)} to {max(used)} bytes, rounds {apart} apart")
    assert apart <= FLAT_BYTES
    assert max(used) - min(used) <= STATES_BYTES


def test_the_unit_was_at_work_all_the_time(unit: Life):
    """There was beam before and after the counter's wrap, none after a trip, and beam again."""
    wraps = [
        (before.ma, after.ma)
        for before, after in zip(unit.samples, unit.samples[1:], strict=False)
        if after.ticks_ms < before.ticks_ms
    ]
    assert len(wraps) == 1 and min(wraps[0]) > 970
    for sample in unit.samples[:-1]:
        at_s = sample.tick // 100 % ROUND_S
        if at_s > 40:
            assert sample.ma > 970
    assert sum(sample.ma == 0 for sample in unit.samples) >= unit.samples[-1].tick // 100 // ROUND_S
    assert unit.end == "reset 0 0 1"  # the safe state, and the watchdog let go


def test_a_leak_of_a_float_a_second_is_seen(tmp_path: Path):
    """The control."""
    leaking = life(tmp_path, 300 * ROUND_S, before="world.leak = []")
    assert leaking.rounds_apart() > 4 * FLAT_BYTES
