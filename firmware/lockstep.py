"""Entry point of the lockstep: one answer to each frame, on the standard streams.

    micropython -m firmware.lockstep [SILENCE_MS]

Settings and the outputs held at the start come first, then a frame for every tick. When the other
end closes the stream, or says nothing for SILENCE_MS, the safe state is the last answer.
"""

import select
import sys

from firmware.boards.link import Link
from firmware.controller import Controller
from firmware.main import run
from firmware.settings import Settings
from firmware.signals import Outputs

SILENCE_MS = 60000


def serve(link) -> None:
    """Run the firmware on this link until the other end is gone."""
    settings = Settings()
    outputs = Outputs()
    if link.prepare(settings, outputs):
        run(link, Controller(settings), link.command, link, outputs=outputs)


def standard_streams(silence_ms: int) -> Link:
    """The link over standard input and output."""
    reader = sys.stdin.buffer
    writer = sys.stdout.buffer
    reader = getattr(reader, "raw", reader)  # CPython's buffer would hide bytes from the poll
    writer = getattr(writer, "raw", writer)
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    return Link(reader, writer, lambda: len(poll.poll(silence_ms)) > 0)


if __name__ == "__main__":
    serve(standard_streams(int(sys.argv[1]) if len(sys.argv) > 1 else SILENCE_MS))
