"""A replacement of PicoUnit for PicoWorld without an emulator: the firmware's console, controller,
hardware layer and drivers in this process, on chip models. A second takes some milliseconds.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from firmware.boards.board_table import PICO
from firmware.console.commands import Commands
from firmware.console.console import BYTES, Console
from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.store import Store
from hil.pico.emulated import MS
from tests.kit.chip_unit import CONTACTS, ChipUnit
from tests.kit.disk import Disk
from twin.plant.plant import TICK_MS

POWER_UP_MS = 1500  # from power to the first tick
TICK_NS = TICK_MS * MS


class QuickPico:
    """The board's end of what PicoWorld uses: time, serial line, levels of two pins.

    dumb : it hears nothing any more
    """

    def __init__(self, settings: Settings, unit: "QuickUnit"):
        disk = Disk()
        assert Store("", disk.open).save(settings) is None
        store = Store("", disk.open)
        store.boot(settings)
        self.now_ns = 0
        self.received = bytearray()
        self.dumb = False
        self._unit = unit
        self._heard = b""
        self._controller = Controller(settings)
        self._command = Command(settings.kv, settings.ma)
        records: tuple[Any, Any] = (Inputs(), Outputs())
        self._inputs, self._outputs = records
        commands = Commands(
            settings, store, self._controller, self._command, self._inputs, self._outputs
        )
        self._console = Console(commands, self, self, lambda: len(self._heard) > 0, lambda: BYTES)

    def send(self, data: bytes) -> None:
        if not self.dumb:
            self._heard += data

    def read(self, size: int) -> bytes:
        data, self._heard = self._heard[:size], self._heard[size:]
        return data

    def write(self, data: bytes) -> None:
        self.received += data

    def take_lines(self) -> list[str]:
        *whole, rest = bytes(self.received).split(b"\n")
        self.received[:] = rest
        return [line.decode() for line in whole]

    def level(self, pin: int) -> bool:
        names = {PICO["hv_enable"]: "hv_enable", PICO["lamp"]: "lamp"}
        return bool(self._unit.chips.pins[names[pin]].value())

    def run(self, ms: float) -> None:
        """At each tick the plant moves, and then the firmware ticks."""
        end_ns = self.now_ns + round(ms * MS)
        while (due_ns := (self.now_ns // TICK_NS + 1) * TICK_NS) <= end_ns:
            self.now_ns = due_ns
            self._unit.plant.advance()
            if due_ns > POWER_UP_MS * MS:
                self._tick()
        self.now_ns = end_ns

    def _tick(self) -> None:
        unit = self._unit
        unit.chips.read(self._inputs)
        self._controller.step(self.now_ns // MS, self._inputs, self._outputs, self._command)
        unit.chips.write(self._outputs)
        self._console.turn()


class Chips(ChipUnit):
    """Contacts that a bench holds open are open."""

    dead: frozenset[str] | set[str] = frozenset()

    def show(self) -> None:
        for name, closed in zip(CONTACTS, self.rack.contacts(), strict=True):
            self.pins[name].value(int(closed and name not in self.dead))


class QuickUnit:
    """In the place of PicoUnit; `files` are the settings themselves."""

    def __init__(self, _image: Any, files: Mapping[str, bytes] | Settings, plant: Any):
        assert isinstance(files, Settings)
        self.plant = plant
        self.chips = Chips(plant)
        self.dead: set[str] = set()
        self.i2c = SimpleNamespace(absent=set())
        self.spi = SimpleNamespace(absent=set())
        self.enabled: list[tuple[int, bool]] = []
        self.pico = QuickPico(files, self)
        self.chips.pins["hv_enable"].listeners.append(self._enable_changed)

    def show(self) -> None:
        self.chips.dead = self.dead
        self.chips.show()

    def _enable_changed(self, level: int) -> None:
        self.enabled.append((self.pico.now_ns, bool(level)))
