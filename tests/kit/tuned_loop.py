"""Compare the constants that an autotune found with those of its hidden plant.

    python -m tests.kit.tuned_loop 200

prints the table of docs/board/autotune.md: found against true over so many plants drawn at random.
"""

import random
import sys
from typing import Any

import numpy as np

from firmware.laws.autotune import REASONS, Autotune
from firmware.laws.thermal import RATE_FILTER_S, Thermal
from firmware.settings import Settings
from tests.kit.hidden_plant import DT_S, HiddenPlant, tune

SET_C = Settings().head_set_c
LEAST_GAIN_MARGIN = 2.2  # on the plant itself, which the law knows only as C and L
LEAST_PHASE_MARGIN_DEG = 40.0
MOST_ON_RAMP_K = 0.05  # while the room warms by 3 degC per hour
MOST_FAN_RMS = 0.06  # of full speed, at rest
MOST_IN_DRAUGHT_K = 0.7  # when 3 W that no meter shows begin to leave the head
FORGOTTEN_S = 1200.0  # and after this long
FORGOTTEN_K = 0.05
GAINS = ("head_kp_w_per_k", "head_ki_w_per_k_s", "head_kd_w_s_per_k")

RANGES = {
    "head_j_per_k": (250.0, 1000.0),
    "anode_j_per_k": (20.0, 80.0),
    "anode_k_per_w": (0.15, 0.4),
    "direct_part": (0.1, 0.3),
    "g0_w_per_k": (0.3, 0.8),
    "g1_w_per_k": (1.5, 3.5),
    "exponent": (0.5, 1.0),
    "fan_lag_s": (0.5, 4.0),
    "base_j_per_k": (800.0, 1500.0),
    "base_w_per_k": (0.2, 0.6),
    "base_air_w_per_k": (0.8, 1.5),
    "sensor_lag_s": (3.0, 20.0),
    "dead_s": (0.0, 4.0),
    "noise_k": (0.005, 0.05),
    "beam_w": (35.0, 50.0),
    "room_c": (15.0, 32.0),
}
SPEEDS = (0.18, 0.7)  # of the fan at rest: it can be tuned from both sides


def plant_of(seed: int, constants: dict[str, float]) -> Any:
    """At rest at the set-point."""
    return HiddenPlant(seed, constants, SET_C)


def tunable(constants: dict[str, float]) -> bool:
    speed = plant_of(0, constants).resting_speed(SET_C)
    return speed is not None and SPEEDS[0] < speed < SPEEDS[1]


def drawn(rng: random.Random) -> dict[str, float]:
    """Constants of a plant that can be tuned, drawn at random."""
    while True:
        constants = {name: rng.uniform(*ends) for name, ends in RANGES.items()}
        if tunable(constants):
            return constants


def with_gains(found: dict[str, float], factor: float) -> dict[str, float]:
    """The same with gains that are wrong by a factor."""
    return {name: value * (factor if name in GAINS else 1.0) for name, value in found.items()}


def settings_of(found: dict[str, float]) -> Settings:
    settings = Settings()
    settings.load(found)
    return settings


def margins(found: dict[str, float], constants: dict[str, float]) -> tuple[float, float]:
    """Gain and phase margin (1, degrees) of the law with the plant's own transfer function."""
    p, s = plant_of(0, constants), settings_of(found)
    speed = p.resting_speed(SET_C)
    w = np.logspace(-4.0, 0.5, 20_000)
    jw = 1j * w
    anode = p.anode_j_per_k * jw / (p.anode_j_per_k * p.anode_k_per_w * jw + 1.0)
    base = p.base_j_per_k * jw + p.base_air_w_per_k
    base = p.base_w_per_k * base / (base + p.base_w_per_k)
    air = p.g0_w_per_k + p.g1_w_per_k * speed**p.exponent
    head = 1.0 / (p.head_j_per_k * jw + anode + base + air)  # K per W
    lags = np.exp(-(p.dead_s + 0.5 * DT_S) * jw)
    lags /= (p.sensor_lag_s * jw + 1.0) * (p.fan_lag_s * jw + 1.0)
    slope = p.g1_w_per_k * p.exponent * speed ** (p.exponent - 1.0)
    slope /= s.fan_g1_w_per_k * s.fan_exponent * speed ** (s.fan_exponent - 1.0)
    pid = s.head_kp_w_per_k + s.head_ki_w_per_k_s / jw
    pid = pid + s.head_kd_w_s_per_k * jw / (RATE_FILTER_S * jw + 1.0)
    pid = pid - (s.fan_g0_w_per_k + s.fan_g1_w_per_k * speed**s.fan_exponent)  # heat over excess
    loop = slope * pid * head * lags
    size, phase = np.abs(loop), np.degrees(np.unwrap(np.angle(loop)))
    at_one = np.flatnonzero((size[:-1] > 1.0) & (size[1:] <= 1.0))
    at_180 = np.flatnonzero((phase[:-1] > -180.0) & (phase[1:] <= -180.0))
    return (
        float(np.min(1.0 / size[at_180], initial=np.inf)),
        float(np.min(180.0 + phase[at_one], initial=np.inf)),
    )


