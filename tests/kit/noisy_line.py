"""A line that damages frames; the errors are drawn from a seed."""

from collections import Counter
from random import Random

from hil.link.transports import Transport

DAMAGE = ("flip", "cut", "lose", "twice", "swap", "insert")
SILENT = 4  # frames that a silence swallows, in each direction
LONG_SILENT = 12  # the firmware says the safe state meanwhile


class NoisyLine:
    """A transport in front of another, with damage in both directions.

    rate : part of what is sent, and of what is read, that is damaged
    done : how often each kind of damage was done
    """

    def __init__(self, transport: Transport, seed: int, rate: float):
        self.transport = transport
        self.rate = rate
        self.done: Counter[str] = Counter()
        self._rng = Random(seed)
        self._held = {"there": b"", "here": b""}
        self._silent = 0

    def write(self, data: bytes | bytearray) -> None:
        damaged = self._pass(bytes(data), "there")
        if damaged:
            self.transport.write(damaged)

    def read(self, timeout_s: float) -> bytes:
        chunk = self.transport.read(timeout_s)
        return self._pass(chunk, "here") if chunk else chunk

    def wait(self) -> None:
        self.transport.wait()

    def description(self) -> str:
        return self.transport.description()

    def close(self) -> None:
        self.rate = 0.0
        self.transport.close()

    def __str__(self) -> str:
        return f"noise before {self.transport}"

    def _pass(self, data: bytes, way: str) -> bytes:
        if self._silent and self.rate:
            self._silent -= 1
            return b""
        held, self._held[way] = self._held[way], b""
        if self._rng.random() >= self.rate:
            return data + held
        return self._damage(data, way) + held

    def _damage(self, data: bytes, way: str) -> bytes:
        rng = self._rng
        if rng.random() < 0.05:
            self._silent = LONG_SILENT if rng.random() < 0.01 else SILENT
            self.done["silence"] += 1
            return b""
        what = rng.choice(DAMAGE)
        self.done[what] += 1
        if what == "flip":
            return self._flipped(data)
        if what == "cut":
            begin = rng.randrange(len(data))
            return data[:begin] + data[rng.randint(begin, len(data)) :]
        if what == "twice":
            return data + data
        if what == "swap":
            self._held[way] = data  # comes behind the next
            return b""
        if what == "insert":
            at = rng.randrange(len(data) + 1)
            return data[:at] + rng.randbytes(rng.randint(1, 40)) + data[at:]
        return b""

    def _flipped(self, data: bytes) -> bytes:
        flipped = bytearray(data)
        for _ in range(self._rng.choice((1, 1, 2, 5, 20))):
            flipped[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        return bytes(flipped)
