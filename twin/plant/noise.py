"""Reproducible noise, drawn by NumPy in blocks and given out as plain floats."""

from typing import Any

import numpy as np


class Noise:
    """A stream of standard normal numbers. One seed and one name give one stream."""

    def __init__(self, seed: int, name: str, block: int = 1 << 14):
        self._rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([seed, *name.encode()]))
        )
        self._block = block
        self.refill()

    def refill(self) -> None:
        """Draw the next block."""
        self._start = self._rng.bit_generator.state
        self.values: list[float] = self._rng.standard_normal(self._block).tolist()
        self.next = 0

    def take(self, count: int) -> list[float]:
        """The next `count` numbers of one block; the rest of a block too short is skipped."""
        if self.next + count > self._block:
            self.refill()
        first = self.next
        self.next = first + count
        return self.values[first : first + count]

    def state(self) -> dict[str, Any]:
        return {"start": self._start, "next": self.next}

    def load(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["start"]
        self.refill()
        self.next = state["next"]
