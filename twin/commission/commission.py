"""Commissioning: finds the calibration constants of one individual tube.

It does what an engineer would do at the bench and knows what an engineer could measure: counts of
a detector, a reference voltage divider and a reference ammeter, the firmware's own readings,
helium in the beam path, something to warm and cool the mount, and the set-points. It never reads
the plant's parameters (tests/twin/commission/test_commission.py holds it to that).
docs/user/commissioning.md describes the procedure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares

from firmware.calibration import DAC_FULL, FAN_FULL, air_mass_kg_m3, pt100_temperature_c
from firmware.controller import BEAM, FILAMENT_VOLT_PER_A
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signals import Command
from twin.files.errors import InputError
from twin.physics.line_yield import helium_part
from twin.plant.ambient import Ambient
from twin.plant.plant import Plant
from twin.tube.tube import Tube
from twin.world.firmware import LocalFirmware
from twin.world.world import World

VERSION = 5  # of the procedure: a change makes remembered calibrations void
SEED = 20260101  # of the noise during commissioning: the same tube gives the same constants
MINUTE_MS = 60_000
COUNTS_PER_MINUTE = 1e7  # direct beam through an attenuator
FEWEST_COUNTS = 1000.0  # of a minute that is used: the logarithm of fewer is biased
LEAST_HEAD_K = 3.0  # between the head's extremes at rest, to tell slope and curvature apart
DIVIDER_NOISE = 10e-6  # reference meters, of one reading a second
AMMETER_NOISE = 10e-6

COLUMNS = (
    "time_s",
    "counts",
    "helium",
    "kv_reference",
    "ma_reference",
    "kv_monitor",
    "ma_monitor",
    "head_c",
    "mount_c",
    "generator_c",
    "room_c",
    "air_kg_m3",
    "fan",
    "filament_a",
    "grid_v",
)


@dataclass
class Laboratory:
    """A tube on the bench, an engineer's hands and an engineer's instruments."""

    tube: Tube
    room_c: float = 22.0
    path_cm: float = 10.0
    progress: Callable[[float], None] = lambda part: None
    minutes: list[tuple[float, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = self.tube.firmware_settings()
        self._head_c = self.settings.head_set_c
        ambient = Ambient((0.0, 1e9), (self.room_c,) * 2, (1013.25,) * 2, (45.0,) * 2)
        self._plant = Plant(self.tube, ambient, self.path_cm, SEED)
        self.command = Command(self.settings.kv, self.settings.ma)
        self.controller = LocalFirmware(self.settings)
        self._world = World(self._plant, self.controller, self.command)
        self._rng = np.random.default_rng(SEED)
        self._seconds: list[tuple[float, ...]] = []
        self._world.every(1000, self._read)

    def helium(self, flushed: bool) -> None:
        """Fill the beam path with helium, or let the air back in."""
        self._plant.path_gas = "helium" if flushed else "air"

    def head(self, head_c: float) -> None:
        """Another temperature of the head: by the firmware, or at the chiller of the water."""
        if self.settings.air_cooled:
            self.settings.head_set_c = head_c
        else:
            self._plant.heat.coolant_c += head_c - self._head_c
        self._head_c = head_c

    def foils(self, mount_w: float, electronics_w: float) -> None:
        """Heat (W) of a Peltier element on the optics mount, of a foil on the generator's box."""
        self._plant.heat.mount_heater_w = mount_w
        self._plant.heat.electronics_heater_w = electronics_w

    def wait(self, minutes: float) -> list[tuple[float, ...]]:
        """Let time pass; returns the one-minute readings (COLUMNS) that it brought."""
        first = len(self.minutes)
        for _ in range(round(minutes)):
            self._world.run(self._plant.now_ms + MINUTE_MS)
            self._minute()
        return self.minutes[first:]

    def seconds(self, seconds: int) -> list[tuple[float, ...]]:
        """As `wait`, but the readings of each second, for what is quick. Counts are 0."""
        self._seconds = []
        self._world.run(self._plant.now_ms + 1000 * seconds)
        taken, self._seconds = self._seconds, []
        self._plant.take_intensity()
        return taken

    def _read(self, now_ms: int) -> None:
        inputs = self._world.inputs
        room_c = 0.01 * inputs.room_temperature_raw
        n = self._rng.standard_normal(2)
        self._seconds.append(
            (
                0.001 * now_ms,
                0.0,
                1.0 if self._plant.path_gas == "helium" else 0.0,
                self._plant.kv * (1.0 + DIVIDER_NOISE * n[0]),
                self._plant.ma * (1.0 + AMMETER_NOISE * n[1]),
                inputs.kv_monitor_raw * self.controller.kv_per_count,
                inputs.ma_monitor_raw * self.controller.ma_per_count,
                pt100_temperature_c(inputs.head_temperature_raw),
                pt100_temperature_c(inputs.mount_temperature_raw),
                0.01 * inputs.generator_temperature_raw,
                room_c,
                air_mass_kg_m3(
                    room_c,
                    float(inputs.room_pressure_raw),
                    0.01 * inputs.room_humidity_raw,
                    self.settings.air_vapour_ratio,
                ),
                self._world.outputs.fan_program_raw / FAN_FULL,
                inputs.filament_monitor_raw * self.controller.filament_a_per_count,
                (self.controller.emission.grid - DAC_FULL) * self.controller.emission.v_per_count,
            )
        )

    def _minute(self) -> None:
        row = np.mean(self._seconds, axis=0)
        self._seconds = []
        expected = COUNTS_PER_MINUTE * self._plant.take_intensity() / 6000.0
        row[1] = self._rng.poisson(expected)
        self.minutes.append(tuple(row.tolist()))
        self.progress(row[0] / (60.0 * TOTAL_MINUTES))
        if self.controller.condition != BEAM:
            cause = NAMES.get(self.controller.trip, "no beam")
            fix = "check the tube's ratings and [settings]"
            if cause in ("no-current", "current-astray"):
                fix = "the cathode or its perveance is too small for [settings] ma"
            raise InputError(
                f"commissioning: the firmware tripped ({cause}) after {row[0] / 60:.0f} min; {fix}"
            )


