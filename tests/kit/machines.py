"""The `machine` module of each port, as strict as the port about its arguments, over chip models.

What the ports take and refuse is read from MicroPython 1.25's sources (ports/*/machine_*.c), which
pins can do what from the processors' data sheets.
"""

# ruff: noqa: N802

from collections.abc import Callable
from types import ModuleType
from typing import Any

from hil.pico.chips import bus

ROLES = ("in", "out", "drain")
PULL = {"PULL_UP": 1, "PULL_DOWN": 2}


class Recorder(bus.I2CBus):
    """sent: (address, bytes) of all that is written, whether anybody acknowledges or not."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, bytes]] = []

    def writeto(self, address: int, buffer: Any, stop: bool = True) -> int:
        self.sent.append((address, bytes(buffer)))
        return super().writeto(address, buffer, stop)


class World:
    """What is around the processor: `pins` by name, buses, and what has been done in what order."""

    def __init__(self) -> None:
        self.pins: dict[Any, Any] = {}
        self.events: list[tuple[Any, ...]] = []
        self.i2c = Recorder()
        self.spi = bus.SPIBus()
        self.uart: Any = None
        self.lamp_u16: Callable[[], int] = lambda: 0
        self.watchdogs: list[Any] = []
        self.timers: list[Any] = []
        self.pwm: Any = None
        self.memory: dict[int, int] = {}
        self.cause = 1
        self.interrupts = True
        self.resets = 0

    def used(self, name: object, role: str) -> None:
        self.events.append((role, name))


class Machine(ModuleType):
    """What is the same on all three ports; they are in ports.py."""

    PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3

    def __init__(self, world: World):
        super().__init__("machine")
        self.world = world
        self.Pin: Any = pin_class(self, world)
        self.mem32 = world.memory

    def disable_irq(self) -> bool:
        assert self.world.interrupts
        self.world.interrupts = False
        return True

    def enable_irq(self, state: bool) -> None:
        self.world.interrupts = state

    def check_pin(self, name: Any, mode: Any, pull: Any) -> None:
        """ValueError for what the pin can't be."""
        raise NotImplementedError

    def ADC(self, pin: Any) -> Any:
        self.check_adc(pin.name)
        self.world.used(pin.name, "adc")
        return bus.ADC(lambda: self.world.lamp_u16())

    def check_adc(self, name: Any) -> None:
        raise NotImplementedError

    def WDT(self, id: int = 0, timeout: int = 5000) -> Any:
        if id != 0 or timeout <= 0:
            raise ValueError("WDT")
        self.world.watchdogs.append(Watchdog(timeout))
        return self.world.watchdogs[-1]

    def reset(self) -> None:
        self.world.resets += 1

    def reset_cause(self) -> int:
        return self.world.cause


def pin_class(machine: Machine, world: World) -> Any:
    """machine.Pin: one object for each pin, whose level is set before its direction."""

    class Pin(bus.Pin):
        IN, OUT, OPEN_DRAIN = 0, 1, 2
        PULL_UP, PULL_DOWN = PULL["PULL_UP"], PULL["PULL_DOWN"]
        name: Any
        direction: Any
        pull: Any
        hard: Any

        def __new__(cls, name: Any, *_: Any, **__: Any) -> Any:
            return world.pins.get(name) or super().__new__(cls)

        def __init__(self, name: Any, mode: Any = -1, pull: Any = None, *, value: Any = None):
            machine.check_pin(name, mode, pull)
            if name not in world.pins:
                super().__init__(int(pull == self.PULL_UP))
                self.name, self.direction, self.pull = name, None, None
                world.pins[name] = self
            if value is not None:
                world.events.append(("level", name, value))
                self.value(value)
            if mode != -1:
                self.direction, self.pull = mode, pull
                world.events.append((ROLES[mode], name))

        def irq(self, handler: Any = None, trigger: int = 12, hard: bool = False) -> None:
            world.events.append(("irq", self.name))
            self.hard = hard
            super().irq(handler, trigger, hard)

    return Pin


class Watchdog:
    def __init__(self, timeout: int):
        self.timeout = timeout
        self.fed = 0

    def feed(self) -> None:
        self.fed += 1


def spi(world: World, baudrate: int, polarity: int, phase: int) -> bus.SPIBus:
    assert baudrate <= 5000000 and phase == 1  # MAX31865, 19-6478 Rev 3: modes 1 and 3
    return world.spi


def uart(world: World, baudrate: int, tx: Any, rx: Any) -> Any:
    assert baudrate == 115200
    world.used(tx, "tx")
    world.used(rx, "rx")
    return world.uart
