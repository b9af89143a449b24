"""The drivers on real MicroPython, in both precisions, over buses of a few lines."""

import random
import struct
from functools import partial

import pytest

from hil.pico.chips.bme280 import Calibration, inverted
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython

BUSES = """
class I2C:
    def __init__(self, registers):
        self.registers = registers
        self.pointer = 0
        self.sent = bytearray(16)
        self.count = 0
        self.broken = False
    def writeto(self, address, buffer):
        if self.broken:
            raise OSError(5)
        self.count = len(buffer)
        for at in range(len(buffer)):
            self.sent[at] = buffer[at]
    def writeto_mem(self, address, register, buffer):
        self.writeto(address, buffer)
        for at in range(len(buffer)):
            self.registers[register + at] = buffer[at]
    def readfrom_into(self, address, buffer):
        if self.broken:
            raise OSError(110)
        for at in range(len(buffer)):
            buffer[at] = self.registers[self.pointer + at]
    def readfrom_mem_into(self, address, register, buffer):
        self.pointer = register
        self.readfrom_into(address, buffer)
        self.pointer = 0

class SPI:
    def __init__(self, answer):
        self.answer = answer
    def write(self, buffer):
        self.last = buffer[1]
    def write_readinto(self, out, buffer):
        for at in range(len(buffer)):
            buffer[at] = self.answer[at]

class Pin:
    IRQ_FALLING = 4
    level = 0
    def __call__(self, level):
        self.level = level
    def irq(self, handler, trigger, hard):
        self.handler = handler

class PWM:
    def freq(self, hz):
        self.hz = hz
    def duty_u16(self, duty):
        self.duty = duty

class ADC:
    def read_u16(self):
        return 0x8008

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython
    heap_lock = heap_unlock = lambda: None
"""

# What runs in every tick runs with the heap locked: an allocation would be a MemoryError.
TICK = """
from firmware.drivers.ads1115 import Ads1115
from firmware.drivers.fan import Fan
from firmware.drivers.lamp import Lamp
from firmware.drivers.max31865 import Max31865
from firmware.drivers.mcp4728 import Mcp4728

registers = bytearray(4)
ads = Ads1115(I2C(registers))
print(ads.configure(1), bytes(registers))
registers[0], registers[1] = 0x3E, 0x80
held = ((0x83, 0xE8), (0x8F, 0xFF), (0x80, 0), (0x80, 0))
dac = Mcp4728(I2C(b"".join([bytes([0xC0, high, low, 0xC8, 0x80, 0]) for high, low in held])))
print(dac.configure(), bytes(dac._i2c.sent[:12]))
values = [1000, 5000, -1]
rtd = Max31865(SPI(bytearray([0xFF, 0xC1, 0x58, 0xA4, 0xFF, 0xFF, 0, 0, 0])), Pin())
print(rtd.configure(), rtd._spi.last)
lamp = Lamp(Pin(), ADC())
clock = [0]
def ticks_us():
    return clock[0]
tach = Pin()
fan = Fan(PWM(), tach, ticks_us)

def tick():
    heap_lock()
    good = ads.read()
    checked = ads.check()
    wrote = dac.write_fast(values, 3)
    quick = dac.write_fast(values, 1)
    same = dac.check()
    warm = rtd.read()
    lit = lamp.read()
    lamp.set(1)
    fan.set(12345)
    for time_us in range(0, 60000, 10000):
        clock[0] = time_us
        tach.handler(tach)
    heap_unlock()
    print(good, checked, wrote, quick, same, warm, lit)

tick()
print(ads.raw, dac._i2c.count, bytes(dac._i2c.sent[:6]), rtd.raw, rtd._cs.level)
print(lamp.raw, lamp._pin.level)
print(fan._pwm.hz, fan._pwm.duty, fan.rpm(), fan._edges)
clock[0] = 70000
tach.handler(tach)
print(fan.rpm())
ads._i2c.broken = dac._i2c.broken = True
print(ads.read(), ads.check(), dac.write_fast(values, 3), dac.check())
"""
EXPECTED = [
    r"True b'\x00T\xe3\x00'",
    r"True b'@\x80\x00B\x80\x00D\x80\x00F\x80\x00'",
    "True 193",
    "True False True True True True True",  # the bus has no config register in its place
    r"16000 2 b'\x03\xe8\x0f\xff\x00\x00' 11346 1",
    "2048 1",
    "25000 12345 0 6",
    "1500",
    "False False False False",
]

