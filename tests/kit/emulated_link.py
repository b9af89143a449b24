"""The beam over the link in real time on the emulated board: what a tick takes; a line that drops.

    python -m tests.kit.emulated_link [TICKS]

prints what tests/hil/pico/test_emulated.py asks of the run.
"""

import json
import sys
from typing import Any

from firmware.interlocks import NAMES
from firmware.link import frame
from firmware.signals import Outputs
from firmware.ticks import diff
from hil.link.real_time import RealTimeLink, RealTimeShadow, Tick
from hil.pico.line import PicoLine
from tests.kit.hosts import quick_settings, warm_world
from twin.plant.plant import TICK_MS

RUN_MS = 500
BEAM_MS = 6000  # from switch-on until the beam is in regulation, all of it here
PATIENCE_S = 600.0  # of the wall clock
CUT_AT = 40  # bytes of a STEP that come before the line drops
AFTER_MS = 200


class Watched(RealTimeLink):
    last: Tick

    def next_tick(self) -> Tick:
        self.last = super().next_tick()
        return self.last


def link(ticks: int = 40) -> dict[str, Any]:
    """Ticks with the beam on; then half a frame, and silence."""
    settings = quick_settings()
    world = warm_world(settings)
    plant = world.plant
    world.at(plant.now_ms + RUN_MS, lambda: setattr(world.command, "run", True))
    world.run(plant.now_ms + BEAM_MS)
    line = PicoLine()
    pico = line.pico
    far = Watched(
        line,
        settings,
        world.outputs,
        state=world.controller.state(),
        now_ms=plant.now_ms,
        timeout_s=PATIENCE_S,
        resend_s=PATIENCE_S,
    )
    shadow = world.controller = RealTimeShadow(world.controller, far, peer_drives=True)
    busy_us, late_ms = [], []
    for _ in range(ticks):
        before_us = pico.busy_us
        world.run(plant.now_ms + TICK_MS)
        busy_us.append(round(pico.busy_us - before_us))
        late_ms.append(far.last.late_ms)
    sample = frame.pack_step(world.inputs, world.command)
    line.write(frame.pack(frame.STEP, far.last.index, far.last.now_ms, sample)[:CUT_AT])
    told = []
    receiver, outputs = frame.Receiver(), Outputs()
    end_ns = pico.now_ns + AFTER_MS * 1_000_000
    while pico.now_ns < end_ns:
        for kind, _, now_ms, payload in receiver.feed(line.read(PATIENCE_S)):
            if kind == frame.TICKED:
                _, missed = frame.unpack_ticked(payload, outputs)
                told.append((diff(now_ms, far.last.now_ms), missed, outputs.values()))
    return {
        "condition": shadow.condition,
        "ticks": shadow.ticks,
        "worst_difference": shadow.worst_difference,
        "overruns": far.counts.overruns.count,
        "busy_us": busy_us,
        "late_ms": late_ms,
        "missed": told[0][1],
        "corrupt": far.counts.corrupt,
        "after": [
            [at_ms, any((values[0], values[2], values[3], values[4])), NAMES.get(values[7], "")]
            for at_ms, _, values in told
        ],
    }


if __name__ == "__main__":
    print(json.dumps(link(*map(int, sys.argv[1:]))))
