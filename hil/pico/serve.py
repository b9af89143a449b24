"""An emulated Pico in a process of its own, for whatever speaks to a serial port.

    python -m hil.pico.serve [--port N] [--files FOLDER] [--unit] [--rate R]
    python -m hil.pico.serve --pty

The first line printed is what to open: socket://127.0.0.1:PORT, or the name of a pseudo-terminal.
FOLDER is what is on the board's file system. With --unit the chips of a unit are around it, on the
twin's plant. Idle time passes at R times the wall clock (default 1, so that mpremote's time limits
mean what they say); a busy processor takes some fifty times as long as the real one. Ends when its
standard input does, or by Ctrl-C.
"""

import argparse
import os
import select
import socket
import sys
import tty
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

from hil.micropython.interpreters import find_pico_image
from hil.pico.emulated import EmulatedPico
from twin.files.errors import InputError

STEP_MS = 2
CHUNK_BYTES = 1024


class Wire:
    """The host's end: bytes in and out, never a wait. `is_up` is False while nobody is there."""

    url = ""

    def is_up(self) -> bool:
        raise NotImplementedError

    def descriptors(self) -> list[int]:
        """What is worth waking up for."""
        raise NotImplementedError

    def read(self) -> bytes:
        raise NotImplementedError

    def write(self, data: bytes) -> int:
        raise NotImplementedError


class SocketWire(Wire):
    """One connection at a time, on loopback."""

    def __init__(self, port: int = 0):
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self._connection: socket.socket | None = None
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def is_up(self) -> bool:
        if self._connection is None:
            with suppress(BlockingIOError):
                self._connection = self._listener.accept()[0]
                self._connection.setblocking(False)
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection is not None

    def descriptors(self) -> list[int]:
        return [(self._connection or self._listener).fileno()]

    def read(self) -> bytes:
        assert self._connection
        try:
            data = self._connection.recv(CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def write(self, data: bytes) -> int:
        if self._connection is None:
            return len(data)
        try:
            return self._connection.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._hang_up()
            return len(data)

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


class PtyWire(Wire):
    """A pseudo-terminal, which is always up."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._slave)

    def is_up(self) -> bool:
        return True

    def descriptors(self) -> list[int]:
        return [self._master]

    def read(self) -> bytes:
        with suppress(BlockingIOError):
            return os.read(self._master, CHUNK_BYTES)
        return b""

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return len(data)  # nobody reads, and a port without a reader drops what it has


def serve(pico: EmulatedPico, wire: Wire, rate: float = 1.0, ends: int | None = None) -> None:
    """Let the board run and carry its bytes, until the file descriptor `ends` is at its end."""
    while True:
        began_s = monotonic()
        if wire.is_up():
            pico.send(wire.read())
            if pico.received:
                del pico.received[: wire.write(bytes(pico.received))]
        else:
            pico.received.clear()  # as on USB, nobody hears it
        pico.run(STEP_MS)
        idle_s = began_s + 0.001 * STEP_MS / rate - monotonic()
        watched = wire.descriptors() + ([] if ends is None else [ends])
        wait_s = 0.0 if pico.received else max(0.0, idle_s)
        ready, _, _ = select.select(watched, [], [], wait_s)
        if ends is not None and ends in ready and not os.read(ends, CHUNK_BYTES):
            return


def files_in(folder: Path) -> Mapping[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.pico.serve")
    parser.add_argument("--port", type=int, default=0, help="on loopback; default: any")
    parser.add_argument("--pty", action="store_true", help="a pseudo-terminal, no socket")
    parser.add_argument("--files", type=Path, help="folder: what is on the board")
    parser.add_argument("--unit", action="store_true", help="with the chips of a unit around it")
    parser.add_argument("--rate", type=float, default=1.0, help="of idle time; default 1")
    given = parser.parse_args()
    files = files_in(given.files) if given.files else {}
    try:
        image = find_pico_image()
        pico = _unit(image, files) if given.unit else EmulatedPico(image, files)
        wire = PtyWire() if given.pty else SocketWire(given.port)
    except (InputError, OSError) as error:
        print(f"serve_pico: {error}", file=sys.stderr)
        return 2
    print(wire.url, flush=True)
    with suppress(KeyboardInterrupt):
        serve(pico, wire, given.rate, sys.stdin.fileno())
    return 0


def _unit(image: Path, files: Mapping[str, bytes]) -> EmulatedPico:
    from hil.pico.unit import PicoUnit
    from twin.plant.plant import Plant
    from twin.scenarios.scenario import load_scenario
    from twin.tube.tube import DEFAULT_TUBE, load_tube

    scenario = load_scenario("ramp")
    plant = Plant(load_tube(DEFAULT_TUBE)[1], scenario.room(), scenario.air_path_cm, 1)
    return PicoUnit(image, files, plant).pico


if __name__ == "__main__":
    sys.exit(main())
