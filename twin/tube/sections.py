"""The sections of a tube's description: the parameters, their units and bounds.

The unit is the ending of the name. The models are valid within the bounds. docs/user/tubes.md
gives the meaning of each parameter.
"""

from typing import Annotated, Literal

from pydantic import model_validator

from twin.files.toml import EntryError, Strict
from twin.tube.parameter import Parameter, bounded, exactly

# Parameters that only some kinds of a section have.
MOVING = ("track_diameter_mm", "rotation_hz", "jet_speed_m_s")
COOLANT = ("coolant_w_per_k", "coolant_c", "coolant_k_per_k")
FAN = ("head_fan_w_per_k", "fan_exponent", "fan_lag_s", "fan_stall", "fan_max_rpm")
WIRE = ("wire_diameter_mm", "wire_length_mm")
CRYSTAL = ("heater_ohm", "heat_capacity_mj_per_k", "radiating_area_mm2", "emissivity")
MIRROR = (
    "heavy",
    "light",
    "period_nm",
    "heavy_part",
    "bilayers",
    "layer_roughness_nm",
    "acceptance_mrad",
    "focal_distance_mm",
    "image_distance_mm",
    "figure_error_arcsec",
    "convergence_mrad",
)


class TargetParameters(Strict):
    """X-ray target and electron spot.

    spot_width_um is across the line of sight, spot_length_um along the line of sight, before
    foreshortening by the take-off angle. A rotating anode has a track diameter and a rotation
    frequency, a liquid jet a speed.
    """

    anode: Literal["stationary", "rotating", "liquid-jet"]
    element: Literal["Cu", "Mo", "Ag", "W", "Ga"]
    line: Literal["Ka", "La", "continuum"]
    take_off_deg: Annotated[Parameter, bounded(1, 90)]
    spot_width_um: Annotated[Parameter, bounded(0.05, 2000)]
    spot_length_um: Annotated[Parameter, bounded(0.05, 20000)]
    roughness_um: Annotated[Parameter, bounded(0, 20)]
    track_diameter_mm: Annotated[Parameter, bounded(10, 1000)] | None = None
    rotation_hz: Annotated[Parameter, bounded(1, 1000)] | None = None
    jet_speed_m_s: Annotated[Parameter, bounded(1, 1000)] | None = None

    @model_validator(mode="after")
    def _moves_as_it_says(self) -> "TargetParameters":
        required = {
            "stationary": (),
            "rotating": ("track_diameter_mm", "rotation_hz"),
            "liquid-jet": ("jet_speed_m_s",),
        }[self.anode]
        exactly(self, required, f"a {self.anode} anode", MOVING)
        return self


class HeatParameters(Strict):
    """Thermal network: anode - head - fan air or coolant; head - mount - air; electronics - air.

    A coolant leaves its chiller at coolant_c in a room of 22 degC and changes by coolant_k_per_k
    per kelvin of the room.
    """

    cooling: Literal["air", "water"]
    coolant_w_per_k: Annotated[Parameter, bounded(0.1, 5000)] | None = None
    coolant_c: Annotated[Parameter, bounded(5, 60)] | None = None
    coolant_k_per_k: Annotated[Parameter, bounded(0, 1)] | None = None

    anode_capacity_j_per_k: Annotated[Parameter, bounded(1, 20000)]
    anode_to_head_k_per_w: Annotated[Parameter, bounded(0.0005, 10)]
    head_capacity_j_per_k: Annotated[Parameter, bounded(100, 200000)]
    head_still_w_per_k: Annotated[Parameter, bounded(0.01, 5)]
    head_fan_w_per_k: Annotated[Parameter, bounded(0.1, 50)] | None = None
    fan_exponent: Annotated[Parameter, bounded(0.3, 1)] | None = None
    fan_lag_s: Annotated[Parameter, bounded(0.1, 30)] | None = None
    fan_stall: Annotated[Parameter, bounded(0, 0.3)] | None = None
    fan_max_rpm: Annotated[Parameter, bounded(100, 30000)] | None = None
    head_to_mount_k_per_w: Annotated[Parameter, bounded(0.1, 100)]
    mount_capacity_j_per_k: Annotated[Parameter, bounded(50, 20000)]
    mount_to_air_k_per_w: Annotated[Parameter, bounded(0.05, 20)]
    electronics_capacity_j_per_k: Annotated[Parameter, bounded(50, 20000)]
    electronics_to_air_k_per_w: Annotated[Parameter, bounded(0.05, 20)]
    electronics_loss_w: Annotated[Parameter, bounded(0, 50)]
    backscatter_fraction: Annotated[Parameter, bounded(0, 0.6)]

    @model_validator(mode="after")
    def _cooled_as_it_says(self) -> "HeatParameters":
        required = FAN if self.cooling == "air" else COOLANT
        exactly(self, required, f"a head cooled by {self.cooling}", FAN + COOLANT)
        return self