# Calibrations: that of the worked example, and others around it.
random.seed(1)
CALIBRATIONS = [Calibration()] + [
    Calibration(
        t1=27504 + random.randint(-1500, 1500),
        t2=26435 + random.randint(-1000, 1000),
        t3=random.randint(-1000, 100),
        p1=36477 + random.randint(-2000, 2000),
        p2=-10685 + random.randint(-500, 500),
        p4=random.randint(2000, 9000),
        p5=random.randint(-300, 300),
        h1=75,
        h2=random.randint(340, 390),
        h3=random.randint(0, 5),
        h4=random.randint(280, 350),
        h5=random.randint(0, 60),
        h6=30,
    )
    for _ in range(5)
]
AIR = """
import struct
from binascii import hexlify
from firmware.drivers import bme280
registers = bytearray(256)
registers[0xD0] = 0x60
i2c = I2C(registers)
for low, high, readings in CASES:
    registers[0x88:0xA2] = low
    registers[0xE1:0xE8] = high
    driver = bme280.Bme280(i2c)
    assert driver.configure()
    for t, p, h in readings:
        registers[0xF7:0xFF] = bytes((
            p >> 12, p >> 4 & 255, p << 4 & 255,
            t >> 12, t >> 4 & 255, t << 4 & 255,
            h >> 8, h & 255,
        ))
        assert driver.fetch()
        values = []
        for rounding in (round, lambda value: value):
            bme280.round = rounding
            assert driver.compute_temperature()
            assert driver.compute_pressure()
            assert driver.compute_humidity()
            values += [driver.temperature_raw, driver.pressure_raw, driver.humidity_raw]
        print(*values[:3], hexlify(struct.pack("<ddd", *values[3:])).decode())
"""


def readings_of(c):
    """Raw readings all over the sensor's ranges, with the exact values that they stand for."""
    for _ in range(10):
        temperature = random.uniform(-39.9, 84.9)
        t = inverted(c.temperature_c, temperature, 1, 1 << 20)
        fine = c.fine_temperature(t)
        for _ in range(11):
            pascal, percent = random.uniform(30100, 109900), random.uniform(0.0, 100.0)
            p = inverted(partial(c.pressure_pa, fine=fine), pascal, 1, 1 << 20)
            h = inverted(partial(c.humidity_percent, fine=fine), percent, 1, 1 << 16)
            humidity = min(max(c.humidity_percent(h, fine), 0.0), 100.0)
            yield (
                (t, p, h),
                (100 * c.temperature_c(t), c.pressure_pa(p, fine), 100 * humidity),
            )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_drivers_of_the_tick_run_and_take_nothing_from_the_heap(precision):
    assert printed_on_micropython(precision, BUSES + TICK) == EXPECTED


def test_the_drivers_of_the_tick_do_the_same_here():
    assert printed_here(BUSES + TICK) == EXPECTED


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_air_is_right_to_a_count_over_the_whole_range(precision):
    """Before rounding to whole counts no reading is further from the data sheet's formula in double
    precision than a twentieth of a count: 0.0005 degC, 0.05 Pa, 0.0005 %."""
    cases, exact = [], []
    for c in CALIBRATIONS:
        readings = list(readings_of(c))
        cases.append((*c.registers(), [raw for raw, _ in readings]))
        exact += [values for _, values in readings]
    printed = printed_on_micropython(precision, f"CASES = {cases!r}\n" + BUSES + AIR)
    assert len(printed) == len(exact) == 660
    furthest_rounded, furthest = [0.0] * 3, [0.0] * 3
    for line, values in zip(printed, exact, strict=True):
        *rounded, packed = line.split()
        unrounded = struct.unpack("<ddd", bytes.fromhex(packed))
        for at, value in enumerate(values):
            furthest_rounded[at] = max(furthest_rounded[at], abs(int(rounded[at]) - value))
            furthest[at] = max(furthest[at], abs(unrounded[at] - value))
    print(f"{precision}: in counts of 0.01 degC, 1 Pa and 0.01 %: {furthest}, {furthest_rounded}")
    assert max(furthest) <= 0.05
    assert max(furthest_rounded) <= 0.55
