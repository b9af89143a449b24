"""Runs that take a minute or so each, most on the emulated Pico, in a process of their own.

    python -m tests.kit.emulated_runs NAME RESULT.json [ARGUMENT]

tests/kit/long_runs.py starts them beside the other tests, which then read the results.
"""

import json
import random
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from firmware.signals import ALL_CLOSED, CHAIN_A, CHAIN_B
from hil.micropython.interpreters import find_pico_image
from hil.pico.emulated import EmulatedPico
from hil.pico.unit import PicoUnit, unit_files
from hil.pico.world import PicoWorld
from tests.kit.beside import MINUTE_MS, compare, intensity
from tests.kit.emulated_link import link
from tests.kit.hosts import REST_MS, Trace, bench_job, lasting, quick_settings, warm_plant
from tests.kit.same_bits import PROGRAM
from twin.plant.plant import TICK_MS
from twin.runs.prepare import prepare
from twin.runs.run import build_world, simulate
from twin.tube.tube import DEFAULT_TUBE

AFTERWARDS_H = 0.01  # 36 s: there is time for questions when the scenario is over
BOOT_MS = 3000  # the window for Ctrl-C included, and the first readings of all sensors


def booted(files: dict[str, bytes] | None = None, **changed: float) -> PicoUnit:
    """A unit on the twin's warm tube that has been set up and is at rest."""
    settings = quick_settings(**changed)
    unit = PicoUnit(find_pico_image(), unit_files(settings) | (files or {}), warm_plant())
    unit.pico.run(BOOT_MS)
    return unit


def asked(unit: PicoUnit, line: bytes, ms: float = 1500) -> str:
    """What the console answers to a line."""
    unit.pico.take_lines()
    unit.pico.send(line + b"\n")
    unit.pico.run(ms, lambda: b"\n" in unit.pico.received)
    return unit.pico.take_lines()[-1]


def status(unit: PicoUnit) -> dict[str, Any]:
    answer = asked(unit, b"status")
    assert answer.startswith("ok {"), answer
    return json.loads(answer[3:])


def hosts() -> dict[str, Any]:
    """The scenario of tests/kit/hosts.py, with what the board says of itself."""
    job = bench_job()
    world = PicoWorld(lasting(job, AFTERWARDS_H))
    console, plant = world.console, world.plant
    before = console.status
    trace = Trace()
    trace.follow(world)
    world.at(REST_MS + 6000, console.ask)
    outcome = simulate(job, world=world)
    columns = deepcopy(trace.columns())  # it goes on
    enabled = [(world.ms_of(ns) - REST_MS, high) for ns, high in world.unit.enabled]
    lines, statuses = list(console.answers), list(console.statuses)
    console.ask()
    while len(console.statuses) == len(statuses):
        world.run(plant.now_ms + TICK_MS)
    console.command("memory")
    while len(console.answers) == len(lines):
        world.run(plant.now_ms + TICK_MS)
    return {
        "trace": columns,
        "outcome": outcome.summary(),
        "lines": lines,
        "statuses": statuses,
        "enabled": enabled,
        "before": before,
        "after": console.status,
        "memory": console.answers[-1],
    }


def bits(ticks: int = 2000) -> dict[str, Any]:
    """The hash of tests/kit/same_bits.py, calculated on the emulated board."""
    program = PROGRAM.replace("TICKS", str(ticks)) + "\nprint('end')\n"
    files = unit_files() | {"main.py": b"import sys\nsys.path.insert(0, 'a')\n" + program.encode()}
    pico = EmulatedPico(find_pico_image(), files)
    pico.run(1e3 * ticks, lambda: b"end\r\n" in pico.received or b"Error" in pico.received)
    return {"lines": pico.take_lines()}


LATENCY = """
import gc
gc.threshold(4096)
import sys
sys.path.insert(0, "a")
from firmware.boards.pico import board
from firmware.settings import Settings
from firmware.signals import Inputs, Outputs
unit = board.make(Settings())
inputs, outputs = Inputs(), Outputs()
outputs.kv_program_raw = 1000
while True:
    outputs.hv_enable = 0
    unit.write(outputs)
    unit.read(inputs)
    outputs.hv_enable = 1
    for _ in range(5):
        unit.read(inputs)
        unit.write(outputs)
        outputs.grid_program_raw = (outputs.grid_program_raw + 100) & 0xFFF
    gc.collect()
"""


ENABLE = """
import sys
sys.path.insert(0, "a")
from firmware.boards.pico import board
from firmware.settings import Settings
line = board.make(Settings()).generator.line
while True:
    line.apply(0, True)
    for _ in range(100):
        pass
    line.apply(1, True)
    for _ in range(100):
        pass
"""
ENABLE_WITHIN_MS = 0.2  # shorter than the rest of a turn of the loop above
LOOK_TO_ACT_NS = 20_000  # more than from the look at what is cut to the level of the pin