class CathodeParameters(Strict):
    """Heated emitter and the triode of emitter, Wehnelt grid and anode.

    Tungsten: a wire that is its own heater. LaB6: a crystal between heater blocks.
    self_bias_kohm: resistor in series with the bias supply, 0 without one.
    """

    emitter: Literal["tungsten", "LaB6"]
    wire_diameter_mm: Annotated[Parameter, bounded(0.02, 2)] | None = None
    wire_length_mm: Annotated[Parameter, bounded(1, 200)] | None = None
    heater_ohm: Annotated[Parameter, bounded(0.1, 20)] | None = None
    heat_capacity_mj_per_k: Annotated[Parameter, bounded(0.1, 1000)] | None = None
    radiating_area_mm2: Annotated[Parameter, bounded(0.01, 1000)] | None = None
    emissivity: Annotated[Parameter, bounded(0.05, 1)] | None = None
    lead_conduction_mw_per_k: Annotated[Parameter, bounded(0, 20)]
    emitting_area_mm2: Annotated[Parameter, bounded(1e-5, 1000)]
    work_function_ev: Annotated[Parameter, bounded(2, 6)]
    richardson_a_per_cm2_k2: Annotated[Parameter, bounded(1, 200)]
    supply_ppm_per_k: Annotated[Parameter, bounded(-2000, 2000)]
    drift_percent_per_sqrt_h: Annotated[Parameter, bounded(0, 20)]
    flicker_percent: Annotated[Parameter, bounded(0, 5)]
    perveance_ma_per_kv1_5: Annotated[Parameter, bounded(1e-7, 10)]
    amplification: Annotated[Parameter, bounded(5, 10000)]
    self_bias_kohm: Annotated[Parameter, bounded(0, 1e6)]

    @model_validator(mode="after")
    def _heater_fits_emitter(self) -> "CathodeParameters":
        required = WIRE if self.emitter == "tungsten" else CRYSTAL
        exactly(self, required, f"a {self.emitter} emitter", WIRE + CRYSTAL)
        return self


LONGEST_ARC_MS = 900.0


class GeneratorParameters(Strict):
    """High-voltage generator and its monitors; their noise is in % of full scale.

    load_regulation_percent: change of the voltage from no current to full-scale current.
    ripple_percent: peak to peak, of the voltage; much faster than a tick.
    """

    kv_lag_s: Annotated[Parameter, bounded(0.005, 0.3)]
    load_regulation_percent: Annotated[Parameter, bounded(0, 5)]
    ripple_percent: Annotated[Parameter, bounded(0, 2)]
    arcs_per_1000_h: Annotated[Parameter, bounded(0, 1e6)]
    arc_quench_ms: Annotated[Parameter, bounded(10, 400)]
    kv_ppm_per_k: Annotated[Parameter, bounded(-1000, 1000)]
    kv_drift_ppm_per_sqrt_h: Annotated[Parameter, bounded(0, 1000)]
    kv_gain_error_percent: Annotated[Parameter, bounded(-5, 5)]
    kv_noise_percent: Annotated[Parameter, bounded(0, 2)]
    ma_ppm_per_k: Annotated[Parameter, bounded(-1000, 1000)]
    ma_drift_ppm_per_sqrt_h: Annotated[Parameter, bounded(0, 1000)]
    ma_gain_error_percent: Annotated[Parameter, bounded(-5, 5)]
    ma_noise_percent: Annotated[Parameter, bounded(0, 2)]

    @model_validator(mode="after")
    def _is_back_in_time(self) -> "GeneratorParameters":
        """After an arc the voltage must return before the firmware trips, after one second."""
        back_ms = self.arc_quench_ms.value + 3000.0 * self.kv_lag_s.value
        if back_ms > LONGEST_ARC_MS:
            raise EntryError(
                f"after an arc the voltage is back in {back_ms:.0f} ms, quench and three lags; the "
                f"firmware waits for {LONGEST_ARC_MS:.0f} ms; lower it or kv_lag_s",
                "arc_quench_ms",
            )
        return self


