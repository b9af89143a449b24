"""Child processes that serve a run, and the messages on their pipes.

The run is one busy Python process. An MQTT client or a broker runs in a separate process, so that
it never holds the interpreter lock of the run. POSIX only.
A multiprocessing pipe was measured (20 000 batches of 24 messages, spawn): start 45 ms against
28 ms here, sending 7.5 us a batch against 3.5 us. So these messages stay.
"""

import marshal
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_LENGTH_BYTES = 4


class ChildError(Exception):
    """A child process did not start, or did not answer in time."""


def start(
    module: str, question: Any, timeout_s: float
) -> tuple[subprocess.Popen[bytes], tuple[Any, ...]]:
    """Start `python -m module`, send it one object and wait for its answer.

    The child prints nothing on standard error and has a session of its own, so that Ctrl-C in the
    terminal does not reach it. The child ends when its standard input closes (see `orphaned`).
    Raises ChildError, and leaves no child behind, if the child does not start or answer.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "TUBETWIN_PARENT": str(os.getpid())},
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise ChildError(f"cannot start a process ({error.strerror})") from None
    try:
        return process, _ask(process, question, timeout_s)
    except BaseException:
        discard(process)
        raise


def _ask(process: subprocess.Popen[bytes], question: Any, timeout_s: float) -> tuple[Any, ...]:
    orders, answers = pipes(process)
    with suppress(BrokenPipeError):
        os.write(orders, frame(question))
    answered, _, _ = select.select([answers], [], [], timeout_s)
    if not answered:
        raise ChildError(f"no answer within {timeout_s:.0f} s")
    try:
        answer: tuple[Any, ...] = read_one(answers)
    except EOFError:
        raise ChildError("its process ended at once; set the program up again") from None
    return answer


def pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """The file descriptors of a child's standard input and standard output."""
    assert process.stdin is not None and process.stdout is not None
    return process.stdin.fileno(), process.stdout.fileno()


def discard(process: subprocess.Popen[bytes]) -> None:
    """Kill a child if it still runs, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def ignore_interrupt() -> None:
    """Ignore Ctrl-C. For the child: only the parent stops it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def orphaned() -> bool:
    """True if the parent has ended. For the child; another process may hold the pipe open."""
    return str(os.getppid()) != os.environ.get("TUBETWIN_PARENT")


def frame(thing: Any) -> bytes:
    """Encode one object of plain built-in types for a pipe.

    `marshal` takes half the time of `pickle`; both ends run the same interpreter.
    """
    body = marshal.dumps(thing)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def read_one(fd: int) -> Any:
    """Wait for exactly one object. Raises EOFError if the other end closes first."""

    def read(size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (more := os.read(fd, size - len(data))):
                raise EOFError("the pipe was closed")
            data += more
        return data

    return marshal.loads(read(int.from_bytes(read(_LENGTH_BYTES), "big")))


class Frames:
    """Decoder: takes bytes in pieces of any length, gives the complete objects."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH_BYTES:
            body = start + _LENGTH_BYTES
            end = body + int.from_bytes(buffer[start:body], "big")
            if len(buffer) < end:
                break
            yield marshal.loads(memoryview(buffer)[body:end].tobytes())
            start = end
        del buffer[:start]
