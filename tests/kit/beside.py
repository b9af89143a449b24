"""Run a job with the firmware in this process and on a target at once."""

from hil.link.link import Peer
from hil.link.shadow import Shadow
from hil.micropython.processes import command_of
from twin.runs.job import Job
from twin.runs.run import START_AFTER_MS, build_world
from twin.verdict import FRAME_MS, Spread
from twin.world.world import World

MINUTE_MS = 60_000


def intensity(world: World, until_ms: int) -> Spread:
    """Start `world`, run it until `until_ms`; the intensity per frame, from time 0 on."""
    plant, command = world.plant, world.command
    frames = Spread()

    def start() -> None:
        command.run = True

    def frame(now_ms: int) -> None:
        taken = plant.take_intensity()
        if now_ms > 0:
            frames.add(taken)

    world.at(plant.now_ms + START_AFTER_MS, start)
    world.every(FRAME_MS, frame)
    world.run(until_ms)
    return frames


def compare(job: Job, target: str, until_ms: int, peer_drives: bool) -> tuple[Shadow, Spread]:
    """Run `job` until `until_ms` beside a target; what differed, and the intensity per frame."""
    world = build_world(job)
    with Peer(command_of(target), job.settings(), world.outputs) as peer:
        shadow = world.controller = Shadow(world.controller, peer, peer_drives)
        return shadow, intensity(world, until_ms)