TOTAL_MINUTES = 461.0


def commission(
    tube: Tube, progress: Callable[[float], None] = lambda part: None
) -> dict[str, float]:
    """Run the whole procedure (about 8 simulated hours) on a tube.

    Returns the firmware settings found, by name. InputError if the tube can't be run.
    """
    lab = Laboratory(tube, progress=progress)
    s, command = lab.settings, lab.command
    found: dict[str, float] = {}

    # Switch on, let it settle. The beam needs an explicit start.
    lab.seconds(1)
    command.run = True
    lab.wait(60)
    quiet = np.array(lab.wait(20))
    reference = dict(zip(COLUMNS, quiet.mean(axis=0).tolist(), strict=True))
    found["mount_ref_c"] = reference["mount_c"]
    found["generator_ref_c"] = reference["generator_c"]
    found["air_ref_kg_m3"] = reference["air_kg_m3"]
    found.update(_gun(lab, reference))
    lab.wait(10)

    # Absorption of the beam path: helium against air. Voltage: what 4 % less gives.
    lab.helium(True)
    lab.wait(12)
    lab.helium(False)
    command.kv = 0.96 * s.kv
    lab.wait(12)
    command.kv = s.kv

    # The spot against the optic: the head at other set-points, a Peltier element on the mount.
    set_c = s.head_set_c
    for head_c in (set_c - 3.0, set_c + 2.5, set_c - 1.5, set_c):
        lab.head(head_c)
        lab.wait(24)
    # The last of them together, for what one does at another place of the other.
    lab.foils(12.0, 0.0)
    lab.wait(40)
    lab.head(set_c + 2.5)
    lab.wait(20)
    lab.foils(-12.0, 0.0)
    lab.wait(40)
    lab.head(set_c)
    lab.wait(25)
    lab.foils(0.0, 0.0)
    lab.wait(35)

    # The generator: a foil on its box, reference meters against its own monitors.
    lab.foils(0.0, 20.0)
    warm = lab.wait(30)
    lab.foils(0.0, 0.0)
    warm += lab.wait(30)
    found.update(_generator(np.array(warm)))

    # The fan's law, at less heat.
    command.ma = 0.6 * s.ma
    lab.wait(25)
    rows = np.array(lab.minutes)
    part = helium_part(tube.target.element, tube.target.line)
    found.update(_spot_and_air(rows, reference, set_c, lab.path_cm, part))
    if s.air_cooled:
        found.update(_fan(rows, reference, s))
    found = {name: float(f"{value:.6g}") for name, value in found.items()}
    s.load(found)
    if problem := s.problem():
        raise InputError(
            f"commissioning: found {problem[0]}, {problem[1]}; the tube does not behave as the "
            "firmware expects of one"
        )
    return found


