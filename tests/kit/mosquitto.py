"""A Mosquitto process on a free loopback port, and a network line to it that can be cut."""

import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import threading
from contextlib import closing, suppress

import pytest


def tool(name: str) -> str:
    """The path of one of Mosquitto's programs; the test fails if there is none."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.fail(f"{name} is missing: install the Debian package mosquitto (scripts/test does)")
    return found


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Mosquitto:
    """One broker process, with its own configuration in `folder`."""

    def __init__(self, folder: pathlib.Path, configuration: str) -> None:
        self.folder = folder
        self.port = free_port()
        text = configuration.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        if "listener" not in text:
            text += f"listener {self.port} 127.0.0.1\n"
        text += f"user {getpass.getuser()}\nlog_dest stderr\n"
        (folder / "test.conf").write_text(text)
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [tool("mosquitto"), "-c", "test.conf"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        said = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            said.append(line)
            if " running" in line:
                break
        else:
            pytest.fail("mosquitto does not start:\n" + "".join(said))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Line:
    """A network line to a broker that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.up = True
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.up = False
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def mend(self, port: int) -> None:
        self.target, self.up = port, True

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    if not self.up:
                        raise ConnectionRefusedError
                    far = socket.create_connection(("127.0.0.1", self.target))
                except ConnectionRefusedError:
                    near.close()
                    continue
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