def run(law: Thermal, plant: Any, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """(true head over the set-point in K, speed of the fan), one each a step of the law."""
    heads, fans = [], []
    for _ in range(int(duration_s / DT_S)):
        law.step(DT_S, plant.read_c(), plant.room_c, plant.power_w())
        plant.advance(law.fan_program_raw, 1.0)
        heads.append(plant.head_c - SET_C)
        fans.append(law.fan)
    return np.array(heads), np.array(fans)


def faults(found: dict[str, float], constants: dict[str, float], seed: int = 1) -> list[str]:
    """What is wrong with a loop of these constants on this plant; empty if it is good."""
    gain, phase_deg = margins(found, constants)
    wrong = []
    if gain < LEAST_GAIN_MARGIN or phase_deg < LEAST_PHASE_MARGIN_DEG:
        wrong.append(f"margins {gain:.2f} and {phase_deg:.0f} degrees")
    plant = plant_of(seed, constants)
    law = Thermal(settings_of(found))
    law.fan = plant.resting_speed(SET_C)
    fan_rms = float(np.std(run(law, plant, 3600.0)[1][-3600:]))
    if fan_rms > MOST_FAN_RMS:
        wrong.append(f"a fan that hunts by {fan_rms:.2f}")
    plant.room_k_per_h = 3.0
    on_ramp_k = float(np.max(np.abs(run(law, plant, 3600.0)[0])))
    if on_ramp_k > MOST_ON_RAMP_K:
        wrong.append(f"{on_ramp_k:.3f} K on the ramp")
    plant.room_k_per_h = 0.0
    plant.draught_w = -3.0
    in_draught_k = np.abs(run(law, plant, 1800.0)[0])
    if in_draught_k.max() > MOST_IN_DRAUGHT_K:
        wrong.append(f"{in_draught_k.max():.2f} K in the draught")
    late_k = float(in_draught_k[int(FORGOTTEN_S / DT_S) :].max())
    if late_k > FORGOTTEN_K:
        wrong.append(f"still {late_k:.3f} K of the draught")
    return wrong


def errors(law: Any, constants: dict[str, float]) -> dict[str, float]:
    """How far an autotune's findings are from the plant's constants."""
    p, found = plant_of(0, constants), law.found()
    rest = p.resting_speed(SET_C)
    speed = np.linspace(max(0.5 * rest, 0.08), min(2.0 * rest, 1.0), 50)
    true = p.still_w_per_k() + p.g1_w_per_k * speed**p.exponent
    g1, exponent = found["fan_g1_w_per_k"], found["fan_exponent"]
    conductance = found["fan_g0_w_per_k"] + g1 * speed**exponent
    through_anode_s = (1.0 - p.direct_part) * p.anode_k_per_w * p.anode_j_per_k
    return {
        "conductance, half to twice the resting speed, worst, %": 100.0
        * float(np.max(np.abs(conductance / true - 1.0))),
        "fan_g0_w_per_k, %": 100.0 * (found["fan_g0_w_per_k"] / p.still_w_per_k() - 1.0),
        "fan_g1_w_per_k, %": 100.0 * (g1 / p.g1_w_per_k - 1.0),
        "fan_exponent": exponent - p.exponent,
        "heat capacity, %": 100.0 * (law.answer[0] / (p.head_j_per_k + p.anode_j_per_k) - 1.0),
        "sum of the lags, s": law.answer[1] - p.sensor_lag_s - p.fan_lag_s - p.dead_s,
        "anode_lag_s, s": found["anode_lag_s"] - (through_anode_s - p.fan_lag_s),
    }


def table(count: int, seed: int = 1) -> str:
    """The errors over so many plants, and the margins, as Markdown."""
    rng = random.Random(seed)
    rows: dict[str, list[float]] = {}
    failed: dict[str, int] = {}
    bad = {factor: 0 for factor in (1.0, 10.0, 0.1)}
    for number in range(count):
        constants = drawn(rng)
        law = Autotune(Settings())
        coldest_c, hottest_c = tune(law, plant_of(number, constants))
        if not law.found():
            failed[REASONS[law.reason]] = failed.get(REASONS[law.reason], 0) + 1
            continue
        gain, phase_deg = margins(law.found(), constants)
        row = errors(law, constants) | {
            "gain margin": gain,
            "phase margin, degrees": phase_deg,
            "minutes": law.time_s / 60.0,
            "head from its set-point, furthest, K": max(SET_C - coldest_c, hottest_c - SET_C),
        }
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
        for factor in bad:
            bad[factor] += bool(faults(with_gains(law.found(), factor), constants))
    lines = ["| | median | 5 % | 95 % | least | most |", "|---|---|---|---|---|---|"]
    for name, values in rows.items():
        figures = [*np.percentile(values, (50, 5, 95)), min(values), max(values)]
        lines.append(f"| {name} | " + " | ".join(f"{value:.3g}" for value in figures) + " |")
    done = count - sum(failed.values())
    lines.append(f"\n{done} of {count} tuned; {failed or 'none failed'}.")
    lines.append(
        f"Loops with faults: {bad[1.0]} as found, {bad[10.0]} with ten times the gains, "
        f"{bad[0.1]} with a tenth."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
