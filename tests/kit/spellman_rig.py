"""Driver and virtual generator on one wire with the pace of its bytes, tick by tick."""

from types import SimpleNamespace
from typing import Any

from firmware.calibration import ADC_FULL, DAC_FULL
from firmware.drivers.spellman.generator import Spellman
from firmware.settings import Settings
from firmware.signals import Inputs, Outputs
from firmware.ticks import MASK
from hil.pico.chips.spellman import VirtualGenerator, VirtualUart

TICK_MS = 10


class Pin:
    """The enable pin, whose relay is the generator's interlock loop."""

    def __init__(self):
        self.level = -1
        self.generator: VirtualGenerator | None = None
        self.stuck_open = False

    def value(self, level: int) -> None:
        self.level = level
        if self.generator:
            self.generator.interlock_open = self.stuck_open or not level


class Dac:
    """Keeps what was written; says False while `broken`."""

    def __init__(self):
        self.channels = [0, 0, 0, 0]
        self.writes: list[list[int]] = []
        self.broken = False
        self.lost = False

    def write_fast(self, values: list[int], count: int) -> bool:
        self.writes.append(list(values[:count]))
        if not self.broken:
            self.channels[:count] = values[:count]
        return not self.broken

    def check(self) -> bool:
        lost, self.lost = self.lost, False
        return not lost

    def renew(self) -> None:
        pass


class StubTube:
    """What the virtual generator sees of a tube that follows its programs within a tick."""

    def __init__(self):
        self.now_ms = 0
        self.hv_enable = self.kv_program_raw = self.filament_program_raw = 0
        self.kv_monitor_raw = self.ma_monitor_raw = self.filament_monitor_raw = 0
        self.sensors = SimpleNamespace(generator_temperature_raw=3210)
        self.follows = True  # False: the monitors are what a test sets

    def advance(self) -> None:
        self.now_ms += TICK_MS
        if not self.follows:
            return
        self.kv_monitor_raw = self.kv_program_raw * ADC_FULL // DAC_FULL if self.hv_enable else 0
        self.ma_monitor_raw = 16000 if self.hv_enable else 0
        self.filament_monitor_raw = self.filament_program_raw * ADC_FULL // DAC_FULL


class Rig:
    """`tick` is what the firmware does once every 10 ms, and then those 10 ms."""

    def __init__(
        self,
        model: str = "uX50P50",
        baud: int = 115200,
        start_ms: int = 0,
        tube: Any = None,
        settings: Settings | None = None,
        **options: Any,
    ):
        self.settings = settings or Settings()
        self.tube: Any = tube or StubTube()
        self.start_ms = start_ms
        self.pin = Pin()
        self.dac = Dac()
        self.inputs: Any = Inputs()
        self.outputs: Any = Outputs()
        self.may_enable = True
        self.generator = VirtualGenerator(
            self.tube, self.settings, model, lambda: 1000 * self.tube.now_ms, baud
        )
        self.pin.generator = self.generator
        self.uart = VirtualUart(self.generator)
        self.driver = Spellman(self.uart, self.dac, self.pin, self.settings, model, **options)
        self.healthy = False

    @property
    def now_ms(self) -> int:
        """The firmware's clock."""
        return (self.start_ms + self.tube.now_ms) & MASK

    def is_on(self) -> tuple[int, bool]:
        """Level of the enable pin, and whether the generator has high voltage."""
        return self.pin.level, self.generator.hv_on

    def tick(self) -> None:
        self.healthy = self.driver.read(self.now_ms, self.inputs)
        self.driver.write(self.outputs, self.may_enable)
        self.tube.advance()

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // TICK_MS):
            self.tick()

    def switch_on(self, kv_program_raw: int = 2048, filament_program_raw: int = 2150) -> None:
        """At rest until it is known to be healthy, then high voltage until it is there."""
        self.run(300)
        assert self.healthy
        self.outputs.filament_program_raw = filament_program_raw
        self.run(200)
        self.outputs.hv_enable = 1
        self.outputs.kv_program_raw = kv_program_raw
        self.run(400)
        assert self.generator.hv_on and self.healthy

    def heard_since(self, count: int) -> list[str]:
        """The requests that the generator took for good ones, without the first `count`."""
        return [text.decode() for text in self.generator.heard[count:]]
