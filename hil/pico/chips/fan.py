"""Four-wire fan: its tachometer's pulses, and its reading of the pulse width.

Intel, "4-Wire Pulse Width Modulation (PWM) Controlled Fans", revision 1.3 (September 2005).
The plant calculates the speed.
"""

from collections.abc import Callable

from hil.pico.chips.bus import PWM

FULL = 65535
LOWEST_HZ, HIGHEST_HZ = 21000, 28000


class Fan:
    """rpm: present speed. The tachometer is high for half a pulse, then low."""

    def __init__(self, rpm: Callable[[], float], pulses_per_rev: int = 2, begin_us: int = 0):
        self._rpm = rpm
        self._edges_per_turn = 2 * pulses_per_rev
        self._phase = 0.0  # in edges
        self._at_us = begin_us
        self._level = 1

    def edges_until(self, now_us: int) -> list[tuple[int, int]]:
        """(time in us, level) of the edges since the last call, at the present speed."""
        begin_us, self._at_us = self._at_us, now_us
        per_us = self._rpm() * self._edges_per_turn / 60e6
        if per_us <= 0.0:
            return []
        phase, self._phase = self._phase, self._phase + per_us * (now_us - begin_us)
        edges = []
        for edge in range(1, int(self._phase) + 1):
            self._level = 1 - self._level
            edges.append((min(now_us, begin_us + round((edge - phase) / per_us)), self._level))
        self._phase %= 1.0
        return edges


def program_of(pwm: PWM) -> int:
    """The pulse width (0 to 65535) at the fan; a pin that is not driven is pulled up: 65535."""
    hz = pwm.freq()
    if not hz:
        return FULL
    if not LOWEST_HZ <= hz <= HIGHEST_HZ:
        raise ValueError(f"fan: pulse width at {hz} Hz, not {LOWEST_HZ} to {HIGHEST_HZ}")
    return pwm.duty_u16() or 0
