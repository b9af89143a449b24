"""Faults at the seam: what the firmware reads is not what is there.

They act on raw counts, between the board and the firmware, and so are the same whether the
firmware is here, in another process or on a board at the end of a link. A world whose seam is
elsewhere, in chips and on pins, says which of them it can make; what it can't, it refuses.
"""

from dataclasses import dataclass
from typing import Any

from firmware.signal_table import INPUTS
from firmware.signals import CHAIN_A, CHAIN_B, GENERATOR_OK, Inputs
from twin.files.errors import InputError
from twin.plant.plant import TICK_MS

# kind: what is wrong then
FAULTS = {
    "chain-a": "channel A of the interlock chain is open",
    "chain-b": "channel B of the interlock chain is open",
    "generator": "the generator's fault contact is open",
    "lamp": "the X-RAY ON lamp draws no current",
    "fan": "the fan does not turn, whatever it is told",
    "stale-monitors": "tube voltage and current are not converted any more",
    "stale-head": "the head's temperature is not converted any more",
    "stale-mount": "the mount's temperature is not converted any more",
    "stale-generator": "the generator's temperature is not converted any more",
    "stale-room": "the room's three values are not converted any more",
    "stuck": "an input `signal` stays at `raw` counts",
    "offset": "an input `signal` reads `raw` counts too high",
}
CONTACTS = {"chain-a": CHAIN_A, "chain-b": CHAIN_B, "generator": GENERATOR_OK}
# What stands still, and the age that grows meanwhile.
STALE = {
    "stale-monitors": (("kv_monitor_raw", "ma_monitor_raw"), "adc_age_ms"),
    "stale-head": (("head_temperature_raw",), "head_age_ms"),
    "stale-mount": (("mount_temperature_raw",), "mount_age_ms"),
    "stale-generator": (("generator_temperature_raw",), "generator_age_ms"),
    "stale-room": (
        ("room_temperature_raw", "room_pressure_raw", "room_humidity_raw"),
        "room_age_ms",
    ),
}
ON_A_SIGNAL = ("stuck", "offset")
RANGES = {signal[0]: (signal[2], signal[3]) for signal in INPUTS}


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
    """The faults of a world whose board has the seam's two methods."""

    KINDS = tuple(FAULTS)
    """What can be made here."""

    def __init__(self, world: Any):
        self._world = world
        self._board: FaultyBoard | None = None

    def make(self, fault: Fault) -> None:
        """From the next tick on. InputError if it can't be made here."""
        self.refuse(fault)
        world = self._world
        if self._board is None:
            world.board = self._board = FaultyBoard(world.board, world.inputs)
        self._board.make(fault, world.inputs)

    def clear(self, name: str | None = None) -> None:
        """End the fault of this name, or all of them; none that is not there is missed."""
        if self._board is None:
            return
        self._board.clear(name)
        if not self._board.active:
            self._world.board = self._board.board
            self._world.inputs.load(self._board.healthy.values())
            self._board = None

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
        return tuple(self._board.active) if self._board else ()

    def state(self) -> list[Any]:
        """What `load` makes again, with what is held and how old it is; plain data."""
        return self._board.state() if self._board else []

    def load(self, state: list[Any]) -> None:
        self.clear()
        if state:
            world = self._world
            world.board = self._board = FaultyBoard(world.board, world.inputs)
            self._board.load(state)


class FaultyBoard:
    """A board in front of which something fails. `healthy` is what would be read without."""

    def __init__(self, board: Any, inputs: Any):
        self.board = board
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

    def read(self, inputs: Any) -> None:
        self.board.read(self.healthy)
        inputs.load(self.healthy.values())
        for fault in self.active.values():
            self._apply(fault, inputs)

    def write(self, outputs: Any) -> None:
        self.board.write(outputs)
        if "fan" in self.active:
            self.board.plant.fan_program_raw = 0

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
