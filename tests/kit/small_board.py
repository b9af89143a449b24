"""A small Pico for MicroPython without one: `machine` and `time`, chips of a few lines, a tube.

It runs on the interpreter that runs the firmware, which sleeps in World.sleep_ms: time, tube and
operator advance only there. The tube is similar to that of tests/kit/chip_bench.py.
"""

# mypy: ignore-errors

import gc
import sys

MASK = (1 << 30) - 1
AGAIN_S = 300  # from one trip to the next
SAMPLE_S = 10
SCRIPT = {  # seconds after the start, and after each trip
    1: b"stop\n",
    2: b"help\n",
    3: b"set kv 49\n",
    4: b"discard\n",
    6: b"run\n",
    60: b"status\n",
    80: b"get\n",
    120: b"status\n",
}
TRIP_S = AGAIN_S - 5


class Module:
    """An empty one."""


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN, IRQ_FALLING = 0, 1, 1, 2, 4

    def __init__(self, name, mode=-1, pull=None, value=None):
        self.level = 1 if pull == self.PULL_UP else value or 0
        self.handler = None
        world.pins[name] = self

    def __call__(self, level=None):
        if level is None:
            return self.level
        self.level = level

    value = __call__

    def irq(self, handler, trigger, hard):
        self.handler = handler

    def fall(self):
        self.level = 0
        self.handler(self)


