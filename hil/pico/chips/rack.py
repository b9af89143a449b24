"""All chips of a unit, wired to the plant as docs/board/wiring.md draws it."""

from firmware.signals import CHAIN_A, CHAIN_B, GENERATOR_OK
from hil.pico.chips.ads1115 import Ads1115
from hil.pico.chips.bme280 import Bme280
from hil.pico.chips.bus import Clock, I2CChip
from hil.pico.chips.fan import Fan
from hil.pico.chips.max31865 import Max31865
from hil.pico.chips.mcp4728 import CODE, REFERENCE_V, Mcp4728
from twin.plant.plant import Plant
from twin.world.board import LAMP_RAW

VOLTS_PER_COUNT = 62.5e-6  # of a monitor, behind the divider that makes 2.048 V of 10 V
LM35_VOLTS_PER_CENTI = 1e-4  # 10 mV/degC
RATIO_COUNTS = 32768
KV_ADDRESS, MA_ADDRESS, DAC_ADDRESS, AIR_ADDRESS = 0x48, 0x49, 0x60, 0x76
GRID, KV, FILAMENT = 0, 1, 2  # channels of the DAC


class Rack:
    """The chips of one unit.

    i2c         : the chips on the I2C bus by address
    head, mount : the two on SPI
    fan         : its tachometer
    """

    def __init__(self, plant: Plant, now_us: Clock):
        self.plant = plant
        sensors = plant.sensors
        self.kv_adc = Ads1115(
            [lambda: plant.kv_monitor_raw * VOLTS_PER_COUNT, *3 * [open_pin]], now_us
        )
        self.ma_adc = Ads1115(
            [
                lambda: plant.ma_monitor_raw * VOLTS_PER_COUNT,
                lambda: plant.filament_monitor_raw * VOLTS_PER_COUNT,
                lambda: sensors.generator_temperature_raw * LM35_VOLTS_PER_CENTI,
                open_pin,
            ],
            now_us,
        )
        self.dac = Mcp4728(now_us)
        self.air = Bme280(
            lambda: 0.01 * sensors.room_temperature_raw,
            lambda: float(sensors.room_pressure_raw),
            lambda: 0.01 * sensors.room_humidity_raw,
            now_us,
        )
        self.head = Max31865(lambda: sensors.head_temperature_raw / RATIO_COUNTS, now_us)
        self.mount = Max31865(lambda: sensors.mount_temperature_raw / RATIO_COUNTS, now_us)
        self.fan = Fan(lambda: plant.heat.fan * plant.heat.fan_max_rpm, begin_us=now_us())
        self.i2c: dict[int, I2CChip] = {
            KV_ADDRESS: self.kv_adc,
            MA_ADDRESS: self.ma_adc,
            DAC_ADDRESS: self.dac,
            AIR_ADDRESS: self.air,
        }

    def advance(self, hv_enable: bool, lamp_on: bool, fan_program_raw: int) -> None:
        """One tick of the plant, with the levels of the board's pins and the outputs of the DAC."""
        self.drive(hv_enable, lamp_on, fan_program_raw)
        self.plant.advance()

    def drive(self, hv_enable: bool, lamp_on: bool, fan_program_raw: int) -> None:
        """As `advance`, without the plant's step; due conversions get the values before."""
        for chip in (self.kv_adc, self.ma_adc, self.air, self.head, self.mount):
            chip.advance()
        plant = self.plant
        plant.hv_enable = int(hv_enable)
        plant.lamp_on = int(lamp_on)
        plant.grid_program_raw = self._program(GRID)
        plant.kv_program_raw = self._program(KV)
        plant.filament_program_raw = self._program(FILAMENT)
        plant.fan_program_raw = fan_program_raw

    def contacts(self) -> tuple[bool, bool, bool]:
        """True if closed: chain A, chain B, generator healthy."""
        switches = self.plant.switches
        return bool(switches & CHAIN_A), bool(switches & CHAIN_B), bool(switches & GENERATOR_OK)

    def lamp_raw(self) -> int:
        """The lamp's current, in counts of 12 bits."""
        return LAMP_RAW if self.plant.lamp_on else 0

    def _program(self, channel: int) -> int:
        return min(round(self.dac.volts(channel) / REFERENCE_V * (CODE + 1)), CODE)


def open_pin() -> float:
    """An input without a signal, tied to ground."""
    return 0.0
