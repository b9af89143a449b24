"""Benches as data: which signal of the seam is made where, to what scale, and what can be broken.

A description is a TOML file, built in (hil/wiring/built_in/) or the user's own;
docs/bench/benches.md says how to write one. What contradicts itself or the firmware's declaration
is one line of InputError.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from firmware.boards.pins import ESP32, PICO, PYBOARD
from firmware.signal_table import INPUTS
from hil.wiring.parts import (
    CHIPS,
    RANGES,
    SWITCHES,
    TERMINALS,
    BenchFault,
    Chip,
    Link,
    Model,
    Terminal,
    Wire,
)
from twin.files.errors import InputError
from twin.files.toml import EntryError, Strict, load_toml, nearest, shown
from twin.world.faults import CONTACTS, FAULTS

BENCHES = Path(__file__).parent / "built_in"
PINS: dict[str, dict[str, object]] = {
    "pico": dict(PICO),
    "esp32": dict(ESP32),
    "pyboard": dict(PYBOARD),
}
IN = frozenset(signal[0] for signal in INPUTS)


class Bench(Strict):
    """One bench. `faults` are all that can be made on it; others are refused."""

    name: str
    title: str
    board: Literal["pico", "esp32", "pyboard"] | None = None
    link: Link | None = None
    chips: dict[str, Chip] = Field(default_factory=dict)
    terminals: dict[str, Terminal] = Field(default_factory=dict)
    wire: tuple[Wire, ...] = Field(min_length=1)
    faults: dict[str, BenchFault] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> "Bench":
        for check in (self._check_chips, self._check_ends, self._check_signals, self._check_faults):
            check()
        return self

    def wire_of(self, signal: str, contact: str = "") -> Wire:
        """The wire that carries a signal; KeyError if there is none of this name."""
        for wire in self.wire:
            if signal in wire.signals and wire.contact in ("", contact):
                return wire
        raise KeyError(signal)

    def _check_chips(self) -> None:
        seen: dict[tuple[str, object], str] = {}
        for name, chip in self.chips.items():
            if chip.select:
                self._pin(chip.select, "chips", name, "select")
            place = (chip.bus, chip.address or chip.select)
            if place in seen:
                raise EntryError(f"is where {seen[place]} is; correct one", "chips", name)
            seen[place] = name

    def _check_ends(self) -> None:
        """Every end exists, carries this direction and range, and no other signal."""
        seen: dict[tuple[object, ...], str] = {}
        for chip in self.chips.values():
            if chip.select:
                seen["pin", chip.select] = "a chip's select"
        for index, wire in enumerate(self.wire):
            signal, at = wire.signals[0], ("wire", index)
            if wire.by == "frame" and not self.link:
                raise EntryError("is missing; frames need one", "link", missing=True)
            for end in self._ends(wire, at):
                if end in seen:
                    raise EntryError(
                        f"{' '.join(map(str, end))} carries {seen[end]} already; correct one",
                        *at,
                        str(end[0]),
                    )
                seen[end] = signal
            if wire.span and (short := wire.short_of(wire.span)):
                raise EntryError(short, *at, "span")

    def _ends(self, wire: Wire, at: tuple[str, int]) -> Iterator[tuple[object, ...]]:
        if wire.pin:
            self._pin(wire.pin, *at, "pin")
            yield "pin", wire.pin
        if wire.chip:
            chip = self.chips.get(wire.chip)
            if chip is None:
                raise EntryError(
                    f"{shown(wire.chip)} is no chip here; {nearest(wire.chip, self.chips)}",
                    *at,
                    "chip",
                )
            model = CHIPS[chip.model]
            self._check_end(wire, chip.model, model, *at, "chip")
            if wire.channel >= model.channels:
                raise EntryError(
                    f"{chip.model} has {model.channels}, from 0 on; correct it", *at, "channel"
                )
            yield "chip", wire.chip, wire.channel
        if wire.terminal:
            terminal = self._terminal(wire.terminal, *at, "terminal")
            self._check_end(wire, terminal.kind, TERMINALS[terminal.kind], *at, "terminal")
            if terminal.span and (short := wire.short_of(terminal.span, wire.divider)):
                raise EntryError(f"at the far end, {short}", *at, "terminal")
            yield "terminal", wire.terminal

    def _check_end(self, wire: Wire, what: str, model: Model, *at: str | int) -> None:
        signal = wire.signals[0]
        if (signal in IN) != model.read:
            way = "to" if signal in IN else "from"
            raise EntryError(f"{signal} goes {way} the firmware, {what} does not; correct it", *at)
        if model.scaled and wire.per_count is None:
            raise EntryError(f"is missing; {what} has a scale", *at[:-1], "per_count", missing=True)

    def _check_signals(self) -> None:
        """Each signal is wired once, contacts one by one or all together."""
        left = {(name, contact) for name in RANGES for contact in _parts(name)}
        for index, wire in enumerate(self.wire):
            for place, name in enumerate(wire.signals):
                for contact in [wire.contact] if wire.contact else _parts(name):
                    if (name, contact) not in left:
                        raise EntryError(
                            f"{name} {contact}".rstrip() + " is wired twice; delete one",
                            "wire",
                            index,
                            "signals",
                            place,
                        )
                    left.remove((name, contact))
        if left:
            names = sorted(" ".join(one).rstrip() for one in left)
            raise EntryError(f"nothing carries {', '.join(names)}; add a wire", "wire")

    def _check_faults(self) -> None:
        for kind, fault in self.faults.items():
            at = ("faults", kind)
            if kind not in FAULTS:
                raise EntryError(f"no fault is called so; {nearest(kind, FAULTS)}", *at)
            if fault.by == "seam" and any(w.by not in ("frame", "firmware") for w in self.wire):
                raise EntryError("the seam is out of reach: not all is in frames", *at, "by")
            if fault.pin:
                self._pin(fault.pin, *at, "pin")
            for index, chip in enumerate(fault.chips):
                if chip not in self.chips:
                    near = nearest(chip, self.chips)
                    raise EntryError(f"{shown(chip)} is no chip here; {near}", *at, "chips", index)
            if fault.terminal and self._terminal(fault.terminal, *at, "terminal").kind != "relay":
                raise EntryError("is no relay; choose one that is", *at, "terminal")

    def _pin(self, name: str, *at: str | int) -> None:
        if self.board is None:
            raise EntryError("is missing; pins are those of a board", "board", missing=True)
        pins = PINS[self.board]
        if name not in pins:
            raise EntryError(
                f"{shown(name)} is no pin of a {self.board}; {nearest(name, pins)}", *at
            )

    def _terminal(self, name: str, *at: str | int) -> Terminal:
        if name not in self.terminals:
            near = nearest(name, self.terminals)
            raise EntryError(f"{shown(name)} is no terminal here; {near}", *at)
        return self.terminals[name]


def builtin_benches() -> list[str]:
    return sorted(path.stem for path in BENCHES.glob("*.toml"))


def load_bench(name_or_path: str | os.PathLike[str]) -> Bench:
    """A built-in name or a .toml file. InputError in one line."""
    wanted = os.fspath(name_or_path)
    if wanted.lower().endswith(".toml"):
        return load_toml(wanted, Bench, name=Path(wanted).stem)
    known = builtin_benches()
    if wanted not in known:
        raise InputError(
            f"bench {shown(wanted)}: not built in; choose {', '.join(known)}, or give a .toml file"
        )
    return load_toml(BENCHES / f"{wanted}.toml", Bench, name=wanted)


def _parts(signal: str) -> tuple[str, ...]:
    return tuple(CONTACTS) if signal == SWITCHES else ("",)
