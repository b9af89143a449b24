"""Three ports: which pins there are, what they can do, and what the constructors take."""

# ruff: noqa: N802

from types import ModuleType
from typing import Any

from hil.pico.chips import bus
from tests.kit.machines import Machine, World, spi, uart


class WithPins(Machine):
    """A port on which a peripheral is told its pins."""

    SPI_NUMBERS: tuple[int, ...] = (0,)

    def PWM(self, pin: Any) -> Any:
        self.world.used(pin.name, "pwm")
        self.world.pwm = bus.PWM()
        return self.world.pwm

    def I2C(self, id: int, *, sda: Any, scl: Any, freq: int, timeout: int = 50000) -> Any:
        assert id in (0, 1)
        self.check_buses(sda=sda.name, scl=scl.name)
        self.world.used(sda.name, "i2c")
        self.world.used(scl.name, "i2c")
        return self.world.i2c

    def SPI(self, id: int, baudrate: int, *, polarity: int, phase: int, **pins: Any) -> Any:
        names = {role: pins.pop(role).name for role in ("sck", "mosi", "miso")}
        assert not pins and id in self.SPI_NUMBERS
        self.check_buses(**names)
        for name in names.values():
            self.world.used(name, "spi")
        return spi(self.world, baudrate, polarity, phase)

    def check_buses(self, **pins: Any) -> None:
        """ValueError for pins that the peripheral can't be led to."""


# role: remainders, divisor of the GPIO numbers
RP2_FUNCTIONS = {
    "sda": ((0,), 4),
    "scl": ((1,), 4),
    "miso": ((0, 4), 8),
    "sck": ((2, 6), 8),
    "mosi": ((3, 7), 8),
}


class Rp2(WithPins):
    """RP2040, RP2350A: functions of the pins from RP-008371-DS, section 1.4.3."""

    def check_pin(self, name: Any, mode: Any, pull: Any) -> None:
        if not isinstance(name, int) or not 0 <= name <= 28 or name in (23, 24, 25):
            raise ValueError("invalid pin")  # the last three are the board's own

    def check_adc(self, name: Any) -> None:
        if name not in (26, 27, 28):
            raise ValueError("no ADC on this pin")

    def check_buses(self, **pins: Any) -> None:
        for role, number in pins.items():
            remainders, divisor = RP2_FUNCTIONS[role]
            if number % divisor not in remainders:
                raise ValueError(f"bad {role} pin")
            if divisor == 8 and number // 8 not in (0, 2):
                raise ValueError("pin of SPI1")

    def UART(self, id: int, baudrate: int, *, tx: Any, rx: Any, timeout: int = 0) -> Any:
        if id != 0 or tx.name not in (0, 12, 16) or rx.name not in (1, 13, 17):
            raise ValueError("bad TX or RX pin")
        return uart(self.world, baudrate, tx.name, rx.name)

    def PWM(self, pin: Any, *, invert: bool = False) -> Any:
        pwm = super().PWM(pin)
        pwm.inverted = invert
        return pwm

    class Timer:
        """One in software, the only kind that there is; it does nothing before init()."""

        PERIODIC = 1
        running: Any = None  # the callback of the one that runs

        def __init__(self, id: int = -1):
            assert id == -1

        def init(self, *, mode: int, period: int, callback: Any) -> None:
            assert mode == self.PERIODIC and period > 0
            Rp2.Timer.running = callback

        def deinit(self) -> None:
            Rp2.Timer.running = None