class OpticsParameters(Strict):
    """Optic between focal spot and sample, for each of two axes, x and y.

    mirror "montel": two multilayers side by side, one for each axis, that image the spot;
    "none": the sample sees the spot itself, and its displacement costs no intensity.
    focus_offset: distance of the spot from the optic's peak at the reference temperatures.
    """

    mirror: Literal["montel", "none"]
    heavy: Literal["W", "Ni", "Mo"] | None = None
    light: Literal["Si", "C", "B4C"] | None = None
    period_nm: Annotated[Parameter, bounded(1, 20)] | None = None
    heavy_part: Annotated[Parameter, bounded(0.1, 0.9)] | None = None
    bilayers: Annotated[Parameter, bounded(5, 500)] | None = None
    layer_roughness_nm: Annotated[Parameter, bounded(0, 3)] | None = None
    acceptance_mrad: Annotated[Parameter, bounded(0.01, 50)] | None = None
    focal_distance_mm: Annotated[Parameter, bounded(1, 2000)] | None = None
    image_distance_mm: Annotated[Parameter, bounded(1, 5000)] | None = None
    figure_error_arcsec: Annotated[Parameter, bounded(0, 100)] | None = None
    convergence_mrad: Annotated[Parameter, bounded(0.1, 100)] | None = None
    focus_offset_x_um: Annotated[Parameter, bounded(-50, 50)]
    focus_offset_y_um: Annotated[Parameter, bounded(-50, 50)]
    head_expansion_x_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    head_expansion_y_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    mount_expansion_x_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    mount_expansion_y_um_per_k: Annotated[Parameter, bounded(-10, 10)]
    aligned_head_c: Annotated[Parameter, bounded(0, 120)]
    aligned_mount_c: Annotated[Parameter, bounded(0, 120)]

    @model_validator(mode="after")
    def _mirror_is_complete(self) -> "OpticsParameters":
        required = MIRROR if self.mirror == "montel" else ()
        exactly(self, required, f'mirror = "{self.mirror}"', MIRROR)
        return self


class SampleParameters(Strict):
    """Sample in the beam: a square crystal; without a mirror, a pixel of a detector."""

    crystal_um: Annotated[Parameter, bounded(1, 10000)]
    offset_x_um: Annotated[Parameter, bounded(-1000, 1000)]
    offset_y_um: Annotated[Parameter, bounded(-1000, 1000)]
    counts_per_frame: Annotated[Parameter, bounded(1, 1e12)]


class AgeingParameters(Strict):
    """Loss of intensity with hours of beam."""

    loss_percent_per_1000_h: Annotated[Parameter, bounded(0, 90)]
    hours: Annotated[Parameter, bounded(0, 1e5)]


class SensorParameters(Strict):
    """Sensors of the firmware: lag, noise, offset and drift of each."""

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


class Published(Strict):
    """Published figures of this source, for comparison with the models."""

    relative_intensity: Annotated[Parameter, bounded(1e-9, 1e9)] | None = None
    beam_um: Annotated[Parameter, bounded(0.01, 1e5)] | None = None
