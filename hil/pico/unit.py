"""A whole unit with an emulated Pico: chips on the twin's plant, as in docs/board/wiring.md.

The plant advances by the emulator's clock in steps of 10 ms, independently of the firmware.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rp2040py.gpio_pin import FUNCTION_PWM

from firmware.boards.board_table import PICO
from firmware.calibration import FAN_FULL
from firmware.settings import Settings
from firmware.store import Store
from hil.flash.image import MAIN, compile_tree, make_image
from hil.pico.buses import I2CWires, SPIWires
from hil.pico.chips.rack import Rack
from hil.pico.emulated import MS, EmulatedPico
from twin.files.errors import InputError
from twin.plant.plant import TICK_MS, Plant

FUNCTION_BITS = 0x1F
INVERTED_A, INVERTED_B = 4, 8  # bits of a PWM channel's CSR


class PicoUnit:
    """A unit with an emulated board.

    pico    : the board, see EmulatedPico
    plant   : the plant that the board controls
    enabled : (ns, level) of every change of the pin that enables the high voltage
    dead    : signals of the board's pins (firmware/boards/board_table.py) without an input: a
              contact is open, the lamp's current is 0, the fan of "fan_tach" does not turn; call
              show() after a change
    """

    def __init__(self, image: Path, files: Mapping[str, bytes], plant: Plant):
        self.pico = EmulatedPico(image, files)
        self.plant = plant
        self.rack = Rack(plant, self.pico.now_us)
        self.enabled: list[tuple[int, bool]] = []
        self.dead: set[str] = set()
        self.i2c = I2CWires(self.pico, 0, self.rack.i2c)
        self.spi = SPIWires(
            self.pico, 0, {PICO["head_cs"]: self.rack.head, PICO["mount_cs"]: self.rack.mount}
        )
        self._fan: Any = self.pico.mcu.pwm.channels[PICO["fan_pwm"] // 2 % 8]
        for alarm in (self._fan.alarm_a, self._fan.alarm_b, self._fan.alarm_bottom):
            alarm.enable = False  # its registers are read instead of 75,000 edges a second
        self.pico.watch(PICO["hv_enable"], self._enable_changed)
        self.show()
        self.pico.every(TICK_MS * MS, self._advance)

    def set_switches(self, switches: int) -> None:
        """Open or close contacts, now."""
        self.plant.switches = switches
        self.show()

    def fan_program_raw(self) -> int:
        """The program at the fan: a transistor inverts the pin, and an idle pin is full speed."""
        pin: Any = self.pico.mcu.gpio[PICO["fan_pwm"]]
        channel = self._fan
        if pin.ctrl & FUNCTION_BITS != FUNCTION_PWM or not channel.top:
            return FAN_FULL
        on_b = PICO["fan_pwm"] % 2
        compare = channel.cc >> 16 if on_b else channel.cc & 0xFFFF
        high = min(1.0, compare / (channel.top + 1))
        if channel.csr & (INVERTED_B if on_b else INVERTED_A):
            high = 1.0 - high
        return round((1.0 - high) * FAN_FULL)

    def _advance(self) -> None:
        pico, rack = self.pico, self.rack
        begin_us = pico.now_us()
        stands = "fan_tach" in self.dead
        rack.advance(
            pico.level(PICO["hv_enable"]),
            pico.level(PICO["lamp"]),
            0 if stands else self.fan_program_raw(),
        )
        lamp_raw = 0 if "lamp_sense" in self.dead else rack.lamp_raw()
        pico.mcu.adc.channel_values[PICO["lamp_sense"] - 26] = lamp_raw
        # The edges of the last 10 ms are sent in the next 10 ms.
        for at_us, level in rack.fan.edges_until(begin_us):
            if not stands:
                self._edge(at_us + 1000 * TICK_MS - begin_us, level)
        self.show()

    def _edge(self, after_us: int, level: int) -> None:
        self.pico.alarm(lambda: self.pico.drive(PICO["fan_tach"], bool(level))).schedule(
            1000 * max(after_us, 1)
        )

    def show(self) -> None:
        """Drive the pins with the present state of the contacts."""
        contacts = self.rack.contacts()
        for name, closed in zip(("chain_a", "chain_b", "generator_ok"), contacts, strict=True):
            self.pico.drive(PICO[name], closed and name not in self.dead)

    def _enable_changed(self, high: bool) -> None:
        self.enabled.append((self.pico.now_ns, high))


def unit_files(
    settings: Settings | None = None, build: str = "", bare: bool = False
) -> dict[str, bytes]:
    """The content of a Pico's file system after `tubetwin flash`, path -> content.

    settings : the settings stored on it; without them the unit is not set up
    bare     : True for a board without chips
    """
    image = make_image(compile_tree(), "pico", bare)
    files = {f"a/{path}": content for path, content in image.files.items()}
    files |= {"main.py": MAIN, "a/ready": f"1 {build or image.build} whole".encode()}
    if settings is not None:
        with tempfile.TemporaryDirectory() as folder:
            refused = Store(folder).save(settings)
            if refused:
                raise InputError(f"settings: {refused}")
            files |= {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return files
