"""The common part of all targets at the end of a link."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from firmware.settings import Settings
from firmware.signals import Outputs
from firmware.ticks import MASK
from hil.link.link import Link, LinkError
from hil.link.real_time import RealTimeLink, RealTimeShadow
from hil.link.shadow import Shadow, make_safe
from hil.link.transports import Transport
from hil.micropython.build import source_in
from hil.targets.figures import Figures
from hil.targets.target import LOCKSTEP, State, Step, Target, world_of
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.world.world import World


class Linked(Target):
    """The firmware at the end of a link, which drives the plant; the one here is compared."""

    options: ClassVar[dict[str, Any]] = {}
    """Time limits of the link."""
    _shadow: Shadow
    """Of the last world."""

    def transport(self) -> Transport:
        """Open the transport to a firmware that answers in wire frames."""
        raise NotImplementedError

    @contextmanager
    def world(self, job: Job, mode: str | None = None, state: State = None) -> Iterator[World]:
        mode = self.mode(mode)
        world = world_of(job, state)
        here, now_ms = world.controller, world.plant.now_ms & MASK
        memory = here.state() if state else None
        with link_errors(self.name):
            made = Link if mode == LOCKSTEP else RealTimeLink
            link = made(
                self.transport(),
                job.settings(),
                world.outputs,
                state=memory,
                now_ms=now_ms,
                **self.options,
            )
            if isinstance(link, RealTimeLink):
                self._shadow = RealTimeShadow(here, link, peer_drives=True)
            else:
                self._shadow = Shadow(here, link, peer_drives=True)
            world.controller = self._shadow
            try:
                with link:
                    yield world
            finally:
                make_safe(world)

    @contextmanager
    def firmware(self, settings: Settings, held: Outputs) -> Iterator[Step]:
        with link_errors(self.name), Link(self.transport(), settings, held, **self.options) as link:
            yield lambda now_ms, inputs, command: link.exchange(now_ms, inputs, command).values()

    def figures(self, world: World, mode: str) -> Figures:
        shadow = self._shadow
        counts = shadow.peer.ask_counts().summary()
        version, build = shadow.peer.ask_identity()
        return Figures(
            self.name,
            mode,
            link_frames=counts["frames"],
            round_trip_p50_us=counts["round_trip_p50_us"],
            round_trip_p99_us=counts["round_trip_p99_us"],
            jitter_p50_us=counts["jitter_p50_us"],
            jitter_p99_us=counts["jitter_p99_us"],
            overruns=counts["overruns"],
            worst_overrun_ms=counts["worst_overrun_ms"],
            lost_frames=counts["lost_frames"],
            corrupt_frames=counts["corrupt"] + (counts["corrupt_there"] or 0),
            worst_difference=shadow.worst_difference,
            worst_signal=max(shadow.worst, key=lambda name: shadow.worst[name])
            if shadow.worst_difference
            else None,
            firmware=version,
            source=source_in(build) or None,
        )


def reason_of(find: Callable[[], object]) -> str | None:
    """The InputError of `find` as one line; None if it raises none."""
    try:
        find()
    except InputError as error:
        return str(error)
    return None


@contextmanager
def link_errors(name: str) -> Iterator[None]:
    """Make an InputError of one line of a LinkError."""
    try:
        yield
    except LinkError as error:
        raise InputError(f"--target {name}: the link is lost: {error}") from None