def latency(trips: int = 16) -> dict[str, Any]:
    """How long after its chain has opened the board takes the enable line away, us each.

    And, as often again, the chain opens in the moments before the line goes high, when the
    firmware has looked and not yet acted.
    """
    unit = PicoUnit(find_pico_image(), unit_files() | {"main.py": LATENCY.encode()}, warm_plant())
    pico = unit.pico
    rng = random.Random(1)
    found: list[float] = []
    again = 0
    for trip in range(trips):
        if not pico.run(1000, lambda: bool(unit.enabled) and unit.enabled[-1][1]):
            raise AssertionError("the enable line never came back")
        pico.run(rng.uniform(0.0, 8.0))
        while not unit.enabled[-1][1]:
            pico.run(1.0)
        opened_ns, before = pico.now_ns, len(unit.enabled)
        unit.set_switches(ALL_CLOSED & ~(CHAIN_A if trip % 2 else CHAIN_B))
        pico.run(5.0)
        changes = unit.enabled[before:]
        found.append((changes[0][0] - opened_ns) / 1e3)
        again += sum(high for _, high in changes)
        unit.set_switches(ALL_CLOSED)
        pico.run(20.0)
    return {"latency_us": found, "high_again": again, "switching_on_us": switching_on(trips)}


def switching_on(trips: int) -> float:
    """Longest time, us, from an opening just before the line goes high until it is low for good."""
    unit = PicoUnit(find_pico_image(), unit_files() | {"main.py": ENABLE.encode()}, warm_plant())
    pico = unit.pico
    pico.run(BOOT_MS, lambda: len(unit.enabled) > 8)
    opened: list[tuple[int, int]] = []

    def open_chain() -> None:
        opened.append((pico.now_ns, len(unit.enabled)))
        unit.set_switches(ALL_CLOSED & ~(CHAIN_A if len(opened) % 2 else CHAIN_B))

    alarm = pico.alarm(open_chain)
    slowest_us = 0.0
    for trip in range(trips):
        # From one rising edge to the next it is always the same time, but for the interrupt.
        edges = [ns for ns, high in unit.enabled if high][-2:]
        due_ns = edges[1]
        while due_ns < pico.now_ns + 2 * LOOK_TO_ACT_NS:
            due_ns += edges[1] - edges[0]
        alarm.schedule(due_ns - LOOK_TO_ACT_NS * trip // trips - pico.now_ns)
        pico.run(5.0, lambda: len(opened) > trip)  # noqa: B023
        opened_ns, before = opened[-1]
        pico.run(ENABLE_WITHIN_MS)
        changes = unit.enabled[before:]
        assert not unit.enabled[-1][1]
        slowest_us = max([slowest_us, *((ns - opened_ns) / 1e3 for ns, _ in changes)])
        unit.set_switches(ALL_CLOSED)
        seen = len(unit.enabled)
        pico.run(20.0, lambda: len(unit.enabled) > seen + 8)  # noqa: B023
    return slowest_us


HANG = b"""
import machine
if machine.reset_cause() != machine.WDT_RESET:
    import sys
    sys.path.insert(0, "a")
    from firmware.controller import RAMP
    import firmware.slack
    turn = firmware.slack.Slack.turn
    def hang(self):
        commands = self._console._commands
        while commands.controller.condition == RAMP and commands.controller.high_voltage.kv > 10.0:
            pass
        return turn(self)
    firmware.slack.Slack.turn = hang
    sys.path.remove("a")
"""


def watchdog() -> dict[str, Any]:
    """A firmware that hangs with the high voltage on, what becomes of it, and two power cycles."""
    files = unit_files(quick_settings())
    files["main.py"] = HANG + files["main.py"]
    unit = PicoUnit(find_pico_image(), files, warm_plant())
    pico = unit.pico
    pico.run(BOOT_MS)
    answer = asked(unit, b"run")
    hung = pico.run(6000, lambda: unit.plant.kv > 12.0)
    hung_ns = pico.now_ns
    pico.run(1000, lambda: pico.resets > 0)
    reset_ns = pico.now_ns
    pico.run(2500)
    after = status(unit)
    pico.power_cycle()
    pico.run(2500)
    return {
        "answer": answer,
        "hung": hung,
        "reset_after_ms": (reset_ns - hung_ns) / 1e6,
        "resets": pico.resets,
        "enabled": [((ns - hung_ns) / 1e6, high) for ns, high in unit.enabled],
        "after": after,
        "after_power_cycle": status(unit),
        "kv": unit.plant.kv,
    }


def ramp(minutes: int) -> dict[str, Any]:
    """The built-in ramp, driven here and by the 32-bit single-precision build."""
    job = prepare("ramp", DEFAULT_TUBE, None, None, 1, ())
    here = intensity(build_world(job), minutes * MINUTE_MS)
    shadow, there = compare(job, "micropython-f32", minutes * MINUTE_MS, peer_drives=True)
    return {
        "differs": shadow.first is not None,
        "here": [here.count, here.mean, here.rms_percent],
        "there": [there.count, there.mean, there.rms_percent],
    }


RUNS: dict[str, Callable[..., dict[str, Any]]] = {
    "hosts": hosts,
    "bits": bits,
    "latency": latency,
    "ramp": ramp,
    "watchdog": watchdog,
    "link": link,
}


def main(name: str, result: str, *arguments: str) -> None:
    found = RUNS[name](*map(int, arguments))
    part = Path(result + ".part")
    part.write_text(json.dumps(found))
    part.replace(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
