"""A board on CPython: its port's `machine`, and the twin's chips around it on a plant at rest."""

import importlib
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from firmware.settings import Settings
from firmware.signals import Inputs, Outputs
from hil.board_types import BOARD_TYPES
from hil.pico.chips.lamp import current_u16
from hil.pico.chips.rack import Rack
from tests.kit import ports
from tests.kit.machines import World
from twin.plant.plant import Plant

MACHINES: dict[str, Any] = {"rp2": ports.Rp2, "esp32": ports.Esp32, "stm32": ports.Stm32}
TICK_US = 10000
SWITCHES = 7


class StillPlant:
    """What the rack needs of a plant: values that a test sets."""

    def __init__(self) -> None:
        self.kv_monitor_raw = 20000
        self.ma_monitor_raw = 15000
        self.filament_monitor_raw = 9000
        self.hv_enable = self.lamp_on = self.fan_program_raw = 0
        self.grid_program_raw = self.kv_program_raw = self.filament_program_raw = 0
        self.switches = SWITCHES
        self.heat = SimpleNamespace(fan=0.5, fan_max_rpm=4800.0)
        self.sensors = SimpleNamespace(
            head_temperature_raw=10000,
            mount_temperature_raw=9000,
            generator_temperature_raw=3210,
            room_temperature_raw=2150,
            room_pressure_raw=98765,
            room_humidity_raw=4321,
        )

    def advance(self) -> None:
        pass


class Rig:
    """board, and its `unit` once made; tick() is one turn of the loop."""

    def __init__(self, name: str, monkeypatch: Any):
        self.kind = BOARD_TYPES[name]
        self.pins: Any = self.kind.pins
        self.us = 0
        self.world = World()
        modules: dict[str, ModuleType] = {"machine": MACHINES[self.kind.port](self.world)}
        if self.kind.port == "stm32":
            modules["pyb"] = ports.Pyb(self.world)
        for module, fake in modules.items():
            monkeypatch.setitem(sys.modules, module, fake)
        monkeypatch.setattr(time, "ticks_us", lambda: self.us & (1 << 30) - 1, raising=False)
        monkeypatch.setattr(time, "ticks_ms", lambda: self.us // 1000, raising=False)
        monkeypatch.setattr(time, "sleep_us", lambda us: None, raising=False)
        forget_boards()
        self.board: Any = importlib.import_module(f"firmware.boards.{name}").board
        self.plant: Any = StillPlant()
        self.rack = Rack(cast(Plant, self.plant), lambda: self.us)
        for address, chip in self.rack.i2c.items():
            self.world.i2c.attach(address, chip)
        self.world.lamp_u16 = current_u16(self.rack.lamp_raw)
        self.settings: Any = Settings()
        self.inputs: Any = Inputs()
        self.outputs: Any = Outputs()

    def make(self) -> None:
        self.unit: Any = self.board.make(self.settings)
        self.world.spi.attach(self.pin("head_cs"), self.rack.head)
        self.world.spi.attach(self.pin("mount_cs"), self.rack.mount)
        self.show()

    def pin(self, signal: str) -> Any:
        return self.world.pins[self.pins[signal]]

    def show(self) -> None:
        """The contacts, at the pins."""
        for signal, closed in zip(
            ("chain_a", "chain_b", "generator_ok"), self.rack.contacts(), strict=True
        ):
            if self.pins[signal] in self.world.pins:
                self.pin(signal).value(int(closed))

    def fan_program_raw(self) -> int:
        """What the fan sees: the transistor pulls its line down while the pin is high."""
        pwm = self.world.pwm
        if hasattr(pwm, "width"):  # of a timer
            low = min(1.0, pwm.width / (pwm.timer.period() + 1))
            high = 1.0 - low if pwm.inverted else low
        else:
            high = pwm.duty_u16() / 65535
            if getattr(pwm, "inverted", False):
                high = 1.0 - high
        return round(65535 * (1.0 - high))

    def fan_hz(self) -> int:
        pwm = self.world.pwm
        return int(pwm.timer.hz if hasattr(pwm, "timer") else pwm.freq())

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.unit.read(self.inputs)
            self.unit.write(self.outputs)
            self.rack.advance(
                bool(self.pin("hv_enable").value()),
                bool(self.pin("lamp").value()),
                self.fan_program_raw(),
            )
            until_us = self.us + TICK_US
            for at_us, level in self.rack.fan.edges_until(until_us):
                self.us = at_us
                self.pin("fan_tach").value(level)
            self.us = until_us
            self.show()


def forget_boards() -> None:
    """Modules that hold a `machine` are imported anew by the next rig."""
    for name in list(sys.modules):
        if name.startswith("firmware.boards.") and not name.endswith((".board_table", ".link")):
            del sys.modules[name]