class Esp32(WithPins):
    """ESP32: soft interrupts, inputs without pulls from 34 on, pins through a matrix."""

    SPI_NUMBERS = (1, 2)  # 0 is the flash's

    def __init__(self, world: World):
        super().__init__(world)
        irq = self.Pin.irq
        # No hard=. That handlers wait for the interpreter is left out.
        self.Pin.irq = lambda pin, handler=None, trigger=3: irq(pin, handler, trigger)

        class ADC:
            ATTN_11DB = 3

            def __new__(cls, pin: Any, *, atten: int = 0) -> Any:
                source = Machine.ADC(self, pin)
                source.atten = atten
                return source

        self.ADC: Any = ADC

    def check_pin(self, name: Any, mode: Any, pull: Any) -> None:
        if not isinstance(name, int) or name not in {
            *range(6),
            *range(12, 24),
            *range(25, 28),
            *range(32, 40),
        }:
            raise ValueError("invalid pin")  # 6 to 11 are the flash's
        if name >= 34 and mode == 1:
            raise ValueError("pin can only be input")
        if name >= 34 and pull:
            raise ValueError("there is no pull")  # the port says nothing, and there is none

    def check_adc(self, name: Any) -> None:
        if not 32 <= name <= 39:
            raise ValueError("ADC2, which Wi-Fi takes")

    def UART(
        self, id: int, baudrate: int, *, tx: Any, rx: Any, txbuf: int, rxbuf: int, timeout: int
    ) -> Any:
        assert id in (1, 2)  # 0 is the console's
        return uart(self.world, baudrate, tx.name, rx.name)

    def Timer(self, id: int, *, period: int, callback: Any) -> Any:
        assert 0 <= id <= 3
        return RunningTimer(self.world, period, callback)


class RunningTimer:
    """It goes on when nothing refers to it any more."""

    def __init__(self, world: Any, period: int, callback: Any):
        self.world, self.entry = world, (period, callback)
        world.timers.append(self.entry)

    def deinit(self) -> None:
        self.world.timers.remove(self.entry)


class Stm32(Machine):
    """Pyboard v1.1 and D: the pins belong to the peripherals (their mpconfigboard.h)."""

    def check_pin(self, name: Any, mode: Any, pull: Any) -> None:
        if name not in {f"{side}{number}" for side in "XY" for number in range(1, 13)}:
            raise ValueError("Pin doesn't exist")  # on one of the two

    def check_adc(self, name: Any) -> None:
        if name not in {f"X{number}" for number in (*range(1, 9), 11, 12)}:
            raise ValueError("Pin does not have ADC capabilities")

    def I2C(self, id: Any, *, freq: int, timeout: int = 50000) -> Any:
        assert id in (1, "X")
        self.world.used("X9", "i2c")
        self.world.used("X10", "i2c")
        return self.world.i2c

    def SPI(self, id: Any, baudrate: int, *, polarity: int, phase: int) -> Any:
        assert id in (1, "X")
        for name in ("X6", "X8", "X7"):
            self.world.used(name, "spi")
        return spi(self.world, baudrate, polarity, phase)

    def UART(self, id: Any, baudrate: int, *, timeout: int = 0, rxbuf: int = 64) -> Any:
        assert id == "YA"
        return uart(self.world, baudrate, "Y1", "Y2")

    def Timer(self, id: int, *, period: int, callback: Any) -> Any:
        assert id == -1
        return RunningTimer(self.world, period, callback)

    def WDT(self, id: int = 0, timeout: int = 5000) -> Any:
        if timeout > 32767:
            raise ValueError("WDT timeout too long")
        return super().WDT(id, timeout)


class Pyb(ModuleType):
    """What the firmware uses of `pyb`: a timer, whose clock is 84 MHz on a v1.1."""

    CLOCK_HZ = 84000000

    def __init__(self, world: World):
        super().__init__("pyb")

        class Channel:
            def __init__(self, timer: Any, inverted: bool):
                self.timer, self.inverted, self.width = timer, inverted, 0

            def pulse_width(self, width: int) -> None:
                assert 0 <= width < 1 << 30
                self.width = width

        class Timer:
            PWM, PWM_INVERTED = 0, 1

            def __init__(self, id: int):
                self.id = id

            def init(self, *, freq: int) -> None:
                self.hz = freq
                self._period = Pyb.CLOCK_HZ // freq - 1

            def period(self) -> int:
                return self._period

            def channel(self, number: int, mode: int, *, pin: Any, pulse_width: int) -> Any:
                # PB10 is channel 3 of timer 2, on STM32F405 as on STM32F722 and F767.
                assert (pin.name, self.id, number) == ("Y9", 2, 3)
                world.used(pin.name, "pwm")
                world.pwm = Channel(self, mode == Timer.PWM_INVERTED)
                world.pwm.pulse_width(pulse_width)
                return world.pwm

        self.Timer = Timer
