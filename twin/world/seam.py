"""What a world needs of a firmware and of a board: everything that can stand in for one.

Implemented by the firmware in this process (twin/world/firmware.py), and in hil by the firmware
at the end of a link, by the one on an emulated board, and by what records each tick.
"""

from typing import Any, Protocol

from firmware.signals import Command, Inputs, Outputs


class Board(Protocol):
    """The seam: what the firmware reads, and what it drives."""

    def read(self, inputs: Inputs, /) -> None:
        """Fill raw counts, contacts and ages."""

    def write(self, outputs: Outputs, /) -> None:
        """Apply the actuator values; they hold until the next tick."""


class Firmware(Protocol):
    """A firmware that drives the plant of a world.

    condition : its state, see STATES in firmware/controller.py
    trip      : code of the first cause of its last trip, see docs/board/interlocks.md; 0: none
    trip_ms   : when it tripped, wrapping ms
    trim      : factor that the compensation law puts on the emission current
    """

    @property
    def condition(self) -> int: ...
    @property
    def trip(self) -> int: ...
    @property
    def trip_ms(self) -> int: ...
    @property
    def trim(self) -> float: ...

    def step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command, /) -> None:
        """One tick: `now_ms` (wrapping ms), raw inputs -> raw outputs."""

    def readings(self, inputs: Inputs, outputs: Outputs, /) -> dict[str, Any]:
        """What it reports about itself, in physical units: names with units -> plain values."""

    def state(self) -> dict[str, Any]:
        """Its whole memory, as nested plain values."""

    def load(self, state: dict[str, Any], /) -> None:
        """Take over what `state()` gave."""
