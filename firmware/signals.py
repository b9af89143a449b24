"""The records between the firmware and the world, and the operator's command.

Their fields are declared in signal_table.py, only. A running board needs only the names: the table
then leaves its memory (firmware/unload.py).
"""

# Bits of inputs.switches. A closed, healthy contact reads 1, so a broken wire reads as a fault.
CHAIN_A = 1  # interlock chain, channel A, closed
CHAIN_B = 2  # interlock chain, channel B, closed
GENERATOR_OK = 4  # the generator's fault relay is closed
ALL_CLOSED = CHAIN_A | CHAIN_B | GENERATOR_OK


def _names(table: str) -> tuple:
    from firmware import signal_table

    return tuple([signal[0] for signal in getattr(signal_table, table)])


class Record:
    """A flat, pre-allocated record with one attribute per signal, all 0 at first."""

    __slots__: tuple = ()  # so that a misspelt signal is an error, on CPython
    NAMES: tuple = ()

    def __init__(self):
        for name in self.NAMES:
            setattr(self, name, 0)

    def values(self) -> tuple:
        """Return the raw values in the order of the declaration."""
        return tuple([getattr(self, name) for name in self.NAMES])

    def load(self, values) -> None:
        """Set all raw values, given in the order of the declaration."""
        for name, value in zip(self.NAMES, values):
            setattr(self, name, value)


class Inputs(Record):
    __slots__ = _names("INPUTS")
    NAMES = __slots__


class Outputs(Record):
    __slots__ = _names("OUTPUTS")
    NAMES = __slots__


class Command:
    """The operator's command. The beam starts only on a change of `run` from False to True; after a
    trip `run` must go back to False first. `hold` names laws (HOLD_* bits) whose outputs are
    frozen: a service function, used for tests without a law. The bit TUNE_THERMAL, set while the
    unit is off, starts an autotune with the beam (autotune.py); keep it set during the autotune.
    """

    __slots__ = ("run", "kv", "ma", "hold")

    def __init__(self, kv: float, ma: float):
        self.run = False
        self.kv = kv
        self.ma = ma
        self.hold = 0


HOLD_THERMAL = 1
HOLD_EMISSION = 2
HOLD_COMPENSATION = 4
TUNE_THERMAL = 8
