"""Scenarios: what the room does, for how long, and how the tube starts. Data, not code.

Built-ins are the files of twin/scenarios/built_in/; docs/user/scenarios.md shows how to write one.
"""

import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    model_validator,
)

from firmware.settings import Settings
from twin.files.errors import InputError
from twin.files.toml import EntryError, Strict, file_name, load_toml, nearest, shown
from twin.physics.attenuation import GasName
from twin.plant.ambient import Ambient
from twin.scenarios.room_file import (
    LONGEST_S,
    STANDARD_HUMIDITY_PERCENT,
    STANDARD_PRESSURE_HPA,
    implausible,
    read_room,
)
from twin.scenarios.steps import Step, check_steps
from twin.verdict import FRAME_MS

SCENARIOS = Path(__file__).parent / "built_in"
LONGEST_H = LONGEST_S / 3600.0
FEWEST_FRAMES = 2  # a standard deviation needs two


def _listed(given: Any) -> Any:
    """One value is short for a list of one."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return (given,) if is_number else given


def _plausible(name: str) -> AfterValidator:
    """Refuses what the air of a room cannot be, at the element of the list."""

    def check(values: tuple[float, ...]) -> tuple[float, ...]:
        for index, value in enumerate(values):
            if wrong := implausible(name, value):
                raise EntryError(wrong, index)
        return values

    return AfterValidator(check)


_Values = Annotated[tuple[float, ...], Field(min_length=1), BeforeValidator(_listed)]


def _rising(hours: tuple[float, ...]) -> tuple[float, ...]:
    if hours[0] != 0.0:
        raise EntryError("time_h must begin at 0; shift the times", 0)
    for index in range(1, len(hours)):
        if not 3600.0 * hours[index] > 3600.0 * hours[index - 1]:
            raise EntryError(
                f"{hours[index]:g} h does not come after {hours[index - 1]:g} h; "
                "give each time once, in rising order",
                index,
            )
    if hours[-1] > LONGEST_H:
        raise EntryError(f"{hours[-1]:g} h is more than a year; give hours", len(hours) - 1)
    return hours


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of text; write some words without line breaks")
    return text


def _file_stem(name: str) -> str:
    if name.startswith("."):
        raise ValueError(f"{name!r} cannot name a scenario; rename the file")
    return _one_line(name)


class Room(Strict):
    """Points of the room's temperature, pressure and humidity, straight lines between them."""

    time_h: Annotated[tuple[float, ...], Field(min_length=2), AfterValidator(_rising)]
    temperature_c: Annotated[_Values, _plausible("temperature_c")]
    pressure_hpa: Annotated[_Values, _plausible("pressure_hpa")] = (STANDARD_PRESSURE_HPA,)
    humidity_percent: Annotated[_Values, _plausible("humidity_percent")] = (
        STANDARD_HUMIDITY_PERCENT,
    )
    repeat: bool = False

    def columns(self) -> dict[str, tuple[float, ...]]:
        """Temperature, pressure and humidity, each as long as `time_h` or of one value."""
        return {
            "temperature_c": self.temperature_c,
            "pressure_hpa": self.pressure_hpa,
            "humidity_percent": self.humidity_percent,
        }

    @model_validator(mode="after")
    def _columns_match(self) -> "Room":
        points = len(self.time_h)
        for name, values in self.columns().items():
            if len(values) not in (1, points):
                raise EntryError(
                    f"{len(values)} values for {points} times; give one for each, or a single one",
                    name,
                )
            if self.repeat and values[0] != values[-1]:
                raise EntryError(
                    f"ends at {values[-1]:g} but repeats from {values[0]:g}; "
                    "end where it begins, or set repeat = false",
                    name,
                    len(values) - 1,
                )
        return self

    def ambient(self) -> Ambient:
        """The table as a function of time."""
        points = len(self.time_h)
        temperature_c, pressure_hpa, humidity_percent = (
            values if len(values) == points else values * points
            for values in self.columns().values()
        )
        time_s = [3600.0 * hour for hour in self.time_h]
        return Ambient(time_s, temperature_c, pressure_hpa, humidity_percent, self.repeat)


def _known_settings(values: dict[str, float | int]) -> dict[str, float | int]:
    known = Settings().values()
    for name in values:
        if name not in known:
            raise EntryError(f"unknown setting; {nearest(name, known)}", name)
    return values


