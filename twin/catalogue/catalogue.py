"""What a description of a tube amounts to: focal spot, its temperature, cathode, life."""

from dataclasses import dataclass
from math import isfinite, log1p, pi, sqrt

from twin.physics.ageing import YEAR_H, filament_life_h, relative_intensity
from twin.physics.focal_spot import (
    ElectronSpot,
    boiling_margin_k,
    focus_class,
    heat_depth_um,
    jet_rise_k,
    melting_margin_k,
    moving_depth_factor,
    moving_rise_k,
    still_depth_factor,
    still_rise_k,
    surface_k,
    track_mean_k,
    watts_per_um,
)
from twin.physics.materials import TARGETS
from twin.physics.sample import crystal_fraction, resolvable_axis_angstrom
from twin.plant.cathode import MELTS_K, Filament, Triode
from twin.plant.heat import Heat
from twin.plant.optics import Beam
from twin.plant.plant import SLOW_MS, TICK_MS
from twin.tube.parameter import Parameter
from twin.tube.tube import SECTIONS, Tube

ROOM_C = 22.0
AIR_KG_M3 = 1.19
ZERO_C_K = 273.15
# Practical limits of an emitter in a tube that is to last.
HOTTEST_K = {"tungsten": 2700.0, "LaB6": 1950.0}


@dataclass(frozen=True)
class Facts:
    """A tube at its rated power and voltage in a room of 22 degC."""

    name: str
    title: str
    power_w: float
    kv: float
    cooling: str
    focal_spot_um: float  # the larger side, as seen under the take-off angle
    w_per_um: float
    focal_spot_class: str
    spot_k: float  # hottest place of the target
    melting_margin_k: float | None  # None for a liquid
    boiling_margin_k: float
    emitter_k: float  # infinite where none gives the operating current
    emitter_life_h: float | None  # None where nothing gives one
    left_after_a_year: float  # part of the intensity

    def listed(self) -> dict[str, object]:
        """The object that `tubetwin tubes --json` prints."""
        return {
            "name": self.name,
            "power_w": self.power_w,
            "focal_spot_um": round(self.focal_spot_um, 3),
            "w_per_um": round(self.w_per_um, 3),
            "focal_spot_class": self.focal_spot_class,
            "cooling": self.cooling,
            "melting_margin_k": None
            if self.melting_margin_k is None
            else round(self.melting_margin_k, 1),
        }


# What the cell axis that a beam resolves is reckoned for (twin/physics/sample.py).
DETECTOR_MM = 100.0
MOSAICITY_DEG = 0.3
SPACING_ANGSTROM = 4.0
KEV_ANGSTROM = 12.39842
COLLIMATORS_MRAD = (5.0, 3.0, 2.0)  # published, for a beam of 7.6 mrad


@dataclass(frozen=True)
class BeamFacts:
    """The beam of a tube with a mirror, at the crystal."""

    beam_x_um: float
    beam_y_um: float
    part_on_crystal: float
    crystal_um: float
    resolved_angstrom: dict[str, float]  # by divergence in mrad: the source's own, then collimated


def beam_facts_of(tube: Tube) -> BeamFacts | None:
    """Its size against the crystal, and the cell axes that it resolves; None without a mirror."""
    if not tube.optics.convergence_mrad:
        return None
    beam = Beam(tube)
    beam_x_um, beam_y_um = beam.beam_um
    crystal_um = tube.sample.crystal_um.value
    own_mrad = tube.optics.convergence_mrad.value
    divergences = (own_mrad, *(mrad for mrad in COLLIMATORS_MRAD if mrad < own_mrad))
    return BeamFacts(
        beam_x_um=beam_x_um,
        beam_y_um=beam_y_um,
        part_on_crystal=crystal_fraction(beam_x_um, beam_y_um, 0.0, 0.0, crystal_um),
        crystal_um=crystal_um,
        resolved_angstrom={
            f"{mrad:g}": resolvable_axis_angstrom(
                KEV_ANGSTROM / beam.energy_kev,
                mrad,
                crystal_um,
                DETECTOR_MM,
                MOSAICITY_DEG,
                SPACING_ANGSTROM,
            )
            for mrad in divergences
        },
    )


def electron_spot(tube: Tube) -> ElectronSpot:
    """The spot on the target, Gaussian, widths at half maximum."""
    target = tube.target
    return ElectronSpot(target.spot_width_um.value, target.spot_length_um.value)


def facts_of(name: str, tube: Tube) -> Facts:
    """All of it, computed from the description alone."""
    settings = tube.firmware_settings()
    power_w, kv = settings.power_limit_w, settings.kv
    spot = electron_spot(tube)
    take_off_deg = tube.target.take_off_deg.value
    size_um = max(spot.apparent_um(take_off_deg))
    material = TARGETS[tube.target.element]
    spot_k = spot_temperature_k(tube)
    liquid = tube.target.anode == "liquid-jet"
    emitter_k = emitter_temperature_k(tube)
    wire = tube.cathode.wire_diameter_mm if isfinite(emitter_k) else None
    loss_per_h = -log1p(-1e-2 * tube.ageing.loss_percent_per_1000_h.value) / 1000.0
    return Facts(
        name=name,
        title=tube.title,
        power_w=power_w,
        kv=kv,
        cooling=tube.heat.cooling,
        focal_spot_um=size_um,
        w_per_um=watts_per_um(power_w, spot, take_off_deg),
        focal_spot_class=focus_class(size_um),
        spot_k=spot_k,
        melting_margin_k=None if liquid else melting_margin_k(material, spot_k),
        boiling_margin_k=boiling_margin_k(material, spot_k),
        emitter_k=emitter_k,
        emitter_life_h=filament_life_h(1000.0 * wire.value, emitter_k) if wire else None,
        left_after_a_year=relative_intensity(YEAR_H, loss_per_h),
    )


