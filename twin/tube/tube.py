"""The description of a tube: every parameter with unit, source and, if assumed, its range.

Files are TOML (twin/tube/built_in/, docs/user/tubes.md). A parameter is written

    head_capacity_j_per_k = { value = 720, source = "0.8 kg of aluminium", range = [500, 1000] }

or, in a user's file, as a bare number. The unit is the ending of the name.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from firmware.settings import Settings
from twin.defaults import DEFAULT_TUBE as DEFAULT_TUBE
from twin.files.errors import InputError
from twin.files.toml import EntryError, Strict, load_toml, nearest, shown
from twin.physics.attenuation import SHELL_OF_LINE, excitation_kv
from twin.physics.cross_sections import IONISATION, MAX_KV
from twin.tube.parameter import Parameter
from twin.tube.sections import (
    AgeingParameters,
    CathodeParameters,
    GeneratorParameters,
    HeatParameters,
    OpticsParameters,
    Published,
    SampleParameters,
    SensorParameters,
    TargetParameters,
)

TUBES = Path(__file__).parent / "built_in"
SECTIONS = ("target", "heat", "cathode", "generator", "optics", "sample", "ageing", "sensors")


class Tube(Strict):
    """A tube. settings: set-points and ratings for the firmware, as the maker gives them."""

    title: str
    target: TargetParameters
    heat: HeatParameters
    cathode: CathodeParameters
    generator: GeneratorParameters
    optics: OpticsParameters
    sample: SampleParameters
    ageing: AgeingParameters
    sensors: SensorParameters
    published: Published = Published()
    settings: dict[str, float | int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _settings_can_be(self) -> "Tube":
        known = Settings().values()
        for name in self.settings:
            if name not in known:
                raise EntryError(f"unknown setting; {nearest(name, known)}", "settings", name)
        if problem := self.firmware_settings().problem():
            raise EntryError(f"{problem[1]}; correct it", "settings", problem[0])
        settings = self.firmware_settings()
        if settings.air_cooled != (self.heat.cooling == "air"):
            raise EntryError(
                f"{settings.air_cooled:g}, but the head is cooled by {self.heat.cooling}; "
                "correct one of the two",
                "settings",
                "air_cooled",
            )
        element, line = self.target.element, self.target.line
        if line != "continuum" and (element, SHELL_OF_LINE[line]) not in IONISATION:
            raise EntryError(
                f"no cross-section is available for {element} {line}; correct one of the two",
                "target",
                "line",
            )
        if settings.kv_max > MAX_KV:
            raise EntryError(
                f"{settings.kv_max:g} kV, but the yield is available only up to {MAX_KV:g} kV; "
                "lower it",
                "settings",
                "kv_max",
            )
        edge_kv = excitation_kv(self.target.element, self.target.line)
        if not settings.kv > edge_kv:
            raise EntryError(
                f"{settings.kv:g} kV does not excite {self.target.element} "
                f"{self.target.line}, which needs {edge_kv:.4g} kV; correct one of the two",
                "settings",
                "kv",
            )
        return self

    def firmware_settings(self) -> Settings:
        """The firmware's settings as the maker of the tube gives them, not calibrated."""
        settings = Settings()
        settings.load(self.settings)
        return settings

    def changed(self, values: Mapping[str, float]) -> "Tube":
        """The same tube with other values by dotted name, without ranges.

        Raises ValueError if the changed description is not valid.
        """
        document = self.model_dump()
        for dotted, value in values.items():
            section, name = dotted.split(".")
            document[section][name] = {"value": value}
        return Tube.model_validate(document)

    def fingerprint(self) -> str:
        """Hash of all numbers on which the calibration depends, without titles and sources."""
        numbers = {
            section: {
                name: entry.value if isinstance(entry, Parameter) else entry
                for name, entry in getattr(self, section)
            }
            for section in SECTIONS
        }
        numbers["settings"] = dict(self.settings)
        text = json.dumps(numbers, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def assumptions(self) -> list[tuple[str, Parameter]]:
        """The parameters with a range, by dotted name."""
        found = []
        for section in SECTIONS:
            for name, entry in getattr(self, section):
                if isinstance(entry, Parameter) and entry.range:
                    found.append((f"{section}.{name}", entry))
        return found


def builtin_tubes() -> list[str]:
    return sorted(path.stem for path in TUBES.glob("*.toml"))


def load_tube(name_or_path: str) -> tuple[str, Tube]:
    """Load a built-in tube or a .toml file: (name, tube). Raises InputError in one line."""
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return path.stem, load_toml(path, Tube)
    if name_or_path not in builtin_tubes():
        raise InputError(
            f"tube {shown(name_or_path)}: not built in; choose {', '.join(builtin_tubes())}, "
            "or give a .toml file"
        )
    return name_or_path, load_toml(TUBES / f"{name_or_path}.toml", Tube)
