"""A program whose hash is the same only where every float of the firmware has the same bits.

It runs the whole controller on counts that are made up but the same everywhere: start, ramp, beam
with wandering temperatures, a trip and a new start. Outputs of every tick go into the hash, all
floats of all laws every hundredth tick.
"""

PROGRAM = """
import gc
import struct
from binascii import crc32
from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, Command, Inputs, Outputs

def floats(state, into):
    for name in sorted(state):
        value = state[name]
        if isinstance(value, dict):
            floats(value, into)
        elif isinstance(value, float):
            into.append(struct.pack("<f", value))

settings = Settings()
settings.load({
    "head_per_k": 1.234e-3, "head_per_k2": 1.7e-5, "mount_per_k": -2.3e-4, "mount_per_k2": 3.1e-6,
    "head_mount_per_k2": -2.2e-6, "air_depth_per_cm": 0.0113, "kv_ppm_per_k": 23.0,
    "kv_exponent": 1.4, "ma_ppm_per_k": -17.0, "preheat_ms": 1000, "kv_slew_kv_per_s": 25.0,
})
controller = Controller(settings)
inputs, outputs, command = Inputs(), Outputs(), Command(50.0, 0.98)
inputs.switches = ALL_CLOSED
inputs.head_temperature_raw = 9950
inputs.mount_temperature_raw = 9200
inputs.room_temperature_raw = 2200
inputs.room_pressure_raw = 101325
inputs.room_humidity_raw = 4000
inputs.fan_tach_raw = 3000
inputs.lamp_current_raw = 2000
inputs.generator_temperature_raw = 3000
controller.step(0, inputs, outputs, command)
command.run = True
crc, noise, beam = 0, 12345, 0
for tick in range(1, TICKS + 1):
    noise = (noise * 1103 + 12345) & 0xFFFFF
    r = noise >> 10
    inputs.kv_monitor_raw = outputs.kv_program_raw * 8 + (r & 7) if outputs.hv_enable else 0
    bias = outputs.grid_program_raw - 2600
    ma_raw = bias * 35 + (r & 63) if bias > 0 and outputs.state == 3 else 0
    inputs.ma_monitor_raw = ma_raw if ma_raw < 20000 else 20000
    if tick % 50 == 0:
        inputs.head_temperature_raw = 9930 + (r >> 3)
        inputs.mount_temperature_raw = 9200 + (r >> 6)
        inputs.room_temperature_raw = 2200 + (r >> 2)
        inputs.room_pressure_raw = 100000 + 2 * r
        inputs.filament_monitor_raw = 17000 + r
    inputs.switches = ALL_CLOSED & ~1 if tick % 2000 == 1200 else ALL_CLOSED
    if tick % 2000 == 1300:
        command.run = False
    elif tick % 2000 == 1400:
        command.run = True
    controller.step(10 * tick, inputs, outputs, command)
    beam += outputs.state == 3
    crc = crc32(struct.pack("<8H", *outputs.values()), crc)
    if tick % 100 == 0:
        packed = []
        floats(controller.state(), packed)
        crc = crc32(b"".join(packed), crc)
    if tick % 500 == 0:
        gc.collect()
        print(tick, outputs.state, outputs.trip, beam, crc)
"""
