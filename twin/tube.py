"""The description of a tube: every parameter with its unit, its source and, assumed, its range.

Files are TOML (twin/tubes/, docs/tubes.md). A parameter is written

    head_capacity_j_per_k = { value = 720, source = "0.8 kg of aluminium", range = [500, 1000] }

or, in a user's own file, as a bare number. The unit is the name's ending.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from firmware.settings import Settings
from twin.errors import InputError
from twin.toml_input import EntryError, load_toml, nearest, shown

TUBES = Path(__file__).parent / "tubes"
DEFAULT_TUBE = "cu-50w-air"
SECTIONS = ("heat", "cathode", "generator", "optics", "sensors")


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Parameter(Strict):
    """One number, where it comes from, and how far an assumed one may lie from it."""

    value: float
    source: str = Field(default="not given", min_length=1)
    range: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: Any) -> Any:
        """A bare number is short for a parameter without a source."""
        if isinstance(given, dict | Parameter):
            return given
        if isinstance(given, bool) or not isinstance(given, int | float):
            text = str(given).lower() if isinstance(given, bool) else shown(given)
            raise ValueError(f"{text} where a number belongs; write a number")
        return {"value": given}

    @model_validator(mode="after")
    def _range_holds_value(self) -> "Parameter":
        if self.range and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(f"value {self.value:g} lies outside its own range {list(self.range)}")
        return self


def bounded(low: float, high: float) -> AfterValidator:
    """Value and range must lie within what the models are valid for."""

    def check(parameter: Parameter) -> Parameter:
        for value in (parameter.value, *(parameter.range or ())):
            if not low <= value <= high:
                raise ValueError(f"{value:g} is outside {low:g} to {high:g}")
        return parameter

    return AfterValidator(check)


class Heat(Strict):
    """Thermal network: anode - head - fan air; head - mount - air; electronics - air."""

    anode_capacity_j_per_k: Annotated[Parameter, bounded(5, 1000)]
    anode_to_head_k_per_w: Annotated[Parameter, bounded(0.01, 3)]
    head_capacity_j_per_k: Annotated[Parameter, bounded(100, 20000)]
    head_still_w_per_k: Annotated[Parameter, bounded(0.01, 5)]
    head_fan_w_per_k: Annotated[Parameter, bounded(0.1, 50)]
    fan_exponent: Annotated[Parameter, bounded(0.3, 1)]
    fan_lag_s: Annotated[Parameter, bounded(0.1, 30)]
    fan_stall: Annotated[Parameter, bounded(0, 0.3)]
    fan_max_rpm: Annotated[Parameter, bounded(100, 30000)]
    head_to_mount_k_per_w: Annotated[Parameter, bounded(0.1, 100)]
    mount_capacity_j_per_k: Annotated[Parameter, bounded(50, 20000)]
    mount_to_air_k_per_w: Annotated[Parameter, bounded(0.05, 20)]
    electronics_capacity_j_per_k: Annotated[Parameter, bounded(50, 20000)]
    electronics_to_air_k_per_w: Annotated[Parameter, bounded(0.05, 20)]
    electronics_loss_w: Annotated[Parameter, bounded(0, 50)]
    backscatter_fraction: Annotated[Parameter, bounded(0, 0.6)]


class Cathode(Strict):
    """Tungsten filament, triode grid."""

    wire_diameter_mm: Annotated[Parameter, bounded(0.02, 1)]
    wire_length_mm: Annotated[Parameter, bounded(1, 100)]
    lead_conduction_mw_per_k: Annotated[Parameter, bounded(0, 5)]
    emitting_area_mm2: Annotated[Parameter, bounded(0.001, 100)]
    work_function_ev: Annotated[Parameter, bounded(2, 6)]
    richardson_a_per_cm2_k2: Annotated[Parameter, bounded(1, 200)]
    supply_ppm_per_k: Annotated[Parameter, bounded(-2000, 2000)]
    drift_percent_per_sqrt_h: Annotated[Parameter, bounded(0, 20)]
    flicker_percent: Annotated[Parameter, bounded(0, 5)]
    perveance_ma_per_kv1_5: Annotated[Parameter, bounded(1e-4, 1)]
    amplification: Annotated[Parameter, bounded(5, 1000)]


class Generator(Strict):
    """High-voltage generator and its monitors; their noise is in % of full scale."""

    kv_lag_s: Annotated[Parameter, bounded(0.005, 2)]
    load_regulation_percent_per_ma: Annotated[Parameter, bounded(0, 5)]
    kv_ppm_per_k: Annotated[Parameter, bounded(-1000, 1000)]
    kv_drift_ppm_per_sqrt_h: Annotated[Parameter, bounded(0, 1000)]
    kv_gain_error_percent: Annotated[Parameter, bounded(-5, 5)]
    kv_noise_percent: Annotated[Parameter, bounded(0, 2)]
    ma_ppm_per_k: Annotated[Parameter, bounded(-1000, 1000)]
    ma_drift_ppm_per_sqrt_h: Annotated[Parameter, bounded(0, 1000)]
    ma_gain_error_percent: Annotated[Parameter, bounded(-5, 5)]
    ma_noise_percent: Annotated[Parameter, bounded(0, 2)]


class Optics(Strict):
    """From the focal spot to the crystal."""

    line_energy_kev: Annotated[Parameter, bounded(1, 100)]
    excitation_kv: Annotated[Parameter, bounded(1, 100)]
    yield_exponent: Annotated[Parameter, bounded(0.3, 3)]
    source_fwhm_um: Annotated[Parameter, bounded(0.1, 1000)]
    acceptance_mrad: Annotated[Parameter, bounded(0.01, 50)]
    focal_distance_mm: Annotated[Parameter, bounded(1, 2000)]
    focus_offset_um: Annotated[Parameter, bounded(-50, 50)]
    head_expansion_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    mount_expansion_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    aligned_head_c: Annotated[Parameter, bounded(0, 120)]
    aligned_mount_c: Annotated[Parameter, bounded(0, 120)]
    air_dry_cm2_per_g: Annotated[Parameter, bounded(0, 1000)]
    air_vapour_cm2_per_g: Annotated[Parameter, bounded(0, 1000)]
    counts_per_frame: Annotated[Parameter, bounded(1, 1e12)]


class Sensors(Strict):
    """What the firmware sees: lag, noise, offset and drift of each sensor."""

    head_lag_s: Annotated[Parameter, bounded(0.05, 120)]
    head_offset_k: Annotated[Parameter, bounded(-5, 5)]
    head_noise_k: Annotated[Parameter, bounded(0, 1)]
    head_drift_k_per_sqrt_h: Annotated[Parameter, bounded(0, 1)]
    mount_lag_s: Annotated[Parameter, bounded(0.05, 120)]
    mount_offset_k: Annotated[Parameter, bounded(-5, 5)]
    mount_noise_k: Annotated[Parameter, bounded(0, 1)]
    mount_drift_k_per_sqrt_h: Annotated[Parameter, bounded(0, 1)]
    reference_resistor_ppm_per_k: Annotated[Parameter, bounded(-200, 200)]
    electronics_lag_s: Annotated[Parameter, bounded(0.05, 120)]
    electronics_offset_k: Annotated[Parameter, bounded(-5, 5)]
    electronics_noise_k: Annotated[Parameter, bounded(0, 1)]
    room_lag_s: Annotated[Parameter, bounded(0.05, 300)]
    room_offset_k: Annotated[Parameter, bounded(-5, 5)]
    room_noise_k: Annotated[Parameter, bounded(0, 1)]
    room_drift_k_per_sqrt_h: Annotated[Parameter, bounded(0, 1)]
    pressure_offset_hpa: Annotated[Parameter, bounded(-20, 20)]
    pressure_noise_hpa: Annotated[Parameter, bounded(0, 5)]
    pressure_drift_hpa_per_sqrt_h: Annotated[Parameter, bounded(0, 5)]
    humidity_offset_percent: Annotated[Parameter, bounded(-20, 20)]
    humidity_noise_percent: Annotated[Parameter, bounded(0, 20)]


class Tube(Strict):
    """A whole tube. `settings`: the firmware's set-points and ratings, as its maker gives them."""

    title: str
    heat: Heat
    cathode: Cathode
    generator: Generator
    optics: Optics
    sensors: Sensors
    settings: dict[str, float | int] = {}

    @model_validator(mode="after")
    def _settings_can_be(self) -> "Tube":
        known = Settings().values()
        for name in self.settings:
            if name not in known:
                raise EntryError(f"unknown setting; {nearest(name, known)}", "settings", name)
        if problem := self.firmware_settings().problem():
            raise EntryError(f"{problem[1]}; correct it", "settings", problem[0])
        kv, edge_kv = self.firmware_settings().kv, self.optics.excitation_kv.value
        if not kv > edge_kv:
            raise EntryError(
                f"{kv:g} kV does not excite the line, whose excitation_kv is {edge_kv:g}; "
                "correct one of the two",
                "settings",
                "kv",
            )
        return self

    def firmware_settings(self) -> Settings:
        """The firmware's settings as the maker of the tube gives them, not calibrated."""
        settings = Settings()
        settings.load(self.settings)
        return settings

    def fingerprint(self) -> str:
        """A hash of all that its calibration depends on; the words do not count."""
        numbers = {
            section: {name: parameter.value for name, parameter in getattr(self, section)}
            for section in SECTIONS
        }
        numbers["settings"] = dict(self.settings)
        text = json.dumps(numbers, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def assumptions(self) -> list[tuple[str, Parameter]]:
        """The parameters that carry a range, by dotted name."""
        found = []
        for section in SECTIONS:
            for name, parameter in getattr(self, section):
                if parameter.range:
                    found.append((f"{section}.{name}", parameter))
        return found


def builtin_tubes() -> list[str]:
    return sorted(path.stem for path in TUBES.glob("*.toml"))


def load_tube(name_or_path: str) -> tuple[str, Tube]:
    """A built-in name or a .toml file -> (name, tube). InputError in one line."""
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return path.stem, load_toml(path, Tube)
    if name_or_path not in builtin_tubes():
        raise InputError(
            f"tube {shown(name_or_path)}: not built in; choose {', '.join(builtin_tubes())}, "
            "or give a .toml file"
        )
    return name_or_path, load_toml(TUBES / f"{name_or_path}.toml", Tube)
