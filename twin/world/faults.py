"""Faults at the seam: what the firmware reads is not what the plant offers.

They act on raw counts, between the board and the firmware, and so are the same whether the
firmware is here, in another process or on a board at the end of a link. A world whose seam is
elsewhere, in chips and on pins, lists those that it can make and refuses the others.
"""

from dataclasses import dataclass
from typing import Any

from firmware.signal_table import INPUTS, ages
from firmware.signals import CHAIN_A, CHAIN_B, GENERATOR_OK, Inputs, Outputs
from twin.files.errors import InputError
from twin.plant.plant import TICK_MS
from twin.world.seam import Board

AGES = ages(INPUTS)
RANGES = {signal[0]: (signal[2], signal[3]) for signal in INPUTS}
# Ages whose fault has another name.
NAMED = {"adc_age_ms": "monitors"}
# By its name: what stops changing, and the age that grows meanwhile.
STALE = {
    f"stale-{NAMED.get(age, age.removesuffix('_age_ms'))}": (tuple(names), age)
    for age, names in AGES.items()
}
_OF = {signal[0]: signal[5].removeprefix("age of ") for signal in INPUTS}
# kind: what is wrong then
FAULTS = {
    "chain-a": "channel A of the interlock chain is open",
    "chain-b": "channel B of the interlock chain is open",
    "generator": "the generator's fault contact is open",
    "lamp": "the X-RAY ON lamp draws no current",
    "fan": "the fan does not turn, whatever its program",
    **{kind: f"no new reading of {_OF[age]}" for kind, (_, age) in STALE.items()},
    "stuck": "an input `signal` stays at `raw` counts",
    "offset": "an input `signal` reads `raw` counts too high",
}
CONTACTS = {"chain-a": CHAIN_A, "chain-b": CHAIN_B, "generator": GENERATOR_OK}
ON_A_SIGNAL = ("stuck", "offset")


@dataclass(frozen=True)
class Fault:
    """One of FAULTS; `signal` and `raw` go with "stuck" and "offset" only. InputError if not."""

    kind: str
    signal: str = ""
    raw: int = 0

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise InputError(f"fault {self.kind!r}: not known; choose {', '.join(FAULTS)}")
        if self.kind not in ON_A_SIGNAL:
            if self.signal or self.raw:
                raise InputError(f"fault {self.kind}: takes neither signal nor raw")
            return
        if self.signal not in RANGES:
            raise InputError(
                f"fault {self.kind}: {self.signal!r} is no input signal; choose {', '.join(RANGES)}"
            )
        low, high = RANGES[self.signal]
        if self.kind == "stuck" and not low <= self.raw <= high:
            raise InputError(f"fault stuck: {self.signal} reads from {low} to {high} counts")

    @property
    def name(self) -> str:
        """By this it is cleared: one fault of each kind on each signal."""
        return f"{self.kind} {self.signal}" if self.signal else self.kind


class Faults:
    """The faults of a world.

    inputs : the world's record: what was read last
    """

    KINDS = tuple(FAULTS)
    """What can be made here."""

    def __init__(self, inputs: Inputs):
        self._inputs: Any = inputs  # its fields are made at run time
        self._faulty: FaultyReadings | None = None

    def in_front_of(self, board: Board) -> Board:
        """What to read and write instead of `board`: the board itself if nothing fails."""
        return FaultyBoard(board, self._faulty) if self._faulty else board

    def make(self, fault: Fault) -> None:
        """From the next tick on. InputError if it can't be made here."""
        self.refuse(fault)
        if self._faulty is None:
            self._faulty = FaultyReadings(self._inputs)
        self._faulty.make(fault, self._inputs)

    def clear(self, name: str | None = None) -> None:
        """End the fault of this name, or all of them. A name that is not active is ignored."""
        if self._faulty is None:
            return
        self._faulty.clear(name)
        if not self._faulty.active:
            self._inputs.load(self._faulty.healthy.values())
            self._faulty = None

    def refuse(self, fault: Fault) -> None:
        """InputError if this fault can't be made here."""
        if fault.kind not in self.KINDS:
            raise InputError(
                f"fault {fault.kind}: this target can't make it; it can make "
                + (", ".join(self.KINDS) or "none")
            )

    @property
    def active(self) -> tuple[str, ...]:
        """The names of those that are made now."""
        return tuple(self._faulty.active) if self._faulty else ()

    def state(self) -> list[Any]:
        """What `load` makes again, with what is held and how old it is; plain data."""
        return self._faulty.state() if self._faulty else []

    def load(self, state: list[Any]) -> None:
        self.clear()
        if state:
            self._faulty = FaultyReadings(self._inputs)
            self._faulty.load(state)


