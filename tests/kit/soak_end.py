"""The firmware's end of the soak, for CPython and MicroPython: its outputs depend on every received
frame.

    micropython tests/kit/soak_end.py

One wrong value, one tick too many or too few, and every output from there on is another.
"""

import struct
import sys
from binascii import crc32

if __name__ == "__main__":
    sys.path.insert(0, ".")

from firmware.link.frame import pack_step


class Chain:
    """A controller without a tube: a check sum over every input and command since the start."""

    def __init__(self):
        self.last_ms = None
        self.sum = 0

    def step(self, now_ms, inputs, outputs, command):
        self.sum = crc32(struct.pack("<I", now_ms) + pack_step(inputs, command), self.sum)
        bits = self.sum
        outputs.load(
            (
                bits & 1,
                bits >> 1 & 1,
                bits & 0xFFF,
                bits >> 8 & 0xFFF,
                bits >> 16 & 0xFFF,
                bits >> 16,
                bits >> 4 & 7,
                bits >> 27,
            )
        )

    def state(self):
        return {"sum": self.sum}


def main():
    from firmware.link.serve import SILENCE_MS, begin, parts, prepare, session_over
    from firmware.loop import run
    from firmware.settings import Settings
    from firmware.signals import Outputs
    from firmware.streams import standard_streams

    session, outputs = session_over(standard_streams(), SILENCE_MS), Outputs()
    chain = Chain()
    start = prepare(session, Settings(), outputs)
    if start:
        board, clock = parts(session, start[0], outputs)
        begin(session, clock, chain, outputs)
        run(board, chain, board.command, clock, outputs=outputs)


if __name__ == "__main__":
    main()
