"""A scenario on two interpreters at once, by hand: how far are their outputs apart?

    python -m hil.compare [SCENARIO] [--target T] [--minutes M] [--seed N] [--peer-drives]

Runs the world of `tubetwin run` from switch-on until M minutes of simulated time, with the
firmware here and on the target, see hil/micropython/processes.py. Exit status 0 if no output ever
differed.
"""

import argparse
import sys
from time import perf_counter

from hil.link.link import LinkError, Peer
from hil.link.shadow import Shadow
from hil.micropython.processes import TARGETS, command_of
from twin.files.errors import InputError
from twin.runs.job import Job
from twin.runs.prepare import prepare
from twin.runs.run import START_AFTER_MS, build_world
from twin.tube.tube import DEFAULT_TUBE
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
    with Peer(command_of(target), world.controller.settings, world.outputs) as peer:
        shadow = world.controller = Shadow(world.controller, peer, peer_drives)
        return shadow, intensity(world, until_ms)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m hil.compare", description=__doc__.split("\n")[0]
    )
    parser.add_argument("scenario", nargs="?", default="ramp")
    parser.add_argument("--target", choices=TARGETS, default="micropython")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peer-drives", action="store_true")
    chosen = parser.parse_args(arguments)
    until_ms = round(chosen.minutes * MINUTE_MS)
    began = perf_counter()
    try:
        job = prepare(chosen.scenario, DEFAULT_TUBE, None, None, chosen.seed, ())
        shadow, frames = compare(job, chosen.target, until_ms, chosen.peer_drives)
    except (InputError, LinkError) as error:
        print(error, file=sys.stderr)
        return 2
    wall_s = perf_counter() - began
    each_us = 1e6 * wall_s / max(shadow.ticks, 1)
    print(f"{shadow.ticks} ticks beside {chosen.target} in {wall_s:.1f} s, {each_us:.0f} µs each")
    print(f"first difference: {shadow.first or 'none'}")
    print("worst: " + ", ".join(f"{name} {worst}" for name, worst in shadow.worst.items()))
    if frames.count > 1:
        print(f"intensity: {frames.rms_percent:.5f} % rms over {frames.count} frames")
    return 0 if shadow.first is None else 1


if __name__ == "__main__":
    sys.exit(main())
