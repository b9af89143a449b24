"""Transports of bytes to a firmware: a process on a pty or on pipes, or a serial port.

All have the methods of `Transport`. A read waits at most its time limit. A write never waits:
bytes that do not fit are dropped, as on a serial line, and the link sends the frame again.
"""

import os
import select
import subprocess
import tempfile
import tty
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import firmware

CHUNK_BYTES = 4096
STDERR_TAIL_BYTES = 2000
EXIT_S = 2.0  # for a process that has closed its line to end
SLICE_S = 0.01  # of one read of a port that can't be polled
SOURCE = Path(firmware.__file__).resolve().parents[1]


class GoneError(Exception):
    """The other end has closed the line."""


class Transport(Protocol):
    """A stream of bytes to the firmware."""

    def write(self, data: bytes | bytearray, /) -> None:
        """Send as many bytes as fit. Raises GoneError if the other end is closed."""

    def read(self, timeout_s: float, /) -> bytes:
        """The bytes received, b"" after the time limit. Raises GoneError at the stream's end."""

    def description(self) -> str:
        """More about the other end, to follow the text of an error; may be empty."""

    def wait(self) -> None:
        """Wait for the end of a process that is about to end."""

    def close(self) -> None:
        """Close the line and end the process, in any state."""


class Descriptors:
    """Reading and writing file descriptors without ever waiting in a write."""

    def __init__(self, read_from: int, write_to: int):
        self._from = read_from
        self._to = write_to
        os.set_blocking(write_to, False)
        self._poll = select.poll()
        self._poll.register(read_from, select.POLLIN)

    def write(self, data: bytes | bytearray) -> None:
        try:
            os.write(self._to, data)
        except BlockingIOError:
            pass  # the line is full: this frame is lost on it
        except OSError as error:
            raise GoneError(error.strerror or str(error)) from None

    def read(self, timeout_s: float) -> bytes:
        if not self._poll.poll(max(0.0, 1000.0 * timeout_s)):
            return b""
        try:
            chunk = os.read(self._from, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:  # a pty whose other end has been closed
            raise GoneError(error.strerror or str(error)) from None
        if not chunk:
            raise GoneError("end of the line")
        return chunk


class Process(Descriptors):
    """A program whose standard streams are the line: a pty, or pipes.

    source : folder that holds the firmware package, where both Pythons look first

    Its standard input does not block, so that a read returns the bytes received so far.
    """

    def __init__(self, command: Sequence[str], pty: bool = True, source: Path = SOURCE):
        self.command = list(command)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        here, there = self._pty() if pty else self._pipes()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=there[0],
                stdout=there[1],
                stderr=self._stderr,
                cwd=source,
                start_new_session=True,  # Ctrl-C is for the host, which ends the session
            )
        except BaseException:
            self._stderr.close()
            for descriptor in {*here}:
                os.close(descriptor)
            raise
        finally:
            for descriptor in there:
                os.close(descriptor)
        super().__init__(*here)
        self._open = {*here}

    @property
    def pid(self) -> int:
        return self._process.pid

    @staticmethod
    def _pty() -> tuple[tuple[int, int], tuple[int, int]]:
        master, slave = os.openpty()
        tty.setraw(slave)
        # A second descriptor, so that only reading is non-blocking.
        reader = os.open(os.ttyname(slave), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        return (master, master), (reader, slave)

    @staticmethod
    def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
        (reader, to), (came, writer) = os.pipe(), os.pipe()
        os.set_blocking(reader, False)
        return (came, to), (reader, writer)

    def description(self) -> str:
        """Its exit status, if it has ended, and the end of its standard error."""
        status = self._process.poll()
        ended = "" if status is None else f", exit status {status}"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_TAIL_BYTES))
        printed = self._stderr.read().decode(errors="replace").strip()
        return ended + (f":\n{printed}" if printed else "")

    def wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_S)

    def kill(self) -> None:
        """End the process at once, as a crash does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        for descriptor in self._open:
            os.close(descriptor)
        self._open = set()
        self._stderr.close()

    def __str__(self) -> str:
        return " ".join(self.command)


def open_link(url: str) -> "SerialLine":
    """The unit at a pyserial URL, or at "auto", switched from its console to wire frames.

    Raises InputError if no unit answers, or if it refuses because its beam is on. At the end of the
    session the unit returns to its console.
    """
    from hil.unit.console import connect

    unit = connect(url)
    try:
        stream, pending = unit.link()
    except BaseException:
        unit.close()
        raise
    return SerialLine(stream, unit.name, pending)


class SerialLine:
    """An open serial port of pyserial, with any URL, named `name` in errors.

    pending : bytes that were read from it before
    """

    def __init__(self, stream: Any, name: str, pending: bytes = b""):
        self.name = name
        self._stream = stream
        self._pending = pending
        self._descriptors: Descriptors | None = None
        with suppress(OSError, AttributeError, ValueError):  # not every URL has a descriptor
            number = stream.fileno()
            self._descriptors = Descriptors(number, number)

    def write(self, data: bytes | bytearray) -> None:
        if self._descriptors:
            self._descriptors.write(data)
            return
        try:
            self._stream.write(data)
        except OSError as error:
            raise GoneError(str(error)) from None

    def read(self, timeout_s: float) -> bytes:
        if self._pending:
            pending, self._pending = self._pending, b""
            return pending
        if self._descriptors:
            return self._descriptors.read(timeout_s)
        deadline_s = monotonic() + timeout_s
        try:
            self._stream.timeout = SLICE_S
            while True:
                chunk: bytes = self._stream.read(self._stream.in_waiting or 1)
                if chunk or monotonic() >= deadline_s:
                    return chunk
        except OSError as error:
            raise GoneError(str(error)) from None

    def description(self) -> str:
        return ""

    def wait(self) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()

    def __str__(self) -> str:
        return self.name
