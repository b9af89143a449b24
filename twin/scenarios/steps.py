"""Steps of a scenario: what is done to the tube and its firmware at a time, and what is expected
of them then. docs/user/scenarios.md shows how to write them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from firmware.interlocks import NAMES
from twin.files.errors import InputError
from twin.files.toml import EntryError, Strict, nearest, shown
from twin.world.faults import FAULTS, ON_A_SIGNAL, Fault

CAUSES = tuple(NAMES.values())
# What a step does, and the keys that go with it: those that must be there, and those that may.
ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "start": ((), ()),
    "stop": ((), ()),
    "fault": ((), ("signal", "raw", "for_s")),
    "clear": ((), ("signal",)),
    "disturb": (("part",), ()),
    "expect": ((), ("cause", "kv", "ma", "within_percent", "within_s")),
}


def _ms(seconds: float) -> int:
    return round(1000.0 * seconds)


class Step(Strict):
    """One of ACTIONS at a time. What happens at one time happens in the order of the file."""

    at_s: float = Field(ge=0.0)
    start: bool = False
    stop: bool = False
    fault: str | None = None
    clear: str | None = None
    signal: str | None = None
    raw: int | None = None
    for_s: float | None = Field(default=None, gt=0.0)
    disturb: Literal["emission"] | None = None
    part: float | None = Field(default=None, gt=0.0, le=10.0)
    expect: Literal["off", "preheat", "ramp", "beam", "tripped"] | None = None
    cause: str | None = None
    kv: float | None = Field(default=None, gt=0.0)
    ma: float | None = Field(default=None, gt=0.0)
    within_percent: float | None = Field(default=None, gt=0.0, le=100.0)
    within_s: float | None = Field(default=None, gt=0.0)

    @property
    def at_ms(self) -> int:
        return _ms(self.at_s)

    @property
    def last_ms(self) -> int:
        """When it has been met or was not; when a fault ends by itself."""
        return self.at_ms + _ms(self.within_s or self.for_s or 0.0)

    @property
    def action(self) -> str:
        """Which of ACTIONS this is."""
        return next(name for name in ACTIONS if self._given(name))

    def made(self) -> Fault:
        """What a fault step makes. InputError if there is no such fault."""
        return Fault(self.fault or "", self.signal or "", self.raw or 0)

    @property
    def cleared(self) -> str | None:
        """The name of the fault that a clear step ends; None for all."""
        if self.clear == "all":
            return None
        return f"{self.clear} {self.signal}" if self.signal else self.clear

    def words(self) -> str:
        """The step in words, without its time."""
        action = self.action
        if action == "fault":
            raw = f" {self.raw}" if self.signal else ""
            lasts = f" for {self.for_s:g} s" if self.for_s else ""
            return f"fault {self.made().name}{raw}{lasts}"
        if action == "clear":
            return f"clear {self.cleared or 'all'}"
        if action == "disturb":
            return f"disturb {self.disturb} by a factor of {self.part:g}"
        if action == "expect":
            return " ".join(self._expected())
        return action

    def _expected(self) -> Iterator[str]:
        yield str(self.expect)
        if self.cause:
            yield f"by {self.cause}"
        if self.within_percent:
            values = ((self.kv, "kV"), (self.ma, "mA"))
            given = [f"{value:g} {unit}" for value, unit in values if value is not None]
            yield f"at {' and '.join(given) or 'its set point'} ± {self.within_percent:g} %"
        if self.within_s:
            yield f"within {self.within_s:g} s"

    def _given(self, key: str) -> bool:
        value = getattr(self, key)
        return value is not None and value is not False

    @model_validator(mode="after")
    def _is_one(self) -> "Step":
        given = [key for key in type(self).model_fields if key != "at_s" and self._given(key)]
        actions = [key for key in given if key in ACTIONS]
        if not actions:
            raise EntryError(f"does nothing; give one of {', '.join(ACTIONS)}")
        action = actions[0]
        if len(actions) > 1:
            raise EntryError(f"is beside {action}; give each its own [[step]]", actions[1])
        needed, allowed = ACTIONS[action]
        for key in given:
            if key not in (action, *needed, *allowed):
                raise EntryError(f"does not go with {action}; delete it", key)
        for key in needed:
            if key not in given:
                raise EntryError(f"is missing; {action} needs it", key, missing=True)
        for key in ("at_s", "for_s", "within_s"):
            value = getattr(self, key)
            if value is not None and (abs(1000.0 * value - _ms(value)) > 1e-6 or 0 < value < 0.001):
                raise EntryError(f"{value:g} s is no whole number of milliseconds; round it", key)
        self._check_fault()
        self._check_expectation()
        return self

    def _check_fault(self) -> None:
        kind = self.fault or self.clear
        if kind is None or self.clear == "all":
            return
        key = "fault" if self.fault else "clear"
        if kind not in FAULTS:
            raise EntryError(f"{shown(kind)} is no fault; {nearest(kind, FAULTS)}", key)
        if kind in ON_A_SIGNAL:
            for needed in ("signal", "raw") if self.fault else ("signal",):
                if getattr(self, needed) is None:
                    raise EntryError(f"is missing; {kind} needs it", needed, missing=True)
        try:
            Fault(kind, self.signal or "", self.raw or 0) if self.fault else None
        except InputError as error:
            raise EntryError(str(error).partition(": ")[2], key) from None

    def _check_expectation(self) -> None:
        if self.cause is not None:
            if self.expect != "tripped":
                raise EntryError(f"does not go with {self.expect}; only a trip has one", "cause")
            if self.cause not in CAUSES:
                raise EntryError(
                    f"{shown(self.cause)} is no interlock; {nearest(self.cause, CAUSES)}", "cause"
                )
        measured = [key for key in ("kv", "ma") if getattr(self, key) is not None]
        if measured and self.within_percent is None:
            raise EntryError(f"is missing; {measured[0]} needs it", "within_percent", missing=True)
        if self.within_percent is not None and self.expect != "beam":
            raise EntryError(
                f"does not go with {self.expect}; only a beam has it", "within_percent"
            )


def check_steps(steps: Sequence[Step], running: bool) -> None:
    """EntryError at a step that comes out of order or could do nothing.

    running: whether the beam is on at time 0.
    """
    for index, (before, step) in enumerate(pairwise(steps), start=1):
        if step.at_ms < before.at_ms:
            raise EntryError(
                f"{step.at_s:g} s does not come after {before.at_s:g} s; put the steps in the "
                "order of their times",
                "step",
                index,
                "at_s",
            )
    made: dict[str, float] = {}  # name of a fault: when it ends by itself
    for index, step in enumerate(steps):
        wrong = ""
        if step.start or step.stop:
            if step.start == running:
                wrong = "does nothing: a " + (
                    "stop must come before it" if running else "start must come before it"
                )
                wrong += "; add one or delete this step"
            running = step.start
        elif step.fault:
            name = step.made().name
            if made.get(name, -1.0) >= step.at_ms:
                wrong = f"{name} is there already; clear it first"
            made[name] = step.last_ms if step.for_s else float("inf")
        elif step.clear:
            there = [name for name, until_ms in made.items() if until_ms > step.at_ms]
            ended = there if step.cleared is None else [step.cleared]
            if not ended or not set(ended) <= set(there):
                wrong = f"there is no {step.cleared or 'fault'} to clear then; delete this step"
            for name in ended:
                made.pop(name, None)
        if wrong:
            raise EntryError(wrong, "step", index, step.action)


_FAULT = re.compile(
    r"(?P<kind>[\w-]+)(?::(?P<signal>\w+)=(?P<raw>[+-]?\d{1,9}))?"
    r"@(?P<at_s>\d+(?:\.\d+)?)(?:\+(?P<for_s>\d+(?:\.\d+)?))?",
    re.ASCII,
)


def fault_steps(texts: Iterable[str]) -> tuple[Step, ...]:
    """Steps from texts such as "fan@3600+10" or "stuck:head_temperature_raw=9000@60", in time
    order. InputError in one line."""
    steps = []
    for text in texts:
        found = _FAULT.fullmatch(text)
        if not found:
            raise InputError(
                f"--fault {shown(text)}: give KIND[:SIGNAL=RAW]@SECONDS[+SECONDS], such as "
                "fan@3600+10 or stuck:head_temperature_raw=9000@60"
            )
        values: dict[str, Any] = {key: float(found[key]) for key in ("at_s", "for_s") if found[key]}
        if found["signal"]:
            values |= {"signal": found["signal"], "raw": int(found["raw"])}
        try:
            steps.append(Step(fault=found["kind"], **values))
        except ValidationError as error:
            first = error.errors()[0]
            cause = first.get("ctx", {}).get("error", first["msg"])
            key = ".".join(str(part) for part in (*first["loc"], *getattr(cause, "path", ())))
            raise InputError(f"--fault {shown(text)}: {key}: {cause}") from None
    return tuple(sorted(steps, key=lambda step: step.at_ms))
