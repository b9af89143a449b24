"""An emulated Raspberry Pi Pico: MicroPython's image on the RP2040 of rp2040py, in simulated time.

Nothing here waits for the wall clock. Alarms of the emulator order all events, so a run repeats to
the nanosecond. Idle time is skipped; a busy processor takes about fifty times as long as the real
one. Cycle counts do not include misses of the flash cache: name such times "emulated".
"""

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from littlefs import LittleFS, UserContext
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.usb.cdc import USBCDC
from rp2040py.utils.logging import ConsoleLogger, LogLevel

# The file system of ports/rp2/boards/RPI_PICO: the last 1408 KiB of 2 MiB.
BLOCK_BYTES = 4096
BLOCKS = 352
FLASH_BYTES = 2 * 1024 * 1024
FILES_AT = FLASH_BYTES - BLOCKS * BLOCK_BYTES
DISK_VERSION = 0x00020000  # littlefs 2.0, as MicroPython formats it

USB_LATENCY_NS = 20_000
USB_PACE_NS = 1_000_000
USB_BURST_BYTES = 256
MS = 1_000_000  # ns
CLOCK_MHZ = 125


class EmulatedPico:
    """One board: processor, flash, USB serial line, pins.

    image    : a UF2 file of MicroPython for the Pico
    files    : content of its file system, path -> content; folders are made as needed
    received : bytes from its serial line that no caller has taken yet
    """

    def __init__(self, image: Path, files: Mapping[str, bytes] | None = None):
        self.mcu = RP2040()
        self.clock = self.mcu.clock
        self.received = bytearray()
        self.resets = 0
        self._watched: list[Callable[[], None]] = []
        self._simulator = Simulator(rp2040=self.mcu)
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        self.mcu.load_bootrom(BOOTROM_B1)
        load_uf2(image, self.mcu)
        self.store(files or {})
        self._usb = USBCDC(self.mcu.usb_ctrl)
        self._usb.on_serial_data = self.received.extend
        self._pending: deque[int] = deque()
        self._pacing = False
        self._pace = self.clock.create_alarm(self._send_some)
        _let_the_host_nak(self._usb)
        self._end = self.clock.create_alarm(self._stop)
        self._ended = False
        self.mcu.watchdog.on_watchdog_trigger = self._watchdog_bites
        self.mcu.core.pc = FLASH_START_ADDRESS

    @property
    def now_ns(self) -> int:
        return int(self.clock.nanos)

    def now_us(self) -> int:
        return int(self.clock.nanos) // 1000

    @property
    def busy_us(self) -> float:
        """Time of the processor that was not idle, since its last reset."""
        return int(self.mcu.core.cycles) / CLOCK_MHZ

    def store(self, files: Mapping[str, bytes]) -> None:
        """Write a new file system with these files into the flash."""
        context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
        disk = LittleFS(
            context=context,
            block_size=BLOCK_BYTES,
            block_count=BLOCKS,
            disk_version=DISK_VERSION,
        )
        for name, content in files.items():
            parent = Path(name).parent
            if str(parent) != ".":
                disk.makedirs(str(parent), exist_ok=True)
            with disk.open(name, "wb") as file:
                file.write(content)
        self.mcu.flash[FILES_AT:FLASH_BYTES] = bytes(context.buffer)

    def files(self) -> dict[str, bytes]:
        """The present content of the file system, path -> content."""
        context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
        context.buffer[:] = bytes(self.mcu.flash[FILES_AT:FLASH_BYTES])
        disk = LittleFS(context=context, block_size=BLOCK_BYTES, block_count=BLOCKS, mount=True)
        found = {}
        for folder, _, names in disk.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with disk.open(path, "rb") as file:
                    found[path.lstrip("/")] = file.read()
        return found

    def alarm(self, act: Callable[[], None]) -> Any:
        """An alarm of the emulator; after schedule(ns) it calls `act` ns later."""
        return self.clock.create_alarm(act)

    def every(self, period_ns: int, act: Callable[[], None]) -> None:
        """Call `act` every `period_ns`, the first time after one period."""

        def again() -> None:
            alarm.schedule(period_ns)
            act()

        alarm = self.clock.create_alarm(again)
        alarm.schedule(period_ns)

    def run(self, ms: float, until: Callable[[], bool] | None = None) -> bool:
        """Advance simulated time by at most `ms`; returns True as soon as `until` is true.

        The times at which `until` is evaluated are not exact: use an alarm for exact times.
        """
        self._ended = False
        self._end.schedule(ms * MS)
        while not self._ended:
            self._simulator.stopped = False
            execute_batch(self._simulator, 1)
            if until is not None and until():
                self._end.cancel()
                return True
        return until is not None and until()

    def send(self, data: bytes) -> None:
        """Send bytes on the board's serial line, as fast as the board reads them."""
        self._pending.extend(data)
        if not self._pacing:
            self._pacing = True
            self._pace.schedule(USB_LATENCY_NS)

    def take_lines(self) -> list[str]:
        """The complete lines received since the last call."""
        *whole, rest = bytes(self.received).split(b"\n")
        self.received[:] = rest
        return [line.decode(errors="replace").rstrip("\r") for line in whole]

    def drive(self, pin: int, level: bool) -> None:
        """Hold an input of the board at a level, from outside."""
        self.mcu.gpio[pin].set_input_value(level)

    def level(self, pin: int) -> bool:
        """True if the board drives this pin high; an input or a pin in reset counts as low."""
        return bool(self.mcu.gpio[pin].value is GPIOPinState.HIGH)

    def watch(self, pin: int, act: Callable[[bool], None]) -> None:
        """Call act(high) whenever the level that the board drives a pin to changes."""
        state = [self.level(pin)]

        def look(high: bool) -> None:
            if high != state[0]:
                state[0] = high
                act(high)

        def listen(new: GPIOPinState, _old: GPIOPinState) -> None:
            look(new is GPIOPinState.HIGH)

        self.mcu.gpio[pin].add_listener(listen)
        self._watched.append(lambda: look(self.level(pin)))  # a reset does not call listeners

    def power_cycle(self) -> None:
        """Switch the supply off and on; the content of the flash stays."""
        self.mcu.enter_reset(from_watchdog=False)
        self.mcu.watchdog.write_uint32(0, 0)  # its CTRL register, which rp2040py does not reset
        self.mcu.watchdog.reset()
        self._leave_reset()

    def _watchdog_bites(self) -> None:
        self.resets += 1
        self.mcu.enter_reset(from_watchdog=True)
        self._leave_reset()

    def _leave_reset(self) -> None:
        for look in self._watched:
            look()
        self.mcu.leave_reset()

    def _send_some(self) -> None:
        room = USB_BURST_BYTES - self._usb.tx_fifo.item_count
        for _ in range(min(room, len(self._pending))):
            self._usb.send_serial_byte(self._pending.popleft())
        self._pacing = bool(self._pending)
        if self._pacing:
            self._pace.schedule(USB_PACE_NS)

    def _stop(self) -> None:
        self._ended = True
        self._simulator.stopped = True


