"""Buses and pins with the interface of MicroPython's machine module, for drivers run in-process.

Faults are attributes: a bus is `stuck`, a chip is `absent`.
"""

from collections.abc import Callable, Iterable

EIO = 5
ETIMEDOUT = 110

Clock = Callable[[], int]


class I2CChip:
    """Base class of the models on I2C; a model overrides `start`, `_write`, `_read`, `_convert`."""

    def __init__(self, now_us: Clock):
        self.now_us = now_us
        self.absent = False
        self._addressed = False
        self._count = 0  # bytes since the start condition

    def advance(self) -> None:
        """Finish the conversions that are due, but not in the middle of a transfer."""
        if not self._addressed:
            self._convert(self.now_us())

    def start(self, read: bool) -> bool:
        """Start condition and address; True if acknowledged."""
        if self.absent:
            return False
        self.advance()
        self._addressed = True
        self._count = 0
        return True

    def write(self, byte: int) -> bool:
        """A byte to the chip; True if acknowledged."""
        acknowledged = self._write(byte)
        self._count += 1
        return acknowledged

    def read(self, ack: bool) -> int:
        """A byte from the chip; ack: True if the controller requests another."""
        byte = self._read()
        self._count += 1
        return byte

    def stop(self) -> None:
        self._addressed = False

    def _convert(self, now_us: int) -> None:
        pass

    def _write(self, byte: int) -> bool:
        raise NotImplementedError

    def _read(self) -> int:
        raise NotImplementedError


class I2CBus:
    """machine.I2C. Any byte that is not acknowledged raises EIO, a stuck bus ETIMEDOUT.

    held : it is stuck because a chip holds its data line, which nine clocks make it let go
    """

    def __init__(self) -> None:
        self.stuck = False
        self.held = False
        self._chips: dict[int, I2CChip] = {}

    def attach(self, address: int, chip: I2CChip) -> None:
        self._chips[address] = chip

    def clear(self) -> None:
        """Nine clocks and a STOP."""
        if self.held:
            self.held = self.stuck = False

    def writeto(self, address: int, buffer: Iterable[int], stop: bool = True) -> int:
        return self._send(address, list(buffer), stop)

    def readfrom_into(self, address: int, buffer: bytearray, stop: bool = True) -> None:
        chip = self._start(address, True)
        for at in range(len(buffer)):
            buffer[at] = chip.read(at < len(buffer) - 1)
        if stop:
            chip.stop()

    def readfrom(self, address: int, count: int, stop: bool = True) -> bytes:
        buffer = bytearray(count)
        self.readfrom_into(address, buffer, stop)
        return bytes(buffer)

    def writeto_mem(self, address: int, register: int, buffer: Iterable[int]) -> None:
        self._send(address, [register, *buffer], True)

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        self._send(address, [register], False)
        self.readfrom_into(address, buffer)

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        buffer = bytearray(count)
        self.readfrom_mem_into(address, register, buffer)
        return bytes(buffer)

    def _start(self, address: int, read: bool) -> I2CChip:
        if self.stuck:
            raise OSError(ETIMEDOUT, "the bus is stuck")
        chip = self._chips.get(address)
        if chip is None or not chip.start(read):
            raise OSError(EIO, f"no chip acknowledges address 0x{address:02x}")
        return chip

    def _send(self, address: int, data: list[int], stop: bool) -> int:
        chip = self._start(address, False)
        for byte in data:
            if not chip.write(byte):
                chip.stop()
                raise OSError(EIO, f"the chip at 0x{address:02x} does not acknowledge a byte")
        if stop:
            chip.stop()
        return len(data)


class SPIChip:
    """What a model overrides: `_select`, `_transfer` and `_convert`."""

    def __init__(self, now_us: Clock):
        self.now_us = now_us
        self.absent = False
        self._selected = False

    def advance(self) -> None:
        """Finish the conversions that are due, but not in the middle of a transfer."""
        if not self._selected:
            self._convert(self.now_us())

    def select(self, active: bool) -> None:
        """Chip select goes low (active) or high."""
        if active:
            self.advance()
        self._selected = active
        self._select(active)

    def transfer(self, byte: int) -> int:
        """A byte in, a byte out; the line of an absent chip is not driven and reads ones."""
        return 0xFF if self.absent or not self._selected else self._transfer(byte)

    def _convert(self, now_us: int) -> None:
        pass

    def _select(self, active: bool) -> None:
        raise NotImplementedError

    def _transfer(self, byte: int) -> int:
        raise NotImplementedError


class Pin:
    """machine.Pin. The world drives an input by the same value() that sets an output."""

    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, value: int = 0):
        self.level = value
        self.listeners: list[Callable[[int], None]] = []  # the circuit, on every change
        self._handler: Callable[[Pin], None] | None = None
        self._trigger = 0

    def value(self, level: int | None = None) -> int | None:
        if level is None:
            return self.level
        if (level := int(bool(level))) != self.level:
            self.level = level
            for listener in self.listeners:
                listener(level)
            if self._handler and self._trigger & (self.IRQ_RISING if level else self.IRQ_FALLING):
                self._handler(self)
        return None

    __call__ = value

    def irq(
        self,
        handler: Callable[["Pin"], None] | None = None,
        trigger: int = IRQ_FALLING | IRQ_RISING,
        hard: bool = False,
    ) -> None:
        self._handler = handler
        self._trigger = trigger


class SPIBus:
    """machine.SPI with chips behind chip-select pins. `stuck` is the level of a dead data line."""

    def __init__(self) -> None:
        self.stuck: int | None = None
        self._chips: list[tuple[Pin, SPIChip]] = []

    def attach(self, select: Pin, chip: SPIChip) -> None:
        self._chips.append((select, chip))
        select.listeners.append(lambda level: chip.select(not level))

    def write(self, buffer: Iterable[int]) -> None:
        for byte in buffer:
            self._transfer(byte)

    def readinto(self, buffer: bytearray, write: int = 0) -> None:
        for at in range(len(buffer)):
            buffer[at] = self._transfer(write)

    def write_readinto(self, out: bytes | bytearray, buffer: bytearray) -> None:
        if len(out) != len(buffer):
            raise ValueError("buffers must be the same length")
        for at, byte in enumerate(out):
            buffer[at] = self._transfer(byte)

    def _transfer(self, byte: int) -> int:
        if self.stuck is not None:
            return 0xFF if self.stuck else 0
        answer = 0xFF
        for select, chip in self._chips:
            if not select.level:
                answer &= chip.transfer(byte)
        return answer


class PWM:
    """machine.PWM: it stores its settings."""

    def __init__(self) -> None:
        self._freq = 0
        self._duty = 0

    def freq(self, hz: int | None = None) -> int | None:
        if hz is None:
            return self._freq
        self._freq = hz
        return None

    def duty_u16(self, duty: int | None = None) -> int | None:
        if duty is None:
            return self._duty
        self._duty = duty
        return None


class ADC:
    """machine.ADC over a source of 16-bit readings."""

    def __init__(self, source: Callable[[], int]):
        self.read_u16 = source
