"""Set up the project's environment in .venv; only Python 3.11 or newer is needed.

    python3 scripts/bootstrap.py run               the packages of the program
    python3 scripts/bootstrap.py dev               also those of its tests, and in .venv/stubs the
                                                   type stubs of MicroPython's ports, for mypy
    python3 scripts/bootstrap.py lock [--upgrade]  refresh the lock files from pyproject.toml

Neither pip nor venv is needed: one pinned wheel of uv is fetched from the package index that pip
is configured to use, checked against its SHA-256 and kept in the user's cache; uv then makes .venv
with this interpreter and installs the locked packages, each checked against its hashes. All
messages go to standard error. Exit status 2: an error, with its reason in one line.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping

from fetch_uv import DEFAULT_INDEX, SetupError, pip_config_files, pip_setting, provide_uv, say

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCKS = {
    "run": "requirements.txt",
    "dev": "requirements-dev.txt",
    "stubs": "requirements-stubs.txt",
}
PARTS = {"run": ("run",), "dev": ("run", "dev", "stubs")}
REFRESH = "python3 scripts/bootstrap.py lock"
# Type stubs of the ports of MicroPython with a board in firmware/boards. Those before 1.28 lack
# what the ports have long had: I2C's time-out and PWM's inversion.
PORTS = ("esp32", "rp2", "stm32")
STUBS = [f"micropython-{port}-stubs==1.28.*" for port in PORTS]


def base_python() -> str:
    """This interpreter, or the one it was made from when it is a virtual environment's."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def fingerprint(root: pathlib.Path, what: str, version: tuple[int, int]) -> str:
    """A hash over the inputs of the environment: any change of them gives another fingerprint."""
    digest = hashlib.sha256(f"{root} {version} {what}".encode())
    for name in ("pyproject.toml", LOCKS[what], "scripts/bootstrap.py", "scripts/fetch_uv.py"):
        digest.update(hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def stamp(root: pathlib.Path, what: str) -> pathlib.Path:
    """The file with the fingerprint of the last successful set-up."""
    return root / ".venv" / f"tubetwin-{what}.stamp"


def is_ready(root: pathlib.Path, what: str, version: tuple[int, int]) -> bool:
    """True if the environment exists and its inputs have not changed."""
    path = stamp(root, what)
    if not (path.exists() and python_of(root, version).exists()):
        return False
    return path.read_text() == fingerprint(root, what, version)


def python_of(root: pathlib.Path, version: tuple[int, int]) -> pathlib.Path:
    return root / ".venv/bin" / f"python{version[0]}.{version[1]}"


class Uv:
    """The pinned uv, run on this project with pip's index and certificates."""

    def __init__(self, environ: Mapping[str, str]):
        files = pip_config_files(environ, pathlib.Path.home())
        index = pip_setting("index-url", environ, files) or DEFAULT_INDEX
        certificates = pip_setting("cert", environ, files)
        self.path = provide_uv(index, certificates)
        self.environ = {
            **environ,
            "UV_DEFAULT_INDEX": index,
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_SYSTEM_CERTS": "1",
        }
        if certificates:
            self.environ["SSL_CERT_FILE"] = certificates

    def __call__(self, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(
            [self.path, *arguments],
            cwd=ROOT,
            env=self.environ,
            input=stdin.encode(),
            stdout=sys.stderr.fileno(),
        )
        if done.returncode:
            raise SetupError(f"uv {' '.join(arguments[:2])} failed: see its message above")


def install(what: str) -> None:
    """Make .venv hold the locked packages and the project itself, if it does not yet."""
    version = sys.version_info[:2]
    with open(ROOT / "pyproject.toml") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two set-ups at once wait for each other
        if all(is_ready(ROOT, part, version) for part in PARTS[what]):
            return
        started = time.monotonic()
        uv = Uv(os.environ)
        if not python_of(ROOT, version).exists():
            say(f"making .venv with Python {version[0]}.{version[1]} ({base_python()})")
            uv("venv", "--quiet", "--clear", "--python", base_python(), ".venv")
        for part in PARTS[what]:
            stamp(ROOT, part).unlink(missing_ok=True)
        say(f"installing the packages of {LOCKS[what]} into .venv")
        into = ("--python", ".venv/bin/python")
        uv("pip", "install", *into, "--require-hashes", "-r", LOCKS[what])
        project = ("--quiet", "--no-deps", "--no-build-isolation", "--editable", ".")
        uv("pip", "install", *into, *project)
        if "stubs" in PARTS[what]:
            install_stubs(uv)
        for part in PARTS[what]:
            stamp(ROOT, part).write_text(fingerprint(ROOT, part, version))
        say(f"done in {time.monotonic() - started:.1f} s")


def install_stubs(uv: Uv) -> None:
    """One folder for each port: in site-packages they would hide Python's own modules."""
    lock = (ROOT / LOCKS["stubs"]).read_text()
    for port in PORTS:
        pinned = re.search(rf"^micropython-{port}-stubs==\S+", lock, re.M)
        if not pinned:
            raise SetupError(f"{LOCKS['stubs']} lacks the port {port}: {REFRESH}")
        folder = f".venv/stubs/{port}"
        shutil.rmtree(ROOT / folder, ignore_errors=True)
        into = ("--python", ".venv/bin/python", "--target", folder, "--require-hashes")
        uv("pip", "install", "--quiet", *into, "--constraints", LOCKS["stubs"], pinned[0])


def lock(*options: str) -> None:
    """Write the lock files: exact versions with hashes for every Python from 3.11 on, no host."""
    uv = Uv(os.environ)
    common = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-build"]
    common += ["--generate-hashes", "--custom-compile-command", REFRESH]
    common += ["--python", base_python(), *options]
    ours = [*common, "pyproject.toml", "--group", "build"]
    uv(*ours, "--output-file", LOCKS["run"])
    uv(*ours, "--output-file", LOCKS["dev"], "--group", "dev", "--constraints", LOCKS["run"])
    stubs = [*common, "-", "--no-annotate", "--output-file", LOCKS["stubs"]]
    uv(*stubs, stdin="\n".join(STUBS))
    say(f"wrote {', '.join(LOCKS.values())}")


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["run" | "dev" as what]:
                install(what)
            case ["lock", *options] if set(options) <= {"--upgrade"}:
                lock(*options)
            case _:
                raise SetupError("give one of: run, dev, lock, lock --upgrade")
    except (SetupError, OSError) as error:
        say(f"failed: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
