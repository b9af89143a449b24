"""The set-points of a Spellman generator: requested, confirmed, and due to be sent."""

from firmware.calibration import DAC_FULL
from firmware.drivers.spellman.models import UX50P50

KV = 10
MA = 11
UNKNOWN = -1
HALF = 4096  # of the fixed point, 13 bits: products stay within a board's small integers


class SetPoints:
    """Set-points. Call `want`; while `due`, send `command` with `argument`, and `confirm` the
    answer."""

    def __init__(self, model: type[UX50P50], settings):
        self.command = 0
        self.argument = 0
        self._model = model
        self._kv_scale = fixed(settings.kv_full / model.KV_FULL)
        self._filament_scale = fixed(settings.filament_full_a / model.FILAMENT_FULL_A)
        self._ma = min(DAC_FULL, int(settings.trip_ma / model.MA_FULL * DAC_FULL))
        self._kv = 0
        self._filament = 0
        self.forget()

    def want(self, kv_program_raw: int, filament_program_raw: int) -> None:
        self._kv = scaled(kv_program_raw, self._kv_scale)
        self._filament = scaled(filament_program_raw, self._filament_scale)

    def forget(self) -> None:
        """Mark all set-points of the generator as unknown."""
        self._remote_held = False
        self._kv_held = self._ma_held = self._limit_held = self._preheat_held = UNKNOWN

    def due(self) -> bool:
        """True if the generator does not hold a requested set-point."""
        m = self._model
        filament = self._filament
        if m.REMOTE and not self._remote_held:
            self.command = m.REMOTE
            self.argument = 1
        elif self._ma_held != self._ma:
            self.command = MA
            self.argument = self._ma
        # The preheat never goes above the limit: up, the limit leads; down, the preheat.
        elif m.LIMIT and (
            self._limit_held < filament or self._preheat_held == filament != self._limit_held
        ):
            self.command = m.LIMIT
            self.argument = filament
        elif m.LIMIT and self._preheat_held != filament:
            self.command = m.PREHEAT
            self.argument = filament
        elif self._kv_held != self._kv:
            self.command = KV
            self.argument = self._kv
        else:
            return False
        return True

    def confirm(self, command: int, argument: int) -> None:
        """Note that the generator has accepted this set-point."""
        m = self._model
        if command == KV:
            self._kv_held = argument
        elif command == MA:
            self._ma_held = argument
        elif command == m.LIMIT:
            self._limit_held = argument
        elif command == m.PREHEAT:
            self._preheat_held = argument
        elif command == m.REMOTE:
            self._remote_held = True


def fixed(factor: float) -> int:
    """Return a factor as a whole number of 2**-13."""
    return int(2.0 * HALF * factor + 0.5)


def scaled(counts: int, factor: int) -> int:
    """Return counts * factor, rounded."""
    return counts * factor + HALF >> 13
