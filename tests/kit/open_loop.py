"""Plants without control, and their inputs."""

from collections.abc import Mapping, Sequence

from firmware.calibration import DAC_FULL
from tests.kit.full_scales import FILAMENT_FULL_A, GRID_FULL_V, KV_FULL
from tests.kit.variants import varied
from twin.plant.ambient import Ambient
from twin.plant.plant import SLOW_TICKS, TICK_MS, Plant

TICKS_PER_S = 1000 // TICK_MS
# Nothing wanders and nothing is noisy.
QUIET = {
    "cathode.drift_percent_per_sqrt_h": 0.0,
    "cathode.flicker_percent": 0.0,
    "cathode.supply_ppm_per_k": 0.0,
    "generator.kv_drift_ppm_per_sqrt_h": 0.0,
    "generator.kv_noise_percent": 0.0,
    "generator.ma_drift_ppm_per_sqrt_h": 0.0,
    "generator.ma_noise_percent": 0.0,
    "generator.ripple_percent": 0.0,
    "generator.arcs_per_1000_h": 0.0,
    "ageing.loss_percent_per_1000_h": 0.0,
}
# Nor is there an error in the generator, or anything between the anode and the crystal.
IDEAL = QUIET | {
    "generator.kv_gain_error_percent": 0.0,
    "generator.kv_ppm_per_k": 0.0,
    "generator.ma_gain_error_percent": 0.0,
    "generator.ma_ppm_per_k": 0.0,
    "generator.load_regulation_percent": 0.0,
    "optics.head_expansion_x_um_per_k": 0.0,
    "optics.mount_expansion_x_um_per_k": 0.0,
    "optics.head_expansion_y_um_per_k": 0.0,
    "optics.mount_expansion_y_um_per_k": 0.0,
    "optics.focus_offset_x_um": 0.0,
    "optics.focus_offset_y_um": 0.0,
    "sample.offset_x_um": 0.0,
    "sample.offset_y_um": 0.0,
}


def room(
    temperature_c: Sequence[float] = (22.0, 22.0),
    pressure_hpa: Sequence[float] = (1013.25, 1013.25),
    hours: float = 24.0,
) -> Ambient:
    return Ambient((0.0, 3600.0 * hours), temperature_c, pressure_hpa, (45.0, 45.0))


def plant_of(
    values: Mapping[str, float] | None = None,
    path_cm: float = 10.0,
    seed: int = 1,
    ambient: Ambient | None = None,
) -> Plant:
    return Plant(varied(values or {}), ambient or room(), path_cm, seed)


def switch_on(
    plant: Plant,
    kv: float = 50.0,
    filament_a: float = 2.05,
    grid_v: float = -250.0,
    seconds: float = 5.0,
) -> Plant:
    """Beam on, without any control, and what it takes to come to rest electrically."""
    plant.hv_enable = 1
    plant.kv_program_raw = round(kv / KV_FULL * DAC_FULL)
    plant.filament_program_raw = round(filament_a / FILAMENT_FULL_A * DAC_FULL)
    plant.grid_program_raw = round((1.0 + grid_v / GRID_FULL_V) * DAC_FULL)
    advance(plant, seconds)
    return plant


def advance(plant: Plant, seconds: float) -> None:
    for _ in range(round(seconds * TICKS_PER_S)):
        plant.advance()


def slow_steps(plant: Plant, count: int) -> None:
    """Only the slow part, one tick each time."""
    for _ in range(count):
        plant.tick = SLOW_TICKS - 1
        plant.advance()


def intensity(plant: Plant, seconds: float = 5.0) -> float:
    """Mean intensity, relative to the nominal tube."""
    plant.take_intensity()
    advance(plant, seconds)
    return plant.take_intensity() / (seconds * TICKS_PER_S)
