"""The parts of a wiring plan: serial wire, chips, wires, faults; see hil/wiring/plan.py."""

from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from firmware.signal_table import INPUTS, OUTPUTS
from twin.files.toml import EntryError, Strict, nearest, shown
from twin.world.faults import CONTACTS

RANGES = {signal[0]: (signal[2], signal[3]) for signal in (*INPUTS, *OUTPUTS)}
SWITCHES = "switches"
# Half a count: a converter's full scale is often one count above its highest reading.
TOLERANCE_COUNTS = 0.5


class Model(NamedTuple):
    """A type of chip. read: True if the firmware reads it; scaled: True if wires have a scale."""

    read: bool
    channels: int = 1
    scaled: bool = True


CHIPS = {
    "ADS1115": Model(read=True, channels=4),
    "MAX31865": Model(read=True),
    "BME280": Model(read=True, channels=3, scaled=False),  # temperature, pressure, humidity
    "MCP4728": Model(read=False, channels=4),
}


class SerialWire(Strict):
    """The serial connection to the board: a pyserial URL, and which clock controls the other."""

    url: str = Field(min_length=1)
    mode: Literal["lockstep", "real-time"]


class Chip(Strict):
    """A converter on a bus of the board, with an address (I2C) or a select pin (SPI)."""

    model: str
    bus: Literal["i2c", "spi"]
    address: int = Field(default=0, ge=0, le=0x7F)
    select: str = ""

    @model_validator(mode="after")
    def _is_reached(self) -> "Chip":
        if self.model not in CHIPS:
            raise EntryError(
                f"{shown(self.model)} is not a chip; {nearest(self.model, CHIPS)}", "model"
            )
        needed, other = ("address", "select") if self.bus == "i2c" else ("select", "address")
        if not getattr(self, needed):
            raise EntryError(f"is missing; a chip on {self.bus} needs one", needed, missing=True)
        if getattr(self, other):
            raise EntryError(f"is not used with {self.bus}; delete it", other)
        return self


class Wire(Strict):
    """The way of one signal, or of several with the same way, to the board or from it.

    by        : "frame": raw counts in wire frames; "firmware": the board itself makes the value;
                "emulated": a model of the circuit at the pin
    contact   : name of one contact of the signal "switches"
    per_count : size of one count at the board, in `unit`
    divider   : value at the far end divided by the value at the board
    span      : range that the board can read or make, in `unit`
    reaches   : range of the counts that occur, if smaller than the declared range
    """

    signals: tuple[str, ...] = Field(min_length=1)
    by: Literal["frame", "firmware", "emulated"]
    contact: str = ""
    pin: str = ""
    chip: str = ""
    channel: int = Field(default=0, ge=0)
    unit: str = ""
    per_count: float | None = Field(default=None, gt=0.0)
    divider: float = Field(default=1.0, gt=0.0)
    span: tuple[float, float] | None = None
    reaches: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "Wire":
        for index, name in enumerate(self.signals):
            if name not in RANGES:
                raise EntryError(
                    f"{shown(name)} is not a signal; {nearest(name, RANGES)}", "signals", index
                )
        if self.contact and (self.signals != (SWITCHES,) or self.contact not in CONTACTS):
            raise EntryError(
                f"{shown(self.contact)} is not a contact of {SWITCHES}; choose "
                f"{', '.join(CONTACTS)}",
                "contact",
            )
        ends = [bool(self.pin), bool(self.chip)]
        if self.by in ("frame", "firmware"):
            if any(ends) or self.per_count or self.span or self.reaches:
                raise EntryError(
                    f"{self.by} has neither pin nor scale; delete those of {self.signals[0]}", "by"
                )
            return self
        if sum(ends) != 1 or len(self.signals) != 1:
            raise EntryError(f"{self.by} needs one signal and one pin or chip; correct it", "by")
        for key, other in (("span", "per_count"), ("per_count", "span")):
            if getattr(self, key) is None and getattr(self, other) is not None:
                raise EntryError(f"is missing; {other} needs it", key, missing=True)
        low, high = RANGES[self.signals[0]]
        if self.reaches and not low <= self.reaches[0] < self.reaches[1] <= high:
            raise EntryError(f"is outside {low} to {high} counts; correct it", "reaches")
        return self

    def short_of_counts(self) -> str:
        """The error text if the span does not cover all counts; "" if it does."""
        span, each = self.span, self.per_count
        if span is None or each is None:
            return ""
        low, high = self.reaches or RANGES[self.signals[0]]
        lowest, highest = (low + TOLERANCE_COUNTS) * each, (high - TOLERANCE_COUNTS) * each
        if span[0] <= lowest and highest <= span[1]:
            return ""
        return (
            f"{span[0]:g} to {span[1]:g} {self.unit} are {span[0] / each:.0f} to "
            f"{span[1] / each:.0f} counts, not {low} to {high}; correct the scale, or give the "
            "counts that occur in reaches"
        )


class FaultMethod(Strict):
    """The way in which a fault of twin/world/faults.py is made.

    by : "seam": in the raw counts; "pin": the signal does not arrive at a pin; "off-bus": chips
         do not answer on their bus
    """

    by: Literal["seam", "pin", "off-bus"]
    pin: str = ""
    chips: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> "FaultMethod":
        needed = {"pin": "pin", "off-bus": "chips"}.get(self.by)
        for key in ("pin", "chips"):
            given = bool(getattr(self, key))
            if key == needed and not given:
                raise EntryError(f"is missing; {self.by} needs it", key, missing=True)
            if key != needed and given:
                raise EntryError(f"is not used with {self.by}; delete it", key)
        return self
