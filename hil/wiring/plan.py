"""Wiring plans: pin, chip or wire frame of each signal, its scale, and the possible faults.

A plan is a TOML file, built in (hil/wiring/built_in/) or the user's own; docs/bench/benches.md
describes the format. A plan that contradicts itself or firmware/signal_table.py raises an
InputError of one line.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from firmware.signal_table import INPUTS
from hil.board_types import BOARD_TYPES
from hil.wiring.parts import (
    CHIPS,
    RANGES,
    SWITCHES,
    Chip,
    FaultMethod,
    Model,
    SerialWire,
    Wire,
)
from twin.files.errors import InputError
from twin.files.toml import EntryError, Strict, load_toml, nearest, shown
from twin.world.faults import CONTACTS, FAULTS

PLANS = Path(__file__).parent / "built_in"
IN = frozenset(signal[0] for signal in INPUTS)


class WiringPlan(Strict):
    """One plan.

    board  : type of the board, a name of firmware/boards/board_table.py; needed if the plan
             contains pins
    link   : serial connection; needed if signals pass in wire frames
    faults : the faults that can be made on this bench; others are refused
    """

    name: str
    title: str
    board: str | None = None
    link: SerialWire | None = None
    chips: dict[str, Chip] = Field(default_factory=dict)
    wire: tuple[Wire, ...] = Field(min_length=1)
    faults: dict[str, FaultMethod] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> "WiringPlan":
        if self.board is not None and self.board not in BOARD_TYPES:
            raise EntryError(
                f"{shown(self.board)} is unknown; {nearest(self.board, BOARD_TYPES)}", "board"
            )
        for check in (self._check_chips, self._check_ends, self._check_signals, self._check_faults):
            check()
        return self

    def wire_of(self, signal: str, contact: str = "") -> Wire:
        """The wire that carries a signal. Raises KeyError for an unknown signal."""
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
                raise EntryError(f"has the place of {seen[place]}; correct one", "chips", name)
            seen[place] = name

    def _check_ends(self) -> None:
        """Every pin and channel exists, has the signal's direction and range, and is used once."""
        seen: dict[tuple[object, ...], str] = {}
        for chip in self.chips.values():
            if chip.select:
                seen["pin", chip.select] = "a chip's select"
        for index, wire in enumerate(self.wire):
            signal, at = wire.signals[0], ("wire", index)
            if wire.by == "frame" and not self.link:
                raise EntryError("is missing; wire frames need one", "link", missing=True)
            for end in self._ends(wire, at):
                if end in seen:
                    raise EntryError(
                        f"{' '.join(map(str, end))} already carries {seen[end]}; correct one",
                        *at,
                        str(end[0]),
                    )
                seen[end] = signal
            if short := wire.short_of_counts():
                raise EntryError(short, *at, "span")

    def _ends(self, wire: Wire, at: tuple[str, int]) -> Iterator[tuple[object, ...]]:
        if wire.pin:
            self._pin(wire.pin, *at, "pin")
            yield "pin", wire.pin
        if wire.chip:
            chip = self.chips.get(wire.chip)
            if chip is None:
                raise EntryError(
                    f"{shown(wire.chip)} is not in [chips]; {nearest(wire.chip, self.chips)}",
                    *at,
                    "chip",
                )
            model = CHIPS[chip.model]
            self._check_end(wire, chip.model, model, *at, "chip")
            if wire.channel >= model.channels:
                raise EntryError(
                    f"{chip.model} has channels 0 to {model.channels - 1}; correct it",
                    *at,
                    "channel",
                )
            yield "chip", wire.chip, wire.channel

    def _check_end(self, wire: Wire, what: str, model: Model, *at: str | int) -> None:
        signal = wire.signals[0]
        if (signal in IN) != model.read:
            way = "to" if signal in IN else "from"
            raise EntryError(f"{signal} goes {way} the firmware, {what} does not; correct it", *at)
        if model.scaled and wire.per_count is None:
            raise EntryError(f"is missing; {what} has a scale", *at[:-1], "per_count", missing=True)

    def _check_signals(self) -> None:
        """Each signal is wired once; contacts are wired one by one or all together."""
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
                raise EntryError(f"is not a fault; {nearest(kind, FAULTS)}", *at)
            if fault.by == "seam" and any(w.by not in ("frame", "firmware") for w in self.wire):
                raise EntryError("seam needs all signals in wire frames; correct it", *at, "by")
            if fault.pin:
                self._pin(fault.pin, *at, "pin")
            for index, chip in enumerate(fault.chips):
                if chip not in self.chips:
                    near = nearest(chip, self.chips)
                    raise EntryError(
                        f"{shown(chip)} is not in [chips]; {near}", *at, "chips", index
                    )

    def _pin(self, name: str, *at: str | int) -> None:
        if self.board is None:
            raise EntryError("is missing; pins need a board", "board", missing=True)
        pins = BOARD_TYPES[self.board].pins
        if name not in pins:
            raise EntryError(
                f"{shown(name)} is not a pin of {self.board}; {nearest(name, pins)}", *at
            )


def builtin_plans() -> list[str]:
    return sorted(path.stem for path in PLANS.glob("*.toml"))


def load_plan(name_or_path: str | os.PathLike[str]) -> WiringPlan:
    """Load a plan by its built-in name or its .toml file. Raises InputError with one line."""
    text = os.fspath(name_or_path)
    if text.lower().endswith(".toml"):
        return load_toml(text, WiringPlan, name=Path(text).stem)
    known = builtin_plans()
    if text not in known:
        raise InputError(
            f"wiring plan {shown(text)}: not built in; choose {', '.join(known)}, "
            "or give a .toml file"
        )
    return load_toml(PLANS / f"{text}.toml", WiringPlan, name=text)


def _parts(signal: str) -> tuple[str, ...]:
    return tuple(CONTACTS) if signal == SWITCHES else ("",)