def spot_temperature_k(tube: Tube) -> float:
    """Hottest place of the target at the rated power, K: of the body, the track and the spot."""
    settings = tube.firmware_settings()
    target, material, spot = tube.target, TARGETS[tube.target.element], electron_spot(tube)
    absorbed_w = settings.power_limit_w * (1.0 - tube.heat.backscatter_fraction.value)
    depth_um = heat_depth_um(material, settings.kv)
    body_k = ZERO_C_K + anode_temperature_c(tube)
    if target.jet_speed_m_s:
        speed_m_s = target.jet_speed_m_s.value
        return body_k + jet_rise_k(absorbed_w, spot.length_um, 2.0 * depth_um, speed_m_s, material)
    if target.track_diameter_mm and target.rotation_hz:
        track_mm = target.track_diameter_mm.value
        speed_m_s = 1e-3 * pi * track_mm * target.rotation_hz.value
        flash_k = moving_rise_k(absorbed_w, spot, speed_m_s, material)
        flash_k *= moving_depth_factor(spot.width_um, depth_um, speed_m_s, material)
        return surface_k(
            material, body_k, flash_k + track_mean_k(absorbed_w, spot, track_mm, material)
        )
    rise_k = still_rise_k(absorbed_w, spot, material.conductivity_w_mk)
    return surface_k(material, body_k, rise_k * still_depth_factor(spot, depth_um))


def anode_temperature_c(tube: Tube) -> float:
    """The anode's body at the rated power, its head at its set-point."""
    settings = tube.firmware_settings()
    heat = Heat(tube.heat, 0.001 * SLOW_MS)
    heat.equilibrium(settings.head_set_c, settings.power_limit_w, 0.0, ROOM_C, AIR_KG_M3)
    return heat.anode_c


def emitter_temperature_k(tube: Tube) -> float:
    """What the emitter must have for the operating current at the set bias, K; infinite where
    there is no such temperature."""
    saturation_ma = saturation_needed_ma(tube)
    filament = Filament(tube.cathode, 0.001 * TICK_MS)
    if saturation_ma > filament.richardson_ma(MELTS_K[tube.cathode.emitter]):
        return float("inf")
    return filament.working_k(saturation_ma)


def saturation_needed_ma(tube: Tube) -> float:
    """Of the emitter, for the operating current at the set bias, mA; infinite where the gun's
    space charge alone lets less through."""
    settings = tube.firmware_settings()
    triode = Triode(tube.cathode)
    drive_kv = settings.kv + 1e-3 * triode.amplification * settings.grid_set_v
    drive_kv -= triode.feedback_kv_per_ma * settings.ma
    space_ma = triode.perveance * max(drive_kv, 0.0) ** 1.5
    if space_ma <= settings.ma:
        return float("inf")
    return settings.ma / sqrt(1.0 - (settings.ma / space_ma) ** 2)


def doubts_of(tube: Tube) -> list[str]:
    """What the models find hard to believe of a description, a line each; empty if nothing."""
    facts = facts_of("", tube)
    settings = tube.firmware_settings()
    doubts = []
    if facts.melting_margin_k is not None and facts.melting_margin_k <= 0.0:
        doubts.append(
            f"the focal spot melts: {facts.spot_k:.0f} K at {facts.power_w:g} W; lower the power "
            "or widen the spot"
        )
    if facts.boiling_margin_k <= 0.0:
        doubts.append(f"the target boils: {facts.spot_k:.0f} K at {facts.power_w:g} W")
    if saturation_needed_ma(tube) == float("inf"):
        doubts.append(
            f"the gun's space charge lets less than {settings.ma:g} mA through at "
            f"{settings.grid_set_v:g} V of bias; raise perveance_ma_per_kv1_5 or grid_set_v"
        )
    elif facts.emitter_k == float("inf"):
        doubts.append(
            f"the emitter melts before it gives {settings.ma:g} mA; enlarge emitting_area_mm2"
        )
    elif facts.emitter_k > HOTTEST_K[tube.cathode.emitter]:
        doubts.append(
            f"the emitter must have {facts.emitter_k:.0f} K, above the customary "
            f"{HOTTEST_K[tube.cathode.emitter]:.0f} K; enlarge emitting_area_mm2"
        )
    unsourced = sum(
        isinstance(entry, Parameter) and entry.source == "not given"
        for section in SECTIONS
        for _, entry in getattr(tube, section)
    )
    if unsourced:
        noun = "parameter is" if unsourced == 1 else "parameters are"
        doubts.append(f"{unsourced} {noun} given without a source")
    return doubts
