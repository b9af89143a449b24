"""A small tube at the controller's seam: quick, without noise, and independent of the twin."""

import json
from collections.abc import Callable
from math import exp
from typing import Any

from firmware.calibration import ADC_FULL, FAN_FULL, pt100_raw
from firmware.controller import BEAM, Controller
from firmware.settings import Settings
from firmware.signal_table import OUTPUTS
from firmware.signals import ALL_CLOSED, Command, Inputs, Outputs
from firmware.ticks import MASK
from tests.kit.full_scales import KV_PER_COUNT, MA_PER_COUNT

TICK_MS = 10
LAMP_RAW = 2000
TO_BEAM_MS = 21_000  # from a start to full current, with the default settings
KV_SUPPLY_PER_COUNT = 60.0 / 4095
RANGES = {signal[0]: (signal[2], signal[3]) for signal in OUTPUTS}


def healthy() -> Any:
    """Inputs of a tube at rest that nothing is wrong with."""
    inputs: Any = Inputs()
    inputs.switches = ALL_CLOSED
    inputs.head_temperature_raw = pt100_raw(40.0)
    inputs.mount_temperature_raw = pt100_raw(30.0)
    inputs.generator_temperature_raw = 3000
    inputs.room_temperature_raw = 2350
    inputs.room_pressure_raw = 101325
    inputs.room_humidity_raw = 4500
    return inputs


AT_REST = healthy().values()


class ChipBench:
    """Controller and tube, tick by tick.

    forced : raw inputs that replace what the tube gives, by name; a fault is put in here
    """

    def __init__(
        self,
        settings: Settings | None = None,
        start_ms: int = 0,
        controller: Callable[[Settings], Controller] = Controller,
    ):
        self.settings = settings or Settings()
        self.controller = controller(self.settings)
        self.command = Command(self.settings.kv, self.settings.ma)
        self.inputs = healthy()
        self.outputs: Any = Outputs()
        self.now_ms = start_ms
        self.forced: dict[str, int] = {}
        self.kv = self.ma = self.filament = 0.0
        self.head_c = 40.0

    def tick(self, dt_ms: int = TICK_MS) -> None:
        """Sense, decide, hold the outputs for `dt_ms`, which the tube then is further."""
        self.sense()
        self.controller.step(self.now_ms & MASK, self.inputs, self.outputs, self.command)
        for name, (low, high) in RANGES.items():
            assert low <= getattr(self.outputs, name) <= high, name
        self.advance(dt_ms)

    def sense(self) -> None:
        inputs, outputs = self.inputs, self.outputs
        inputs.load(AT_REST)
        inputs.kv_monitor_raw = min(ADC_FULL, round(self.kv / KV_PER_COUNT))
        inputs.ma_monitor_raw = min(ADC_FULL, round(self.ma / MA_PER_COUNT))
        inputs.filament_monitor_raw = round(self.filament * ADC_FULL / 4095)
        inputs.lamp_current_raw = LAMP_RAW if outputs.lamp_on else 0
        inputs.fan_tach_raw = round(outputs.fan_program_raw / FAN_FULL * 5000)
        inputs.head_temperature_raw = pt100_raw(self.head_c)
        for name, raw in self.forced.items():
            setattr(inputs, name, raw)

    def advance(self, dt_ms: int) -> None:
        """The voltage follows in 0.1 s, the filament in 80 ms; the gun is linear above cut-off."""
        outputs = self.outputs
        goal_kv = outputs.kv_program_raw * KV_SUPPLY_PER_COUNT if outputs.hv_enable else 0.0
        self.kv += (1.0 - exp(-dt_ms / 100.0)) * (goal_kv - self.kv)
        self.filament += (1.0 - exp(-dt_ms / 80.0)) * (outputs.filament_program_raw - self.filament)
        bias_v = -1000.0 + outputs.grid_program_raw / 4.095
        above_v = bias_v + 11.0 * self.kv + 0.88 * (self.filament - 2150.0)
        self.ma = max(0.0, 0.0033 * above_v) if self.kv > 0.5 and self.filament > 1500.0 else 0.0
        conductance = 0.8 + 2.2 * (outputs.fan_program_raw / FAN_FULL) ** 0.8
        heat_w = self.kv * self.ma + 4.0 * (self.filament / 2150.0) ** 2
        rest_c = 22.0 + heat_w / conductance
        self.head_c += (1.0 - exp(-0.001 * dt_ms * conductance / 720.0)) * (rest_c - self.head_c)
        self.now_ms += dt_ms

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // TICK_MS):
            self.tick()

    def start(self) -> None:
        """Run up to the beam that is commanded: a few ticks of rest, then the command."""
        self.command.run = False
        self.run(100)
        self.command.run = True
        self.run(TO_BEAM_MS)
        assert self.controller.condition == BEAM
        assert abs(self.ma - self.command.ma) < 0.05

    def until_state(self, state: int, limit_ms: int) -> int:
        """Tick until the outputs tell `state`; the time (ms) from the first tick to that one."""
        for passed_ms in range(0, limit_ms + 1, TICK_MS):
            self.tick()
            if self.outputs.state == state:
                return passed_ms
        raise AssertionError(f"not within {limit_ms} ms")

    def snapshot(self) -> dict[str, Any]:
        """All of the firmware's side, and of the tube's, through JSON."""
        tube = {name: getattr(self, name) for name in ("kv", "ma", "filament", "head_c", "now_ms")}
        state = {
            "controller": self.controller.state(),
            "outputs": self.outputs.values(),
            "tube": tube,
            "run": self.command.run,
            "forced": self.forced,
        }
        text = json.dumps(state)
        loaded: dict[str, Any] = json.loads(text)
        return loaded

    def resume(self, state: dict[str, Any]) -> None:
        """Take over a snapshot, as a bench that has just been built."""
        self.controller.load(state["controller"])
        self.outputs.load(state["outputs"])
        for name, value in state["tube"].items():
            setattr(self, name, value)
        self.command.run = state["run"]
        self.forced = dict(state["forced"])
