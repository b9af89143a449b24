"""Ways to a firmware: a process on a pty or on pipes, or a serial port. Bytes there, bytes back.

All of them have the methods of `Transport`. None waits longer than it is told to, and none
waits in a write: what does not fit is dropped, as a line would drop it, and comes again as the
link's business.
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
    """The other end is not there any more."""


class Transport(Protocol):
    """A stream of bytes to the firmware."""

    def write(self, data: bytes | bytearray, /) -> None:
        """Send what fits. GoneError if nobody is there."""

    def read(self, timeout_s: float, /) -> bytes:
        """What has come, b"" if nothing comes within the time. GoneError at the stream's end."""

    def story(self) -> str:
        """What else is known of the other end, to stand behind an error's words; may be empty."""

    def wait(self) -> None:
        """Give one that is about to end the time for it."""

    def close(self) -> None:
        """Let go of it, whatever it is doing."""


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

    Its standard input does not block, so that it reads what has come and no more.
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
        # Opened anew, it can refuse to block for reading alone.
        reader = os.open(os.ttyname(slave), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        return (master, master), (reader, slave)

    @staticmethod
    def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
        (reader, to), (came, writer) = os.pipe(), os.pipe()
        os.set_blocking(reader, False)
        return (came, to), (reader, writer)

    def story(self) -> str:
        """Its exit status, if it has ended, and the end of its standard error."""
        status = self._process.poll()
        story = "" if status is None else f", exit status {status}"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_TAIL_BYTES))
        said = self._stderr.read().decode(errors="replace").strip()
        return story + (f":\n{said}" if said else "")

    def wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_S)

    def kill(self) -> None:
        """End it at once, as a fault would."""
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
    """The unit at a pyserial URL, or at "auto", asked for the bench's frames.

    InputError if there is none, or if it refuses, as one does whose beam is on. When the session
    is over the unit goes back to its console by itself.
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
    """A serial port, open already: pyserial's, whatever its URL, called `name` in errors.

    pending : bytes that have been read from it before
    """

    def __init__(self, stream: Any, name: str, pending: bytes = b""):
        self.name = name
        self._stream = stream
        self._pending = pending
        self._quick: Descriptors | None = None
        with suppress(OSError, AttributeError, ValueError):  # not every URL has a descriptor
            number = stream.fileno()
            self._quick = Descriptors(number, number)

    def write(self, data: bytes | bytearray) -> None:
        if self._quick:
            self._quick.write(data)
            return
        try:
            self._stream.write(data)
        except OSError as error:
            raise GoneError(str(error)) from None

    def read(self, timeout_s: float) -> bytes:
        if self._pending:
            pending, self._pending = self._pending, b""
            return pending
        if self._quick:
            return self._quick.read(timeout_s)
        deadline_s = monotonic() + timeout_s
        try:
            self._stream.timeout = SLICE_S
            while True:
                chunk: bytes = self._stream.read(self._stream.in_waiting or 1)
                if chunk or monotonic() >= deadline_s:
                    return chunk
        except OSError as error:
            raise GoneError(str(error)) from None

    def story(self) -> str:
        return ""

    def wait(self) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()

    def __str__(self) -> str:
        return self.name