def rooms_in_hand_c(s: Settings) -> tuple[float, float]:
    """Coldest and warmest room (degC) in which the fan, by its law, keeps the head's set-point."""
    heat_w = s.kv * s.ma + FILAMENT_VOLT_PER_A * s.filament_preheat_a**2
    least_w_per_k = s.fan_g0_w_per_k + s.fan_g1_w_per_k * s.fan_min**s.fan_exponent
    most_w_per_k = s.fan_g0_w_per_k + s.fan_g1_w_per_k
    return s.head_set_c - heat_w / least_w_per_k, s.head_set_c - heat_w / most_w_per_k


def _gun(lab: Laboratory, reference: dict[str, float]) -> dict[str, float]:
    """Transconductance, filament's worth in bias, and preheat current, by a 4 % step."""
    wanted_ma = lab.command.ma
    if reference["ma_monitor"] < 0.98 * wanted_ma:
        raise InputError(
            f"commissioning: the current comes to {reference['ma_monitor']:.3g} of "
            f"{wanted_ma:g} mA; the cathode or its perveance is too small for [settings] ma"
        )
    lab.command.ma *= 0.96
    quick = lab.seconds(1)[-1]  # the bias has answered, the filament hardly
    lab.seconds(239)
    late = np.array(lab.seconds(60)).mean(axis=0)
    lab.command.ma /= 0.96
    ma, grid, filament = (COLUMNS.index(n) for n in ("ma_monitor", "grid_v", "filament_a"))
    fallen_ma = reference["ma_monitor"] - quick[ma]
    lower_v, lower_a = reference["grid_v"] - quick[grid], reference["filament_a"] - late[filament]
    if not (fallen_ma > 0.0 and lower_v > 0.0 and lower_a > 0.0):
        raise InputError(
            "commissioning: grid and filament do not control the current; check [settings] "
            "grid_set_v and [cathode]"
        )
    ma_per_v = fallen_ma / lower_v
    ma_per_a = (reference["ma_monitor"] - late[ma]) / lower_a
    return {
        "grid_ma_per_v": ma_per_v,
        "filament_v_per_a": ma_per_a / ma_per_v,
        "filament_preheat_a": min(reference["filament_a"], lab.settings.filament_limit_a),
    }


def _generator(rows: np.ndarray) -> dict[str, float]:
    """Temperature coefficients of divider and shunt: reference over monitor against warmth."""
    column = {name: rows[:, at] for at, name in enumerate(COLUMNS)}
    warm_k = column["generator_c"] - column["generator_c"].mean()
    hours = (column["time_s"] - column["time_s"].mean()) / 3600.0
    basis = np.column_stack([np.ones_like(warm_k), warm_k, hours])
    found = {}
    for name in ("kv", "ma"):
        ratio = column[f"{name}_reference"] / column[f"{name}_monitor"]
        slope = np.linalg.lstsq(basis, ratio / ratio.mean(), rcond=None)[0][1]
        found[f"{name}_ppm_per_k"] = 1e6 * slope
    return found


