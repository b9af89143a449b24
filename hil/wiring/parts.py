"""What a wiring plan is made of: line, chips, wires, faults; see hil/wiring/plan.py."""

from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from firmware.signal_table import INPUTS, OUTPUTS
from twin.files.toml import EntryError, Strict, nearest, shown
from twin.world.faults import CONTACTS

RANGES = {signal[0]: (signal[2], signal[3]) for signal in (*INPUTS, *OUTPUTS)}
SWITCHES = "switches"
# Half a count: a converter whose full scale is one count more than its highest reading covers it.
SLACK_COUNTS = 0.5


class Model(NamedTuple):
    """A kind of chip: whether the firmware reads it, its channels, whether it has a scale."""

    read: bool
    channels: int = 1
    scaled: bool = True


CHIPS = {
    "ADS1115": Model(read=True, channels=4),
    "MAX31865": Model(read=True),
    "BME280": Model(read=True, channels=3, scaled=False),  # temperature, pressure, humidity
    "MCP4728": Model(read=False, channels=4),
}


class Line(Strict):
    """The serial line to the board: what pyserial opens, and how time passes on it."""

    url: str = Field(min_length=1)
    mode: Literal["lockstep", "real-time"]


class Chip(Strict):
    """A converter on the board's buses, at an address (I2C) or selected by a pin (SPI)."""

    model: str
    bus: Literal["i2c", "spi"]
    address: int = Field(default=0, ge=0, le=0x7F)
    select: str = ""

    @model_validator(mode="after")
    def _is_reached(self) -> "Chip":
        if self.model not in CHIPS:
            raise EntryError(
                f"{shown(self.model)} is no chip; {nearest(self.model, CHIPS)}", "model"
            )
        needed, other = ("address", "select") if self.bus == "i2c" else ("select", "address")
        if not getattr(self, needed):
            raise EntryError(f"is missing; a chip on {self.bus} has one", needed, missing=True)
        if getattr(self, other):
            raise EntryError(f"does not go with {self.bus}; delete it", other)
        return self


class Wire(Strict):
    """How one signal, or some that are made alike, come to the board or from it.

    by        : "frame": raw counts over the link; "firmware": the board makes it by itself;
                "emulated": a model of what is at the pin
    contact   : of "switches", which
    per_count : `unit`s of one count, at the board's end; `divider`: those at the far end for one
                here; span: what the board's end can read or make; reaches: the counts that come,
                where they are not all of the declaration
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
                    f"{shown(name)} is no signal; {nearest(name, RANGES)}", "signals", index
                )
        if self.contact and (self.signals != (SWITCHES,) or self.contact not in CONTACTS):
            raise EntryError(
                f"{shown(self.contact)} is none of {', '.join(CONTACTS)} of {SWITCHES}; correct it",
                "contact",
            )
        ends = [bool(self.pin), bool(self.chip)]
        if self.by in ("frame", "firmware"):
            if any(ends) or self.per_count or self.span or self.reaches:
                raise EntryError(
                    f"has neither pin nor scale; leave it {self.signals[0]} alone", "by"
                )
            return self
        if sum(ends) != 1 or len(self.signals) != 1:
            raise EntryError(f"{self.by} needs one signal and one pin or chip; correct it", "by")
        for key, other in (("span", "per_count"), ("per_count", "span")):
            if getattr(self, key) is None and getattr(self, other) is not None:
                raise EntryError(f"is missing; {other} needs it", key, missing=True)
        low, high = RANGES[self.signals[0]]
        if self.reaches and not low <= self.reaches[0] < self.reaches[1] <= high:
            raise EntryError(f"lies outside {low} to {high} counts; correct it", "reaches")
        return self

    def short_of_counts(self) -> str:
        """Which counts the span leaves out, in words; "" if none."""
        span, each = self.span, self.per_count
        if span is None or each is None:
            return ""
        low, high = self.reaches or RANGES[self.signals[0]]
        if span[0] <= (low + SLACK_COUNTS) * each and (high - SLACK_COUNTS) * each <= span[1]:
            return ""
        return (
            f"{span[0]:g} to {span[1]:g} {self.unit} are {span[0] / each:.0f} to "
            f"{span[1] / each:.0f} counts, and not {low} to {high}; correct the scale, or say in "
            "reaches which counts come"
        )


class FaultMethod(Strict):
    """How a fault of twin/world/faults.py is made.

    by : "seam": in the raw counts; "pin": nothing arrives at a pin; "off-bus": chips are taken off
         their buses
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
                raise EntryError(f"does not go with {self.by}; delete it", key)
        return self
