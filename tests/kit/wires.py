"""Serial lines without hardware: to a console in this process, and to one in another."""

import os
import select
import subprocess
from collections.abc import Sequence
from pathlib import Path

from firmware.console.commands import Commands
from firmware.console.console import Console
from firmware.settings import Settings
from firmware.store import Store
from tests.kit.chip_bench import ChipBench
from tests.kit.disk import Disk

ROOT = Path(__file__).parents[2]
TURNS = 80  # of the unit's console before a read says that nothing came


class Wire:
    """A unit in this process and the line to it; `stream` for the client, without threads.

    pulled_after : bytes that still pass, either way, before the cable is out; None: all
    echo         : the unit's answers, replaced by these; None: its own
    now_s        : a clock that moves when a read has waited in vain
    """

    def __init__(self, disk: Disk, echo: bytes | None = None):
        self.disk = disk
        self.pulled_after: int | None = None
        self.echo = echo
        self.clock_s = 0.0
        self.closed = False
        settings = Settings()
        store = Store("", disk.open)
        store.boot(settings)
        self.bench = bench = ChipBench(settings)
        commands = Commands(
            settings, store, bench.controller, bench.command, bench.inputs, bench.outputs
        )
        self._to_unit = b""
        self._from_unit = b""
        self._console = Console(
            commands, _End(self), _End(self), lambda: len(self._to_unit) > 0, lambda: 64
        )

    def now_s(self) -> float:
        return self.clock_s

    def write(self, data: bytes) -> int:
        self._to_unit += data if self.echo is None else b""
        passed = self._pass(len(data))
        if passed < len(data):
            self._to_unit = self._to_unit[: len(self._to_unit) - len(data) + passed]
            self._work()
            raise OSError(5, "Input/output error")
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self._work()
        if self.echo:
            self._from_unit, self.echo = self.echo, b""
        data, self._from_unit = self._from_unit[:size], self._from_unit[size:]
        if self._pass(len(data)) < len(data):
            raise OSError(5, "Input/output error")
        if not data:
            self.clock_s += 0.1
        return data

    def close(self) -> None:
        self.closed = True

    def _pass(self, count: int) -> int:
        if self.pulled_after is None:
            return count
        passed = min(count, self.pulled_after)
        self.pulled_after -= passed
        return passed

    def _work(self) -> None:
        self.bench.tick()
        for _ in range(TURNS):
            self._console.turn()


class _End:
    """The unit's end of a Wire."""

    def __init__(self, wire: Wire):
        self._wire = wire

    def read(self, size: int) -> bytes:
        data, self._wire._to_unit = self._wire._to_unit[:size], self._wire._to_unit[size:]
        return data

    def write(self, data: bytes) -> None:
        self._wire._from_unit += data


class Pipes:
    """The line to tests/kit/console_unit.py in a process of its own."""

    def __init__(self, interpreter: Sequence[str], folder: Path):
        self._process = subprocess.Popen(
            [*interpreter, "tests/kit/console_unit.py", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=ROOT,
        )

    def write(self, data: bytes) -> int | None:
        assert self._process.stdin
        return self._process.stdin.write(data)

    def read(self, size: int = 1) -> bytes:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], 0.1)
        return os.read(self._process.stdout.fileno(), 4096) if ready else b""

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10.0)
