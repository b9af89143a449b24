"""An emulated Pico in a separate process, for any program that uses a serial port.

    python -m hil.pico.serve [--port N] [--files FOLDER] [--unit] [--rate R]
    python -m hil.pico.serve --pty

The first line printed is the port to open: socket://127.0.0.1:PORT, or the name of a
pseudo-terminal. FOLDER is the content of the board's file system. With --unit the board has the
chips of a unit, connected to the twin's plant. Idle time passes at R times the wall clock (default
1, the rate of mpremote's time limits); a busy processor takes about fifty times as long as the real
one. Ends at the end of its standard input, or on Ctrl-C.
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


class HostPort:
    """The host's end: bytes in and out, without waiting. `is_up`: True while a client is there."""

    url = ""

    def is_up(self) -> bool:
        raise NotImplementedError

    def descriptors(self) -> list[int]:
        """The descriptors to wait for."""
        raise NotImplementedError

    def read(self) -> bytes:
        raise NotImplementedError

    def write(self, data: bytes) -> int:
        raise NotImplementedError


class SocketPort(HostPort):
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


class PtyPort(HostPort):
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
            return len(data)  # a port without a reader drops its bytes


def serve(pico: EmulatedPico, wire: HostPort, rate: float = 1.0, ends: int | None = None) -> None:
    """Run the board and transfer its bytes, until the file descriptor `ends` is at its end."""
    while True:
        began_s = monotonic()
        if wire.is_up():
            pico.send(wire.read())
            if pico.received:
                del pico.received[: wire.write(bytes(pico.received))]
        else:
            pico.received.clear()  # dropped, as on USB without a client
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
    parser.add_argument("--port", type=int, default=0, help="TCP port on loopback; default: any")
    parser.add_argument("--pty", action="store_true", help="a pseudo-terminal, no socket")
    parser.add_argument("--files", type=Path, help="folder: content of the board's file system")
    parser.add_argument("--unit", action="store_true", help="with the chips of a unit")
    parser.add_argument("--rate", type=float, default=1.0, help="rate of idle time; default 1")
    given = parser.parse_args()
    files = files_in(given.files) if given.files else {}
    try:
        image = find_pico_image()
        pico = _unit(image, files) if given.unit else EmulatedPico(image, files)
        wire = PtyPort() if given.pty else SocketPort(given.port)
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
