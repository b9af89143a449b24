"""A job: everything that decides a run's numbers."""

from dataclasses import dataclass
from math import ceil

from firmware.settings import Settings
from firmware.signals import HOLD_COMPENSATION, HOLD_EMISSION, HOLD_THERMAL
from twin.plant.plant import TICK_MS
from twin.scenarios.scenario import Scenario
from twin.scenarios.steps import Step
from twin.tube.tube import Tube

LAWS = {
    "thermal": HOLD_THERMAL,
    "emission": HOLD_EMISSION,
    "compensation": HOLD_COMPENSATION,
}
SAMPLE_MS = 1000
PRE_ROLL_MS = 1_200_000  # a warm tube is switched on this long before time 0


@dataclass(frozen=True)
class Job:
    """Everything that decides a run's numbers."""

    scenario: Scenario
    tube_name: str
    tube: Tube
    calibration: dict[str, float]
    seed: int = 1
    without: tuple[str, ...] = ()
    faults: tuple[Step, ...] = ()
    """Made besides the scenario's steps."""

    @property
    def begin_ms(self) -> int:
        """When the firmware is powered up."""
        return -PRE_ROLL_MS if self.scenario.start == "warm" else 0

    @property
    def warm_up_ms(self) -> int:
        """When judging begins: a whole number of samples, for frames are made of them."""
        return ceil(3600.0 * self.scenario.warm_up_h - 1e-6) * SAMPLE_MS

    @property
    def end_ms(self) -> int:
        """When the run ends, in whole ticks."""
        return round(3_600_000 * self.scenario.duration_h) // TICK_MS * TICK_MS

    def settings(self) -> Settings:
        """What the firmware is set to: as made, as commissioned, and for this beam path."""
        settings = self.tube.firmware_settings()
        settings.load(self.calibration)
        # The length of the beam path is measured by the operator with a ruler.
        # Helium or vacuum in it absorb nothing that changes with the weather.
        in_air = self.scenario.path_gas == "air"
        settings.beam_path_cm = self.scenario.air_path_cm if in_air else 0.0
        settings.load(self.scenario.settings)
        return settings