class I2C:
    """Two ADS1115, an MCP4728 and a BME280 whose registers never change but for its settings."""

    def __init__(self, *_, **__):
        self.config = {0x48: bytearray(2), 0x49: bytearray(2)}
        self.air = bytearray(world.air)
        self.dac = bytearray(8)

    def writeto(self, address, buffer):
        if address == 0x60:
            if len(buffer) == 12:
                for at in range(4):
                    self.dac[2 * at] = buffer[3 * at + 1] & 15
                    self.dac[2 * at + 1] = buffer[3 * at + 2]
            else:
                self.dac[: len(buffer)] = buffer

    def writeto_mem(self, address, register, buffer):
        if address == 0x76:
            self.air[register] = buffer[0]
        else:
            self.config[address][:] = buffer

    def readfrom_into(self, address, buffer):
        if address == 0x60:
            for at in range(len(buffer) // 6):
                buffer[6 * at + 1] = 0x80 | self.dac[2 * at]
                buffer[6 * at + 2] = self.dac[2 * at + 1]
            return
        tube = world.tube
        channel = self.config[address][0] >> 4 & 3
        if address == 0x48:
            raw = tube.kv_raw
        else:
            raw = tube.ma_raw if channel == 0 else tube.filament_raw if channel == 1 else 5000
        buffer[0] = raw >> 8
        buffer[1] = raw & 255

    def readfrom_mem_into(self, address, register, buffer):
        if address == 0x76:
            buffer[:] = self.air[register : register + len(buffer)]
        else:
            buffer[:] = self.config[address]


class SPI:
    """Both MAX31865; the head is that of the tube."""

    def __init__(self, *_, **__):
        self.config = {}

    def write(self, buffer):
        self.config[self._chip()] = buffer[1] & 0xD1

    def write_readinto(self, out, buffer):
        chip = self._chip()
        raw = world.tube.head_raw if chip == 17 else 9200
        buffer[1] = self.config.get(chip, 0)
        buffer[2] = raw >> 7
        buffer[3] = raw << 1 & 255
        buffer[8] = 0

    def _chip(self):
        return 20 if world.pins[17].level else 17


class PWM:
    duty = 0

    def __init__(self, pin, invert):
        world.pwm = self

    def freq(self, hz):
        pass

    def duty_u16(self, duty):
        self.duty = duty


class ADC:
    def __init__(self, pin):
        pass

    def read_u16(self):
        return 32000 if world.pins[12].level else 0


class WDT:
    def __init__(self, timeout):
        self.fed = 0
        world.watchdog = self

    def feed(self):
        self.fed += 1


class Tube:
    """The voltage follows in 0.1 s, the filament in 80 ms; the gun is linear above cut-off."""

    def __init__(self):
        self.kv = self.ma = self.filament = 0.0
        self.head_c = 40.0
        self.kv_raw = self.ma_raw = self.filament_raw = 0
        self.head_raw = 9478
        self.phase = 0
        self.slow = 0

    def advance(self):
        dac = world.i2c.dac
        pins = world.pins
        goal_kv = (dac[2] << 8 | dac[3]) * (60.0 / 4095) if pins[11].level else 0.0
        self.kv = kv = self.kv + 0.095 * (goal_kv - self.kv)
        filament = self.filament
        self.filament = filament = filament + 0.118 * ((dac[4] << 8 | dac[5]) - filament)
        ma = 0.0
        if kv > 0.5 and filament > 1500.0:
            bias_v = -1000.0 + (dac[0] << 8 | dac[1]) / 4.095
            ma = 0.0033 * (bias_v + 11.0 * kv + 0.88 * (filament - 2150.0))
            if ma < 0.0:
                ma = 0.0
        self.ma = ma
        self.kv_raw = int(kv * (32767 / world.kv_full))
        self.ma_raw = min(int(ma * (32767 / world.ma_full)), 32767)
        self.filament_raw = int(filament * 8)
        self.phase += world.pwm.duty * 5000 // 65535  # of the tachometer, 2 in 60 s * 100
        if self.phase >= 3000:
            self.phase -= 3000
            world.pins[14].handler(world.pins[14])
        self.slow += 1
        if self.slow == 50:
            self.slow = 0
            fan = world.pwm.duty / 65535
            conductance = 0.8 + 2.2 * fan
            heat_w = kv * ma + 4.0
            rest_c = 22.0 + heat_w / conductance
            self.head_c += 0.5 * conductance / 720.0 * (rest_c - self.head_c)
            r = 1.0 + self.head_c * (3.9083e-3 - 5.775e-7 * self.head_c)
            self.head_raw = int(8192 * r + 0.5)


class World:
    """ticks_ms begins at `start_ms`; after `ticks` the operator stops the unit and leaves it."""

    def __init__(self, air, start_ms, ticks, kv_full, ma_full):
        self.air = air
        self.kv_full = kv_full
        self.ma_full = ma_full
        self.pins = {}
        self.ms = start_ms
        self.us = 0
        self.tick = 0
        self.ticks = ticks
        self.incoming = b""
        self.written = 0
        self.leak = None

    def install(self):
        machine = Module()
        machine.Pin, machine.SPI, machine.PWM, machine.ADC, machine.WDT = Pin, SPI, PWM, ADC, WDT
        machine.I2C = self.make_i2c
        machine.mem32 = {}
        machine.WDT_RESET = 3
        machine.reset_cause = lambda: 1
        machine.disable_irq, machine.enable_irq = (lambda: None), (lambda _state: None)
        time = Module()
        time.ticks_ms = lambda: self.ms
        time.ticks_us = lambda: self.us
        time.sleep_ms = self.sleep_ms
        sys.modules["machine"] = self.machine = machine
        sys.modules["time"] = time
        self.tube = Tube()

    def make_i2c(self, *_, **__):
        self.i2c = I2C()
        return self.i2c

    def sleep_ms(self, duration_ms):
        if self.tick == 0:
            self.pins[8].level = self.pins[9].level = self.pins[10].level = 1
            self.sample("begin")
        self.ms = (self.ms + duration_ms) & MASK
        self.us = (self.us + 1000 * duration_ms) & MASK
        self.tick += 1
        self.tube.advance()
        if self.tick % 100 == 0:
            self.second(self.tick // 100)

    def second(self, now_s):
        left_s = self.ticks // 100 - now_s
        if left_s <= 10:
            if left_s == 10:
                self.incoming = b"stop\n"
            elif left_s == 5:
                self.sample("end")
                self.incoming = b"reset\n"
            return
        at_s = now_s % AGAIN_S
        self.incoming = SCRIPT.get(at_s, b"")
        if at_s == TRIP_S:
            self.pins[8].fall()
            self.pins[8].level = 1
        elif at_s % SAMPLE_S == 5:
            self.sample("at")
        if self.leak is not None:
            self.leak.append(now_s + 0.5)

    def sample(self, what):
        gc.collect()
        gc.collect()
        print(what, self.tick, self.ms, round(1000 * self.tube.ma), gc.mem_alloc(), gc.mem_free())

    # The serial line, both ways.
    def streams(self):
        return self, self, self.readable, lambda: 32

    def readable(self):
        return len(self.incoming) > 0

    def read(self, _):
        byte = self.incoming[:1]
        self.incoming = self.incoming[1:]
        return byte

    def write(self, data):
        self.written += len(data)


def make(*settings):
    global world
    world = World(*settings)
    world.install()
    return world
