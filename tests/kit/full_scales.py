"""Counts and units of the default tube's interfaces, for tests at the seam."""

from firmware.calibration import ADC_FULL
from firmware.settings import Settings

KV_FULL = Settings().kv_full
MA_FULL = Settings().ma_full
FILAMENT_FULL_A = Settings().filament_full_a
GRID_FULL_V = Settings().grid_full_v
KV_PER_COUNT = KV_FULL / ADC_FULL
MA_PER_COUNT = MA_FULL / ADC_FULL
FILAMENT_A_PER_COUNT = FILAMENT_FULL_A / ADC_FULL
