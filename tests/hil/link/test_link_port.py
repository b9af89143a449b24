"""The link over a serial port, as to a board: asked for at the console, which comes back after."""

import os
import socket
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware.controller import BEAM
from firmware.settings import Settings
from firmware.signals import Command, Inputs
from hil.link.link import Link, LinkError, Patience
from hil.link.real_time import RealTimeLink, RealTimeShadow
from hil.link.shadow import Shadow
from hil.link.transports import SerialLine, open_link
from hil.micropython.interpreters import find_micropython
from hil.unit.console import ConsoleClient, RefusedError, connect
from tests.kit.disk import Disk
from tests.kit.hosts import quick_settings, warm_world
from tests.kit.wires import Wire

ROOT = Path(__file__).resolve().parents[3]


def unit(folder: Path, stream: int) -> subprocess.Popen[bytes]:
    command = [str(find_micropython("double").absolute()), "tests/kit/link_unit.py", str(folder)]
    return subprocess.Popen(command, stdin=stream, stdout=stream, cwd=ROOT)


@contextmanager
def at_a_pty(folder: Path) -> Iterator[str]:
    board, port = os.openpty()
    tty.setraw(port)
    process = unit(folder, board)
    os.close(board)
    try:
        yield os.ttyname(port)
    finally:
        process.kill()
        process.wait()
        os.close(port)


@contextmanager
def at_a_socket(folder: Path) -> Iterator[str]:
    """As a network serial port has it: one client after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield_to = f"socket://127.0.0.1:{server.getsockname()[1]}"
        child = os.fork()
        if child == 0:  # pragma: no cover
            connection, _ = server.accept()
            os.dup2(connection.fileno(), 0)
            os.dup2(connection.fileno(), 1)
            os.chdir(ROOT)
            path = str(find_micropython("double").absolute())
            os.execv(path, [path, "tests/kit/link_unit.py", str(folder)])
        try:
            yield yield_to
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


WAYS = {"pty": at_a_pty, "socket": at_a_socket}


@pytest.mark.parametrize("way", WAYS)
def test_lockstep_over_a_port_is_the_same_to_the_count(way, tmp_path):
    settings = quick_settings()
    world = warm_world(settings)
    world.at(world.plant.now_ms + 500, lambda: setattr(world.command, "run", True))
    with WAYS[way](tmp_path) as url, Link(open_link(url), settings, world.outputs) as link:
        shadow = world.controller = Shadow(world.controller, link, peer_drives=True)
        world.run(world.plant.now_ms + 4000)
        assert (shadow.first, shadow.ticks) == (None, 400)
        counts = link.ask_counts()
        assert counts.clean and counts.resent == counts.firmware["corrupt"] == 0


def test_after_the_session_the_console_answers_again_and_another_session_may_begin(tmp_path):
    with at_a_pty(tmp_path) as url:
        for _ in range(2):
            with Link(open_link(url), Settings()) as link:
                link.exchange(0, Inputs(), Command(50.0, 0.98))
                link.hang_up()
            with connect(url) as console:
                assert console.about["board"] == "none"


def test_a_host_that_has_gone_without_a_word_leaves_a_unit_that_finds_back_by_itself(tmp_path):
    with at_a_pty(tmp_path) as url:
        link = Link(open_link(url), Settings(), silence_ms=300)
        with pytest.raises(LinkError, match="has ended, in the safe state"):
            while True:  # the unit is told nothing
                link._listen(Patience(10.0, 10.0))
        link.close()
        with connect(url) as console:
            assert console.about["board"] == "none"


def test_real_time_over_a_port_is_the_same_to_the_count(tmp_path):
    settings = quick_settings()
    world = warm_world(settings)
    world.at(world.plant.now_ms + 200, lambda: setattr(world.command, "run", True))
    with at_a_pty(tmp_path) as url:
        port = open_link(url)
        with RealTimeLink(port, settings, world.outputs, now_ms=world.plant.now_ms) as link:
            shadow = world.controller = RealTimeShadow(world.controller, link, peer_drives=True)
            world.run(world.plant.now_ms + 1500)
            assert shadow.first is None
            counts = link.ask_counts().firmware
            assert counts["ticks"] + counts["missed"] > 100


def test_a_unit_that_refuses_says_why():
    wire = Wire(Disk())
    with ConsoleClient(wire, "the port", now_s=wire.now_s) as console:
        wire.bench.controller.condition = BEAM
        with pytest.raises(RefusedError, match=r"the port: .*beam"):
            console.link()


def test_a_port_that_is_unplugged_is_an_error_and_no_hang(tmp_path):
    with at_a_pty(tmp_path) as url:
        link = Link(open_link(url), Settings(), timeout_s=2.0)
    with link, pytest.raises(LinkError, match=r"is gone|no answer within 2 s"):
        link.exchange(0, Inputs(), Command(50.0, 0.98))


class Slow:
    """A pyserial stream without a descriptor, such as rfc2217:// has."""

    def __init__(self) -> None:
        self.timeout = 1.0
        self.bytes = b""

    @property
    def in_waiting(self) -> int:
        return len(self.bytes)

    def read(self, size: int = 1) -> bytes:
        got, self.bytes = self.bytes[:size], self.bytes[size:]
        return got

    def write(self, data: bytes) -> None:
        self.bytes += data

    def close(self) -> None:
        self.bytes = b""


def test_a_port_without_a_descriptor_is_read_in_slices():
    port = SerialLine(Slow(), "rfc2217://there:1", b"before")
    port.write(b"after")
    assert [port.read(0.1), port.read(0.1), port.read(0.0)] == [b"before", b"after", b""]
