"""The soak: frames over a pty that flips, cuts, loses, doubles, swaps and adds bytes, both ways.

    .venv/bin/python -m tests.kit.soak --frames 10000000 [--end micropython] [--seed 1] [--rate R]

Every answer is compared with what an undisturbed firmware answers to the same inputs. Exit status
0 if none was wrong. Ctrl-C ends it early, with the figures so far.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from firmware.settings import Settings
from firmware.signal_table import INPUTS
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK
from hil.link.link import Link
from hil.link.transports import Process
from hil.micropython.interpreters import find_micropython
from tests.kit.noisy_line import NoisyLine
from tests.kit.soak_end import Chain

ROOT = Path(__file__).resolve().parents[2]
RATE = 0.005
RESEND_S = 0.002
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
SAMPLES = 997  # different inputs, used in turn
WARM = 1000  # frames after which memory is measured first
KEEP_WRONG = 10
SAY_EVERY = 500_000


@dataclass
class Found:
    """What came of a soak. Memory is what each side has resident more at the end than early on."""

    frames: int
    wrong: list[tuple[int, tuple[int, ...], tuple[int, ...]]]
    damage: dict[str, int]
    counts: dict[str, Any]
    grown_kb: tuple[int, int]
    wall_s: float

    def __str__(self) -> str:
        damage = ", ".join(f"{name} {count}" for name, count in sorted(self.damage.items()))
        return (
            f"{self.frames} frames in {self.wall_s:.0f} s, {len(self.wrong)} wrong\n"
            f"damage: {sum(self.damage.values())} ({damage})\n"
            f"counted: {self.counts}\n"
            f"memory grown: {self.grown_kb[0]} KB here, {self.grown_kb[1]} KB there"
        )


def resident_kb(process: int | str) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_KB


def end(interpreter: str) -> list[str]:
    path = find_micropython("double").absolute() if interpreter == "micropython" else sys.executable
    return [str(path), "tests/kit/soak_end.py"]


def _until_interrupted(frames: int) -> Iterator[int]:
    """The numbers of the frames; Ctrl-C is held off until the present one is done."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        for number in range(frames):
            yield number
            if pressed:
                return
    finally:
        signal.signal(signal.SIGINT, before)


def soak(
    frames: int,
    seed: int = 1,
    interpreter: str = "cpython",
    rate: float = RATE,
    say: bool = False,
) -> Found:
    """So many frames, or until some answers were wrong; `rate` is the part that is damaged."""
    rng = Random(seed)
    samples = [[rng.randint(low, high) for _, _, low, high, *_ in INPUTS] for _ in range(SAMPLES)]
    process = Process(end(interpreter), source=ROOT)
    line = NoisyLine(process, seed, rate)
    chain, inputs, command, expected = Chain(), Inputs(), Command(0.0, 0.0), Outputs()
    wrong: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
    early = (0, 0)
    began = perf_counter()
    with Link(line, Settings(), resend_s=RESEND_S) as link:
        pid = process.pid
        for number in _until_interrupted(frames):
            inputs.load(samples[number % SAMPLES])
            command.run, command.hold = number & 3 == 0, number & 7
            command.kv, command.ma = number / 7.0, -1.0 / (number + 1)
            now_ms = 10 * number & MASK
            link.send(now_ms, inputs, command)
            chain.step(now_ms, inputs, expected, command)
            got = link.receive().values()
            if got != expected.values():
                wrong.append((number, expected.values(), got))
                if len(wrong) == KEEP_WRONG:
                    break
            if number == min(WARM, frames - 1):
                early = resident_kb("self"), resident_kb(pid)
            if say and number and number % SAY_EVERY == 0:
                now_kb = resident_kb("self") - early[0], resident_kb(pid) - early[1]
                took_s = perf_counter() - began
                print(f"{number} frames, {took_s:.0f} s, {now_kb} KB more", file=sys.stderr)
        grown = resident_kb("self") - early[0], resident_kb(pid) - early[1]
        line.rate = 0.0  # the last words are about what was before
        counts = link.ask_counts()
        return Found(
            counts.firmware["ticks"],
            wrong,
            dict(line.done),
            counts.summary(),
            grown,
            perf_counter() - began,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.soak")
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--end", choices=("cpython", "micropython"), default="cpython")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=RATE, help="damaged, in each direction")
    chosen = parser.parse_args()
    found = soak(chosen.frames, chosen.seed, chosen.end, chosen.rate, say=True)
    print(found)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
