"""Faults in a test: until they are cleared, or for the duration of a `with` block."""

from types import TracebackType
from typing import Any

from twin.world.faults import Fault


class RigFaults:
    """The faults of a world, see twin/world/faults.py.

    make("chain-a")                     until it is cleared, or the test ends
    with make("stuck", "switches", 3):  until the block ends
    """

    def __init__(self, faults: Any):
        self._faults = faults

    def make(self, kind: str, signal: str = "", raw: int = 0) -> "Made":
        """Make a fault from the next tick on. Raises InputError if the target can't make it."""
        fault = Fault(kind, signal, raw)
        self._faults.make(fault)
        return Made(self, fault.name)

    def clear(self, name: str | None = None) -> None:
        """End the fault of this name, such as "chain-a" or "stuck switches", or all."""
        self._faults.clear(name)

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the active faults."""
        return tuple(self._faults.active)

    @property
    def possible(self) -> tuple[str, ...]:
        """The types of fault that this target can make."""
        return tuple(self._faults.KINDS)


class Made:
    """An active fault; `clear`, or the end of a `with` block, ends it."""

    def __init__(self, faults: RigFaults, name: str):
        self._faults = faults
        self.name = name

    def clear(self) -> None:
        self._faults.clear(self.name)

    def __enter__(self) -> "Made":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()