def _spot_and_air(
    rows: np.ndarray,
    reference: dict[str, float],
    head_set_c: float,
    path_cm: float,
    helium_part: float = 0.0,
) -> dict[str, float]:
    """Expansions, air and voltage exponent: one linear fit to all minutes with full beam."""
    column = {name: rows[:, at] for at, name in enumerate(COLUMNS)}
    # A sensor lags behind what changes: only minutes in which head and mount were at rest count.
    steady = (
        (np.abs(np.gradient(column["head_c"])) < 0.05)
        & (np.abs(np.gradient(column["mount_c"])) < 0.3)
        & (np.abs(np.gradient(column["ma_monitor"])) < 0.002 * column["ma_monitor"].mean())
        & (np.abs(np.gradient(column["helium"])) == 0.0)
        & (column["counts"] >= FEWEST_COUNTS)
    )
    column = {name: values[steady] for name, values in column.items()}
    lower_kv = column["kv_reference"] < 0.98 * reference["kv_reference"]
    for learned, missing in (
        (steady.sum() >= 30, "at rest"),
        (column["helium"].sum() >= 3, "at rest with helium in the beam path"),
        (lower_kv.sum() >= 3, "at rest at the lower voltage"),
        (steady.any() and np.ptp(column["head_c"]) >= LEAST_HEAD_K, "at other head temperatures"),
    ):
        if not learned:
            raise InputError(
                f"commissioning: too few minutes with beam {missing}; the head is too slow or its "
                "fan too weak for the procedure, or the spot leaves the optic; check [heat] and "
                "[optics]"
            )
    in_air = 1.0 - column["helium"] * (1.0 - helium_part)
    air = column["air_kg_m3"] / reference["air_kg_m3"] * in_air
    head_k = column["head_c"] - head_set_c
    mount_k = column["mount_c"] - reference["mount_c"]
    terms = {
        "rate": np.ones_like(head_k),
        "kv_exponent": np.log(column["kv_reference"] / reference["kv_reference"]),
        "head_per_k": head_k,
        "head_per_k2": head_k**2,
        "mount_per_k": mount_k,
        "mount_per_k2": mount_k**2,
        "head_mount_per_k2": head_k * mount_k,
        "air_depth_per_cm": -air * path_cm,
    }
    weight = np.sqrt(column["counts"])  # of a logarithm of counts: Poisson
    design = np.column_stack(list(terms.values())) * weight[:, np.newaxis]
    log_rate = np.log(column["counts"] / column["ma_reference"])
    fit = np.linalg.lstsq(design, weight * log_rate, rcond=None)[0]
    found = dict(zip(terms, fit.tolist(), strict=True))
    del found["rate"]
    return found


def _fan(rows: np.ndarray, reference: dict[str, float], s: Settings) -> dict[str, float]:
    """The fan's law from minutes in which the head was at rest.

    The mount takes its part of the heat. How much more or less than at the reference it took in
    a minute (it was warming, or its foil was on) follows from its temperature.
    """
    column = {name: rows[:, at] for at, name in enumerate(COLUMNS)}
    rest = np.abs(np.gradient(column["head_c"])) < 0.01
    column = {name: values[rest] for name, values in column.items()}
    fan = column["fan"]
    if rest.sum() < 20 or np.ptp(fan) < 0.05:
        return {}
    heat_w = (
        column["kv_monitor"] * column["ma_monitor"]
        + FILAMENT_VOLT_PER_A * column["filament_a"] ** 2
    )
    excess_k = column["head_c"] - column["room_c"]
    conductance = heat_w / excess_k
    mount = (column["head_c"] - column["mount_c"]) / excess_k - (
        reference["head_c"] - reference["mount_c"]
    ) / (reference["head_c"] - reference["room_c"])

    def misfit(x: np.ndarray) -> np.ndarray:
        return x[0] + x[1] * fan ** x[2] + x[3] * mount - conductance

    fit = least_squares(
        misfit,
        [s.fan_g0_w_per_k, s.fan_g1_w_per_k, s.fan_exponent, 0.5],
        bounds=([0.005, 0.05, 0.3, 0.0], [20.0, 60.0, 1.0, 20.0]),
    )
    return {
        "fan_g0_w_per_k": fit.x[0],
        "fan_g1_w_per_k": fit.x[1],
        "fan_exponent": fit.x[2],
    }