def _let_the_host_nak(usb: USBCDC) -> None:
    """Let rp2040py's USB host leave an endpoint armed while it has nothing to send.

    Without this change the host answers with an empty packet every 10 us, so that the firmware
    never sleeps and every instruction of an idle millisecond is emulated.
    """
    controller: Any = usb.usb
    answer = controller.on_endpoint_read
    forget = controller.on_reset
    say = usb.send_serial_byte
    armed: list[int] = []
    waiting = [False]

    def deliver() -> None:
        waiting[0] = False
        if armed and usb.tx_fifo.item_count:
            answer(usb._out_endpoint, armed.pop())

    alarm = controller.rp2040.clock.create_alarm(deliver)

    def on_read(endpoint: int, size: int) -> None:
        if endpoint == usb._out_endpoint and usb.tx_fifo.item_count == 0:
            armed[:] = [size]
        else:
            answer(endpoint, size)

    def send(byte: int) -> None:
        say(byte)
        if armed and not waiting[0]:
            waiting[0] = True
            alarm.schedule(USB_LATENCY_NS)

    def on_reset() -> None:
        armed.clear()
        waiting[0] = False
        alarm.cancel()
        forget()

    controller.on_endpoint_read = on_read
    controller.on_reset = on_reset
    usb.send_serial_byte = send  # type: ignore[method-assign, assignment]