class Scenario(Strict):
    """One run of the tube in one room.

    start    : "warm": on since before time 0; "cold": at the room's temperature; "rest": warm, but
               just switched off. The last two are switched on by a step, or, without any
               steps, at once.
    settings : of the firmware, where they are not those of the tube
    step     : what is done and expected at which time, see twin/scenarios/steps.py

    `ambient` is None where the room comes from a CSV file instead (`with_ambient`), which
    `ambient_csv` then names.
    """

    name: Annotated[str, AfterValidator(_file_stem)]
    title: Annotated[str, AfterValidator(_one_line)]
    description: Annotated[str, AfterValidator(_one_line)] = ""
    duration_h: float = Field(gt=0.0, le=LONGEST_H)
    start: Literal["warm", "cold", "rest"]
    warm_up_h: float = Field(default=0.0, ge=0.0)
    air_path_cm: float = Field(default=10.0, ge=0.0, le=200.0)
    path_gas: GasName = "air"
    ambient: Room | None
    ambient_csv: str | None = None
    settings: Annotated[dict[str, float | int], AfterValidator(_known_settings)] = Field(
        default_factory=dict
    )
    step: tuple[Step, ...] = ()

    _from_csv: Ambient | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _fits_together(self) -> "Scenario":
        if self.ambient and not self.ambient.repeat and self.duration_h > self.ambient.time_h[-1]:
            raise EntryError(
                f"{self.duration_h:g} h, but the room is described for "
                f"{self.ambient.time_h[-1]:g} h; add points, shorten, or set repeat = true",
                "duration_h",
            )
        if self.start != "warm" and not self.step and not self.warm_up_h > 0.0:
            raise EntryError(
                f"a {self.start} start needs the hours that are not judged; set warm_up_h above 0",
                "warm_up_h" if "warm_up_h" in self.model_fields_set else "start",
            )
        if short := self._too_short(self.duration_h):
            raise EntryError(short, "duration_h")
        check_steps(self.step, self.start == "warm")
        if self.step and not self.judged and not any(step.expect for step in self.step):
            raise EntryError(
                "nothing is expected and nothing judged; add a step with expect, "
                "or set warm_up_h above 0",
                "step",
            )
        return self

    @property
    def judged(self) -> bool:
        """Whether the intensity is judged: where there are steps, only after a warm-up."""
        return not self.step or self.warm_up_h > 0.0

    @property
    def starts_itself(self) -> bool:
        """Whether the tube is switched on without a step that does it."""
        return self.start == "warm" or not self.step

    def room(self) -> Ambient:
        """The conditions of the room from 0 to the end of the run."""
        ambient = self._from_csv or (self.ambient and self.ambient.ambient())
        if not ambient:
            raise ValueError("this scenario has no room; load it, or use with_ambient")
        return ambient.until(3600.0 * self.duration_h)

    def in_constant_room(self) -> "Scenario":
        """The same in a room that stays as it is on average over the run's range."""
        low_c, high_c = self.room().temperature_range_c
        room = Room(time_h=(0.0, self.duration_h), temperature_c=(0.5 * (low_c + high_c),))
        same = self.model_copy(update={"ambient": room, "ambient_csv": None})
        same._from_csv = None
        return same

    def with_hours(self, hours: float) -> "Scenario":
        """The same, shorter; or longer where the room repeats. InputError where it cannot be."""
        if not (math.isfinite(hours) and hours > 0.0):
            raise InputError(f"--hours {hours:g}: give a number of hours above 0")
        repeats = self.ambient is not None and self.ambient.repeat
        longest_h = LONGEST_H if repeats else self.duration_h
        if hours > longest_h:
            raise InputError(
                f"--hours {hours:g}: scenario {self.name} describes {longest_h:g} h; "
                f"give at most {longest_h:g}"
            )
        if short := self._too_short(hours):
            raise InputError(f"--hours {hours:g}: {short}")
        return self.model_copy(update={"duration_h": hours})

    def with_ambient(self, path: str | os.PathLike[str], hours: float | None = None) -> "Scenario":
        """The same start and air path in the room of a CSV file.

        It lasts as long as the file, with steps as long as it does by itself, or `hours` if that
        is shorter. InputError in one line.
        """
        ambient = read_room(path)
        file, file_h = Path(path), ambient.duration_s / 3600.0
        if short := self._too_short(file_h):
            raise InputError(f"{file_name(path)}: {short}")
        replaced = self.model_copy(
            update={
                "name": f"{self.name}+{shown(file.stem)[1:-1]}",
                "title": f"room conditions from {shown(file.name)[1:-1]}, else as {self.name}",
                "duration_h": file_h,
                "ambient_csv": str(file),
            }
        ).with_room(ambient)
        if self.step:
            hours = min(hours or self.duration_h, self.duration_h)
        return replaced if hours is None else replaced.with_hours(min(hours, file_h))

    def with_room(self, ambient: Ambient) -> "Scenario":
        """The same in the room of this table, which must last as long."""
        same = self.model_copy(update={"ambient": None})
        same._from_csv = ambient
        return same

    def _too_short(self, hours: float) -> str | None:
        """What is wrong with a run of so many hours, if anything is."""
        ends_ms = [step.last_ms if step.expect else step.at_ms for step in self.step]
        least_h = max(ends_ms, default=0) / 3_600_000
        why = "for its steps"
        if self.judged:
            frames_h = self.warm_up_h + FEWEST_FRAMES * FRAME_MS / 3_600_000
            if frames_h > least_h:
                after = f" after {self.warm_up_h:g} h of warm-up" if self.warm_up_h else ""
                why = f"for {FEWEST_FRAMES} frames of {FRAME_MS // 1000} s{after}"
                least_h = frames_h
        if 3600.0 * (least_h - hours) < 0.001:  # time runs in whole milliseconds
            return None
        return (
            f"{hours:.4g} h is too short {why}; "
            f"give {math.ceil(1000.0 * least_h) / 1000.0:g} h or more"
        )


def builtin_scenarios() -> list[str]:
    """The names of the built-in scenarios."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load_scenario(name_or_path: str | os.PathLike[str]) -> Scenario:
    """A built-in name or a .toml file. InputError in one line."""
    requested = os.fspath(name_or_path)
    if requested.lower().endswith(".toml"):
        return load_toml(requested, Scenario, name=Path(requested).stem, ambient_csv=None)
    known = builtin_scenarios()
    if requested in known:
        return load_toml(
            SCENARIOS / f"{requested}.toml", Scenario, name=requested, ambient_csv=None
        )
    if requested.lower().endswith(".csv"):
        raise InputError(
            f"{file_name(requested)}: is no scenario; give room conditions by --ambient"
        )
    near = nearest(requested, known)
    near = "" if near.startswith("known") else f"{near} "
    raise InputError(
        f"scenario {shown(requested)}: not built in; {near}choose {', '.join(known)}, "
        "or give a .toml file"
    )
