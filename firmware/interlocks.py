"""Interlocks: the last word on every output.

They look at the rows of interlock_table.py and remember how long each has been met. They are not
the safety function: that is the hardware chain, which breaks the high voltage without passing
through this processor. They are the second pair of eyes.
Design basis, voluntarily: 21 CFR 1020.40 (which excludes diffraction equipment) and the
dual-channel practice of ISO 13849-1.
"""

from firmware.interlock_table import (
    ALWAYS,
    ARC_AGE_MS,
    AT_AN_ARC,
    EVERY_TICK,
    REGULATING,
    ROWS,
    WITH_VOLTAGE,
    Limits,
)

FOREVER_MS = 1 << 29  # beyond any delay, and still no long integer on a board
NAMES = {row[0]: row[1] for rows in ROWS for row in rows}  # by code


class Interlocks(Limits):
    """`all_well`, and `fast` if it is not, every tick while energised; the others more rarely.

    All return the code of the first row that trips, or 0 when all is well.
    """

    STATE = ("arc1_ms", "arc2_ms", "arc3_ms")

    def __init__(self, settings):
        super().__init__(settings)
        # By look and row: how long its condition has held without a break (ms); and of one with an
        # `until`, whether it is still met.
        self.met_ms = [[0] * len(rows) for rows in ROWS]
        self.latched = [[False] * len(rows) for rows in ROWS]
        self.start()

    def start(self) -> None:
        """Forget what concerns the beam alone: a new one begins."""
        for look in (WITH_VOLTAGE, REGULATING):
            self.met_ms[look] = [0] * len(ROWS[look])
        self.arc1_ms = self.arc2_ms = self.arc3_ms = ARC_AGE_MS  # ages of the last three arcs

    def fast(self, inputs, outputs, controller) -> int:
        """The rows of every tick, one by one: only for a tick that is not `all_well`."""
        return self._first(EVERY_TICK, inputs, outputs, controller)

    def slow(self, inputs, outputs, controller, dt_ms: int) -> int:
        """The rows that are looked at in every state."""
        return self._look(ALWAYS, inputs, outputs, controller, dt_ms)

    def voltage(self, inputs, outputs, controller, dt_ms: int) -> int:
        """The rows of ramp and beam. Here the arcs age."""
        if self.arc1_ms < ARC_AGE_MS:
            self.arc1_ms += dt_ms
        if self.arc2_ms < ARC_AGE_MS:
            self.arc2_ms += dt_ms
        if self.arc3_ms < ARC_AGE_MS:
            self.arc3_ms += dt_ms
        return self._look(WITH_VOLTAGE, inputs, outputs, controller, dt_ms)

    def regulated(self, inputs, outputs, controller, dt_ms: int) -> int:
        """The rows of a current that is regulated."""
        return self._look(REGULATING, inputs, outputs, controller, dt_ms)

    def arc(self, inputs, outputs, controller) -> int:
        """The tube voltage has just broken down."""
        code = self._first(AT_AN_ARC, inputs, outputs, controller)
        self.arc3_ms, self.arc2_ms, self.arc1_ms = self.arc2_ms, self.arc1_ms, 0
        return code

    def state(self) -> dict:
        """By name, of the rows that have a delay or an `until`."""
        state = Limits.state(self)
        state["met_ms"] = met_ms = {}
        state["latched"] = latched = {}
        for look, rows in enumerate(ROWS):
            for _code, name, at, delay_ms, _age_ms, _condition, until in rows:
                if delay_ms:
                    met_ms[name] = self.met_ms[look][at]
                if until:
                    latched[name] = self.latched[look][at]
        return state

    def load(self, state: dict) -> None:
        """Take over what `state()` gave."""
        Limits.load(self, state)
        for look, rows in enumerate(ROWS):
            for _code, name, at, delay_ms, _age_ms, _condition, until in rows:
                if delay_ms:
                    self.met_ms[look][at] = state["met_ms"][name]
                if until:
                    self.latched[look][at] = state["latched"][name]

    def _first(self, look: int, inputs, outputs, controller) -> int:
        """The first row that is met now."""
        for code, _name, _at, _delay_ms, _age_ms, condition, _until in ROWS[look]:
            if condition(self, inputs, outputs, controller):
                return code
        return 0

    def _look(self, look: int, inputs, outputs, controller, dt_ms: int) -> int:
        """The first row that has been met for its delay; the time of all of them goes on."""
        met_ms = self.met_ms[look]
        first = 0
        for code, _name, at, delay_ms, _age_ms, condition, until in ROWS[look]:
            met = False
            if condition(self, inputs, outputs, controller):
                if met_ms[at] < FOREVER_MS:
                    met_ms[at] += dt_ms
                met = met_ms[at] > delay_ms
            else:
                met_ms[at] = 0
            if until:
                latched = self.latched[look]
                if met:
                    latched[at] = True
                elif until(self, inputs, outputs, controller):
                    latched[at] = False
                met = latched[at]
            if met and not first:
                first = code
        return first
