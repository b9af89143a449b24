"""The buses and pins behave as machine's do, where the drivers can tell."""

import pytest

from hil.pico.chips.bus import ADC, EIO, ETIMEDOUT, PWM, I2CBus, I2CChip, Pin, SPIBus, SPIChip
from tests.kit.driver_rigs import Clock


class Memory(I2CChip):
    """256 bytes behind a pointer; a byte of 0xEE is not acknowledged."""

    def __init__(self):
        super().__init__(Clock())
        self.bytes = bytearray(range(256))
        self.pointer = 0
        self.converted = 0
        self.stopped = 0

    def _convert(self, now_us):
        self.converted += 1

    def _write(self, byte):
        if self._count:
            self.bytes[self.pointer] = byte
            self.pointer += 1
        else:
            self.pointer = byte
        return byte != 0xEE

    def _read(self):
        self.pointer += 1
        return self.bytes[self.pointer - 1]

    def stop(self):
        super().stop()
        self.stopped += 1


class Echo(SPIChip):
    def __init__(self):
        super().__init__(Clock())
        self.selections = []

    def _select(self, active):
        self.selections.append(active)

    def _transfer(self, byte):
        return byte ^ 0x55


@pytest.fixture
def bus():
    bus = I2CBus()
    bus.attach(0x50, Memory())
    return bus


def memory(bus):
    return bus._chips[0x50]


def test_memory_is_written_and_read_in_all_ways(bus):
    bus.writeto_mem(0x50, 0x10, b"\x01\x02\x03")
    assert bus.readfrom_mem(0x50, 0x10, 4) == b"\x01\x02\x03\x13"
    buffer = bytearray(2)
    bus.readfrom_mem_into(0x50, 0x11, buffer)
    assert buffer == b"\x02\x03"
    assert bus.writeto(0x50, b"\x20") == 1
    assert bus.readfrom(0x50, 2) == b"\x20\x21"
    bus.readfrom_into(0x50, buffer)
    assert buffer == b"\x22\x23"


def test_reading_memory_is_one_transfer_with_a_repeated_start(bus):
    bus.readfrom_mem(0x50, 0, 1)
    assert memory(bus).stopped == 1


def test_a_chip_does_not_convert_in_the_middle_of_a_transfer(bus):
    bus.writeto(0x50, b"\x00", False)
    before = memory(bus).converted
    memory(bus).advance()
    bus.readfrom(0x50, 1)
    assert memory(bus).converted == before
    memory(bus).advance()
    assert memory(bus).converted == before + 1


@pytest.mark.parametrize(
    ("spoil", "errno"),
    [
        (lambda bus: setattr(bus, "stuck", True), ETIMEDOUT),
        (lambda bus: setattr(memory(bus), "absent", True), EIO),
        (lambda bus: bus._chips.clear(), EIO),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda bus: bus.writeto(0x50, b"\0"),
        lambda bus: bus.readfrom(0x50, 1),
        lambda bus: bus.writeto_mem(0x50, 0, b"\0"),
        lambda bus: bus.readfrom_mem(0x50, 0, 1),
    ],
)
def test_nobody_there_is_eio_and_a_stuck_bus_etimedout(bus, spoil, errno, ask):
    spoil(bus)
    with pytest.raises(OSError) as caught:
        ask(bus)
    assert caught.value.errno == errno


def test_a_byte_that_is_not_acknowledged_is_an_error(bus):
    with pytest.raises(OSError):
        bus.writeto(0x50, b"\x00\xee")
    assert memory(bus).stopped == 1


def test_only_the_selected_chip_hears_and_answers():
    bus, pins, chips = SPIBus(), (Pin(1), Pin(1)), (Echo(), Echo())
    for pin, chip in zip(pins, chips, strict=True):
        bus.attach(pin, chip)
    buffer = bytearray(2)
    bus.write_readinto(b"\x01\x02", buffer)
    assert buffer == b"\xff\xff"
    pins[1](0)
    bus.write_readinto(b"\x01\x02", buffer)
    assert buffer == b"\x54\x57"
    bus.readinto(buffer, 0x0F)
    assert buffer == b"\x5a\x5a"
    pins[1](1)
    assert chips[0].selections == []
    assert chips[1].selections == [True, False]
    with pytest.raises(ValueError, match="same length"):
        bus.write_readinto(b"\x01", buffer)


@pytest.mark.parametrize(("level", "byte"), [(0, 0x00), (1, 0xFF)])
def test_a_dead_data_line_gives_its_level(level, byte):
    bus = SPIBus()
    bus.stuck = level
    buffer = bytearray(1)
    bus.readinto(buffer)
    assert buffer[0] == byte


def test_a_pin_interrupts_on_the_requested_edges():
    pin, seen = Pin(), []
    pin.irq(lambda _: seen.append(pin.level), Pin.IRQ_FALLING, hard=True)
    for level in (1, 1, 0, 0, 1, 0):
        pin.value(level)
    assert seen == [0, 0]
    pin.irq(lambda _: seen.append(pin.level), Pin.IRQ_RISING)
    pin.value(1)
    pin.value(0)
    assert seen == [0, 0, 1]


def test_a_pulse_width_and_a_converter_keep_what_they_are_given():
    pwm = PWM()
    assert (pwm.freq(), pwm.duty_u16()) == (0, 0)
    pwm.freq(25000)
    pwm.duty_u16(1234)
    assert (pwm.freq(), pwm.duty_u16()) == (25000, 1234)
    assert ADC(lambda: 42).read_u16() == 42
