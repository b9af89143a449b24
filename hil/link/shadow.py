"""Two firmwares on the same inputs: the one in this process and the one at the end of a link.

A shadow replaces the controller of a world (twin/world/world.py). It steps the firmware here with
the inputs of the other one, and compares all outputs of every tick.
"""

from dataclasses import dataclass
from typing import Any

from firmware.signal_table import OUTPUTS
from firmware.signals import Command, Inputs, Outputs
from hil.link.link import Link, LinkError
from twin.world.seam import Firmware
from twin.world.world import World

NAMES = tuple(signal[0] for signal in OUTPUTS)
STATE_AT = NAMES.index("state")
TRIP_AT = NAMES.index("trip")
SAFE = Outputs().values()

Values = tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """The first output that differs: here, and at the other firmware or in the tick log."""

    tick: int
    now_ms: int
    signal: str
    here: int
    there: int


class Differences:
    """The differences of two series of outputs.

    first : the first Difference, or None
    worst : the largest difference of each output signal so far, in counts
    """

    def __init__(self) -> None:
        self.first: Difference | None = None
        self.worst = dict.fromkeys(NAMES, 0)

    def add(self, tick: int, now_ms: int, here: Values, there: Values) -> None:
        """Compare the outputs of one tick."""
        if here == there:
            return
        for name, ours, theirs in zip(NAMES, here, there, strict=True):
            if ours != theirs:
                self.worst[name] = max(self.worst[name], abs(ours - theirs))
                if self.first is None:
                    self.first = Difference(tick, now_ms, name, ours, theirs)


def make_safe(world: World) -> None:
    """Set all outputs to the safe state, in which nothing in the plant is energised."""
    world.outputs.load(SAFE)
    world.board.write(world.outputs)


class Shadow:
    """Two firmwares in lockstep as one (twin/world/seam.py); for real time see real_time.py.

    Both read the same inputs and command. The outputs of the firmware here drive the plant, or
    those of the peer if `peer_drives`; each keeps its own outputs in memory, as on its own
    hardware. The link transfers only outputs: trim and readings are those of the firmware here.

    ticks : number of compared ticks
    first : the first Difference, or None
    worst : the largest difference of each output signal so far, in counts
    """

    def __init__(self, controller: Firmware, peer: Link, peer_drives: bool = False):
        self.controller = controller
        self.peer = peer
        self.peer_drives = peer_drives
        self.ticks = 0
        self._differences = Differences()
        self.worst = self._differences.worst
        self._here = Outputs()
        self._here.load(peer.outputs.values())
        self._trip = peer.outputs.values()[TRIP_AT]
        self._trip_ms = controller.trip_ms

    @property
    def first(self) -> Difference | None:
        """The first difference, None without one."""
        return self._differences.first

    @property
    def condition(self) -> int:
        """The state that drives the plant, see firmware/controller.py."""
        return self._driving(STATE_AT) if self.peer_drives else self.controller.condition

    @property
    def trip(self) -> int:
        """Code of the first cause of the trip, 0 without a trip."""
        return self._driving(TRIP_AT) if self.peer_drives else self.controller.trip

    @property
    def trip_ms(self) -> int:
        """Time of the trip, wrapping ms of the world's clock."""
        return self._trip_ms if self.peer_drives else self.controller.trip_ms

    @property
    def worst_difference(self) -> int:
        """The largest of `worst`, in counts."""
        return max(self.worst.values())

    @property
    def trim(self) -> float:
        """Factor that the compensation law of the firmware here puts on the emission current."""
        return self.controller.trim

    def readings(self, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
        """In physical units, by the firmware here."""
        return self.controller.readings(inputs, outputs)

    def state(self) -> dict[str, Any]:
        """The memory of the firmware that drives the plant, its times by the world's clock."""
        return self.peer.state() if self.peer_drives else self.controller.state()

    def load(self, state: dict[str, Any]) -> None:
        """Load the firmware here; the peer loads a state only at its start."""
        self.controller.load(state)

    def step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        """One tick of both. Raises LinkError if the peer is lost; then nothing is energised."""
        try:
            self._step(now_ms, inputs, outputs, command)
        except LinkError:
            outputs.load(SAFE)
            self.peer.outputs.load(SAFE)
            raise

    def _step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        self.peer.send(now_ms, inputs, command)
        self.controller.step(now_ms, inputs, self._here, command)
        self.peer.receive()
        self._compare(now_ms)
        self._drive(outputs)

    def _drive(self, outputs: Outputs) -> None:
        outputs.load((self.peer.outputs if self.peer_drives else self._here).values())

    def _driving(self, at: int) -> int:
        value: int = self.peer.outputs.values()[at]
        return value

    def _compare(self, now_ms: int) -> None:
        ours, theirs = self._here.values(), self.peer.outputs.values()
        if theirs[TRIP_AT] != self._trip:
            self._trip, self._trip_ms = theirs[TRIP_AT], now_ms
        self._differences.add(self.ticks, now_ms, ours, theirs)
        self.ticks += 1
