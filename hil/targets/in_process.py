"""The target without any requirement: the firmware in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from firmware import __version__
from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from hil.micropython.build import source_hash
from hil.targets.figures import Figures
from hil.targets.target import REAL_TIME, State, Step, Target, world_of
from twin.runs.job import Job
from twin.world.world import World


class InProcess(Target):
    name = "in-process"
    what = "the firmware in this process, on CPython"

    def paced_here(self, mode: str) -> bool:
        return mode == REAL_TIME

    def figures(self, world: World, mode: str) -> Figures:
        """No difference and no link: this firmware is the reference of the other targets."""
        return Figures(
            self.name,
            mode,
            worst_difference=0,
            worst_difference_percent=0.0,
            firmware=__version__,
            source=source_hash(),
        )

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        self.mode(mode)
        yield world_of(job, state)

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        controller, outputs = Controller(settings), Outputs()
        outputs.load(held.values())

        def step(now_ms: int, inputs: Inputs, command: Command) -> tuple[int, ...]:
            controller.step(now_ms, inputs, outputs, command)
            return outputs.values()

        yield step
