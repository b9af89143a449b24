"""Emission law: holds the tube current.

The grid bias answers in microseconds and is the fast loop, one integral step a tick. The
filament answers in a tenth of a second, costs life, and is the slow loop: it brings the bias
back to the middle of its range, so that the fast loop keeps authority as the cathode ages.
"""

from firmware.calibration import ADC_FULL, DAC_FULL
from firmware.state import Plain, clamp

FAST_GAIN = 0.2  # of the dead-beat gain: noise of the sense is averaged over some 5 ticks
FAST_STEP_LIMIT = 12.0  # counts of bias a tick: the soft start through cut-off
SLOW_TIME_S = 20.0
SLOW_STEP_LIMIT = 2.0  # counts of filament current a slow step


class Emission(Plain):
    """`fast` every tick with beam on, `slow` ten times a second, `preheat` before."""

    STATE = (
        "target_ma",
        "target_raw",
        "grid",
        "carry",
        "filament",
        "grid_program_raw",
        "filament_program_raw",
    )

    def __init__(self, settings):
        self.settings = settings
        self.target_ma = 0.0
        self.target_raw = 0.0
        self.filament = 0.0
        self.filament_program_raw = 0
        self.cut_off()
        self.v_per_count = settings.grid_full_v / DAC_FULL
        self.a_per_count = settings.filament_full_a / DAC_FULL
        self.counts_per_ma = ADC_FULL / settings.ma_full
        # counts of bias for one count of current
        self.gain = FAST_GAIN / self.counts_per_ma / settings.grid_ma_per_v / self.v_per_count
        self.grid_set = DAC_FULL * (1.0 + settings.grid_set_v / settings.grid_full_v)
        self.slow_gain = (
            self.v_per_count / settings.filament_v_per_a / self.a_per_count / SLOW_TIME_S
        )

    def cut_off(self) -> None:
        """No current: bias at cut-off. The safe state of the grid."""
        self.target_ma = 0.0
        self.target_raw = 0.0
        self.grid = 0.0
        self.carry = 0.0
        self.grid_program_raw = 0

    def cold(self) -> None:
        """Filament off as well."""
        self.cut_off()
        self.filament = 0.0
        self.filament_program_raw = 0

    def preheat(self, dt_s: float) -> None:
        """Soft start of the filament, up to its preheat current."""
        s = self.settings
        goal = clamp(s.filament_preheat_a, 0.0, s.filament_limit_a) / self.a_per_count
        step = s.filament_slew_a_per_s * dt_s / self.a_per_count
        self.filament = goal if goal - self.filament < step else self.filament + step
        self.filament_program_raw = int(self.filament + 0.5)

    def aim(self, ma: float, dt_s: float) -> None:
        """Move the target towards `ma` (mA) at the permitted slew."""
        step = self.settings.ma_slew_ma_per_s * dt_s
        self.target_ma += clamp(ma - self.target_ma, -step, step)
        self.target_raw = self.target_ma * self.counts_per_ma

    def fast(self, ma_monitor_raw: int) -> int:
        """One integral step on the bias; returns grid_program_raw.

        What the converter's step cannot show is carried to the next tick, so that the mean
        bias is finer than one count.
        """
        step = self.gain * (self.target_raw - ma_monitor_raw)
        if step > FAST_STEP_LIMIT:
            step = FAST_STEP_LIMIT
        elif step < -FAST_STEP_LIMIT:
            step = -FAST_STEP_LIMIT
        grid = self.grid + step
        if grid > DAC_FULL:
            grid = float(DAC_FULL)
        elif grid < 0.0:
            grid = 0.0
        self.grid = grid
        grid += self.carry
        raw = int(grid)
        self.carry = grid - raw
        if raw > DAC_FULL:
            raw = DAC_FULL
        self.grid_program_raw = raw
        return raw

    def slow(self, dt_s: float) -> None:
        """One step of the filament that leads the bias back to its set-point.

        With no current asked for the bias says nothing about the filament, which then stays.
        """
        if self.target_ma <= 0.0:
            return
        s = self.settings
        step = clamp(
            self.slow_gain * dt_s * (self.grid - self.grid_set), -SLOW_STEP_LIMIT, SLOW_STEP_LIMIT
        )
        self.filament = clamp(self.filament + step, 0.0, s.filament_limit_a / self.a_per_count)
        self.filament_program_raw = int(self.filament + 0.5)