class FaultyReadings:
    """What active faults make of the readings.

    healthy : what would be read without them
    active  : by their names
    """

    def __init__(self, inputs: Any):
        self.healthy: Any = Inputs()
        self.healthy.load(inputs.values())
        self.active: dict[str, Fault] = {}
        self._held: dict[str, list[int]] = {}  # of a stale group: its counts, and then its age

    def make(self, fault: Fault, inputs: Any) -> None:
        self.active[fault.name] = fault
        if fault.kind in STALE:
            names, age = STALE[fault.kind]
            held = [max(getattr(inputs, name), RANGES[name][0]) for name in names]
            # At power-up nothing has ever been converted: that is as old as can be.
            age_ms = getattr(inputs, age) if any(inputs.values()) else RANGES[age][1]
            self._held[fault.kind] = [*held, age_ms]

    def clear(self, name: str | None) -> None:
        for one in [name] if name else list(self.active):
            self.active.pop(one, None)
            self._held.pop(one, None)

    def put_into(self, inputs: Any) -> None:
        """The readings of one tick."""
        inputs.load(self.healthy.values())
        for fault in self.active.values():
            self._apply(fault, inputs)

    def _apply(self, fault: Fault, inputs: Any) -> None:
        kind = fault.kind
        if kind in CONTACTS:
            inputs.switches &= ~CONTACTS[kind]
        elif kind in STALE:
            names, age = STALE[kind]
            held = self._held[kind]
            held[-1] = min(held[-1] + TICK_MS, RANGES[age][1])
            for name, value in zip((*names, age), held, strict=True):
                setattr(inputs, name, value)
        elif kind == "lamp":
            inputs.lamp_current_raw = 0
        elif kind == "fan":
            inputs.fan_tach_raw = 0
        else:
            low, high = RANGES[fault.signal]
            value = fault.raw
            if kind == "offset":
                value += getattr(inputs, fault.signal)
            setattr(inputs, fault.signal, max(low, min(high, value)))

    def state(self) -> list[Any]:
        faults = [[fault.kind, fault.signal, fault.raw] for fault in self.active.values()]
        return [list(self.healthy.values()), faults, {k: list(v) for k, v in self._held.items()}]

    def load(self, state: list[Any]) -> None:
        healthy, faults, held = state
        self.healthy.load(healthy)
        for kind, signal, raw in faults:
            fault = Fault(kind, signal, raw)
            self.active[fault.name] = fault
        self._held = {kind: list(values) for kind, values in held.items()}


class FaultyBoard:
    """A board in front of which something fails."""

    def __init__(self, board: Board, faulty: FaultyReadings):
        self._board = board
        self._faulty = faulty
        self._driven: Any = Outputs()

    def read(self, inputs: Inputs) -> None:
        self._board.read(self._faulty.healthy)
        self._faulty.put_into(inputs)

    def write(self, outputs: Outputs) -> None:
        if "fan" in self._faulty.active:
            self._driven.load(outputs.values())
            self._driven.fan_program_raw = 0
            outputs = self._driven
        self._board.write(outputs)
