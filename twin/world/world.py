"""The world: owns time.

SimPy orders what happens when. Time is an integer number of milliseconds. Between two SimPy events
the ticks run in a plain loop, without an event of their own: all that is scheduled for time t
happens before the tick of time t, always. One tick is, in this order,

    sense(t)  decide(t)  the outputs hold over [t, t + dt)  the plant advances to t + dt
"""

from collections.abc import Callable, Generator
from typing import Any

import simpy

from firmware.interlocks import NAMES
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK
from twin.plant.plant import TICK_MS, Plant
from twin.world.board import TwinBoard
from twin.world.faults import Faults
from twin.world.seam import Board, Firmware


class TickedEnvironment(simpy.Environment):
    """SimPy's kernel with one method overridden: the ticks up to an event run before it."""

    def __init__(self, advance_to: Callable[[int], None], initial_time: int):
        super().__init__(initial_time)
        self._advance_to = advance_to

    def step(self) -> None:
        """Tick until the next event is due, then process it."""
        self._advance_to(int(self.peek()))
        super().step()


class World:
    """Plant, board, firmware and clock of one run.

    controller : the firmware that drives the plant, see twin/world/seam.py
    board      : what it reads and drives; the twin's own if not given
    faults     : what fails between the two, see twin/world/faults.py
    """

    def __init__(
        self, plant: Plant, controller: Firmware, command: Command, board: Board | None = None
    ):
        self.plant = plant
        self.controller = controller
        self.command = command
        self.board: Board = board if board is not None else TwinBoard(plant)
        records: tuple[Any, Any] = (Inputs(), Outputs())  # their fields are made at run time
        self.inputs, self.outputs = records
        self.outputs.fan_program_raw = plant.fan_program_raw
        self.env = TickedEnvironment(self._advance_to, plant.now_ms)
        self.faults = Faults(self.inputs)

    @property
    def condition(self) -> int:
        """The state of the firmware that drives the plant, see firmware/controller.py."""
        return self.controller.condition

    @property
    def trip(self) -> int:
        """Code of the first cause of its last trip, see docs/board/interlocks.md; 0: none."""
        return self.controller.trip

    @property
    def trip_ms(self) -> int:
        """When it tripped, wrapping ms."""
        return self.controller.trip_ms

    @property
    def trim(self) -> float:
        """The factor that the compensation law puts on the emission current."""
        return self.controller.trim

    def ask(self, answer: Callable[[int, str], None]) -> None:
        """Have `answer(condition, trip)` called: now, or when a firmware elsewhere has answered.

        `trip` is the name of the first cause of its last trip, "" if there is none.
        """
        answer(self.condition, NAMES.get(self.trip, ""))

    def readings(self) -> dict[str, Any]:
        """What the firmware reports about itself, in physical units."""
        return self.controller.readings(self.inputs, self.outputs)

    def every(self, period_ms: int, act: Callable[[int], None]) -> None:
        """Call `act(now_ms)` once every `period_ms`, from one period after now on."""

        def process() -> Generator[simpy.Event]:
            while True:
                yield self.env.timeout(period_ms)
                act(int(self.env.now))

        self.env.process(process())

    def at(self, time_ms: int, act: Callable[[], None]) -> None:
        """Call `act()` once, before the first tick at or after `time_ms`."""

        def process() -> Generator[simpy.Event]:
            yield self.env.timeout(time_ms - self.env.now)
            act()

        self.env.process(process())

    def run(self, until_ms: int) -> None:
        """Let time pass until `until_ms`; what is scheduled for that very time has happened."""
        self.env.run(until=until_ms)
        while self.env.peek() <= until_ms:
            self.env.step()

    def state(self) -> dict[str, Any]:
        """The whole memory between two ticks, as nested plain values."""
        command = self.command
        return {
            "plant": self.plant.state(),
            "controller": self.controller.state(),
            "inputs": list(self.inputs.values()),
            "outputs": list(self.outputs.values()),
            "command": {name: getattr(command, name) for name in command.__slots__},
            "faults": self.faults.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `state()` gave, time included. Before anything is scheduled."""
        self.plant.load(state["plant"])
        self.controller.load(state["controller"])
        self.inputs.load(state["inputs"])
        self.outputs.load(state["outputs"])
        for name, value in state["command"].items():
            setattr(self.command, name, value)
        self.faults.load(state["faults"])
        self.env = TickedEnvironment(self._advance_to, self.plant.now_ms)

    def _advance_to(self, time_ms: int) -> None:
        """Tick until the plant's time is not before `time_ms`."""
        plant = self.plant
        now_ms = plant.now_ms
        inputs, outputs, command = self.inputs, self.outputs, self.command
        board = self.faults.in_front_of(self.board)
        read, write = board.read, board.write
        step, advance = self.controller.step, plant.advance
        while now_ms < time_ms:
            read(inputs)
            step(now_ms & MASK, inputs, outputs, command)
            write(outputs)
            advance()
            now_ms += TICK_MS
