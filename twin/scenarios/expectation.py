"""What a scenario expects at a time, held against what the tube and its firmware are then."""

from typing import Any

from firmware.controller import STATES
from twin.scenarios.steps import Step

LOOK_MS = 100  # between two looks for what is expected within some time


class Expectation:
    """What a step expects, and what was found.

    kv, ma : the operating point that is set; meant where a step gives neither
    """

    def __init__(self, step: Step, kv: float, ma: float):
        self.step = step
        given = step.kv is not None or step.ma is not None
        self._kv, self._ma = (step.kv, step.ma) if given else (kv, ma)
        self.met: bool | None = None  # None: not known yet
        self.found = "no answer"
        self.looked_ms = step.at_ms  # when what was found was so

    def looks_ms(self) -> list[int]:
        """When to look."""
        step = self.step
        return [*range(step.at_ms, step.last_ms, LOOK_MS), step.last_ms]

    def look(self, world: Any) -> None:
        """Ask for the state, which may come later; kV and mA are the tube's own, now."""
        if self.met is not None:
            return
        plant = world.plant
        now_ms, kv, ma = plant.now_ms, plant.kv, plant.ma
        world.ask(lambda condition, trip: self._judge(now_ms, kv, ma, STATES[condition], trip))

    def _judge(self, now_ms: int, kv: float, ma: float, state: str, trip: str) -> None:
        if self.met is not None:
            return
        step = self.step
        self.looked_ms = now_ms
        self.found = f"{state}{f' by {trip}' if state == 'tripped' else ''}, "
        self.found += f"{kv:.2f} kV, {ma:.4f} mA"
        if (
            state == step.expect
            and step.cause in (None, trip)
            and self._is_near(kv, self._kv)
            and self._is_near(ma, self._ma)
        ):
            self.met = True
        elif now_ms >= step.last_ms:
            self.met = False

    def _is_near(self, value: float, target_value: float | None) -> bool:
        percent = self.step.within_percent
        return (
            not percent
            or target_value is None
            or abs(value - target_value) <= 0.01 * percent * target_value
        )

    def summary(self) -> dict[str, Any]:
        """For `--json`, the printed verdict and the report."""
        return {
            "at_s": self.step.at_s,
            "expect": self.step.words(),
            "met": bool(self.met),
            "found": self.found,
            "found_at_s": self.looked_ms / 1000,
        }

    def state(self) -> list[Any]:
        return [self.met, self.found, self.looked_ms]

    def load(self, state: list[Any]) -> None:
        self.met, self.found, self.looked_ms = state
