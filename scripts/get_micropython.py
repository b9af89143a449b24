"""Provide the two MicroPython interpreters that the tests run the firmware on.

    .venv/bin/python scripts/get_micropython.py double   64-bit, double floats: prints its path
    .venv/bin/python scripts/get_micropython.py single   32-bit, single floats: prints its path
    .venv/bin/python scripts/get_micropython.py --check  lists the existing ones, provides nothing

"double" is the system's `micropython` if it is 1.24 or newer, else Debian 13's package with its
libraries, unpacked into the user's cache and started by its own loader. "single" has the
arithmetic of a microcontroller; it is built from Debian 13's source package. apt fetches both into
separate folders, with its signature and hash checks: the system is not changed and no root is
needed. The mirror is that of apt's configuration, or that in TUBETWIN_DEBIAN_MIRROR.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from hil.micropython.interpreters import VARIABLES, cached_micropython, find_micropython
from twin.files.errors import InputError

SUITE = "trixie"  # Debian 13
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
OLDEST = (1, 24)
PROBE = "import sys; print(sys.implementation.version[:2], sys.maxsize > 1 << 32, 1 / 3)"
EXPECTED = {"double": ("True", "0.3333333333333333"), "single": ("False", "0.3333333")}

WRAPPER = """\
#!/bin/sh
here=${{0%/*}}
exec "$here/{loader}" --library-path "$here/{libraries}" "$here/usr/bin/micropython" "$@"
"""

# apt reads this file first, so its own configuration files are left out; see private_apt.
APT_CONFIG = """\
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{folder}";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Debug::NoLocking "true";
"""

# asyncio and the rest of micropython-lib are not built in: the firmware uses none of it.
BUILD = (
    *("make", f"-j{os.cpu_count() or 1}", "STRIP=true", "FROZEN_MANIFEST="),
    *("MICROPY_FORCE_32BIT=1", "CFLAGS_EXTRA=-DMICROPY_FLOAT_IMPL=1 -Wno-error"),
    *("MICROPY_PY_SSL=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0", "MICROPY_PY_JNI=0"),
)


def say(line: str) -> None:
    print(f"[set-up] {line}", file=sys.stderr, flush=True)


def is_good(executable: str | os.PathLike[str], precision: str) -> bool:
    """True if the program runs, is new enough and calculates in the requested precision."""
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        answer = subprocess.run(
            [executable, "-c", PROBE], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        version, _, rest = answer.strip().lstrip("(").partition(") ")
        major, minor = version.split(", ")
        return (int(major), int(minor)) >= OLDEST and tuple(rest.split()) == EXPECTED[precision]
    return False


def run(*command: str | os.PathLike[str], cwd: pathlib.Path, config: str = "") -> str:
    """The output of a command. Raises InputError with its last lines if the command fails."""
    environ = {**os.environ, "LC_ALL": "C", **({"APT_CONFIG": config} if config else {})}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)
    if done.returncode:
        tail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise InputError(f"{command[0]} {command[1]} failed: {' | '.join(tail)}")
    return done.stdout


def debian_mirror() -> str:
    """The Debian mirror: the one named in the environment, else the first that apt uses."""
    named = os.environ.get("TUBETWIN_DEBIAN_MIRROR")
    if named:
        return named
    if not shutil.which("apt-get"):
        raise InputError("needs Debian's apt-get, or a MicroPython of your own (see README)")
    listing = run("apt-get", "indextargets", "--format", "$(SITE)", cwd=pathlib.Path("/"))
    for site in listing.split():
        if site.startswith("http") and site.rstrip("/").endswith("/debian"):
            return site
    raise InputError("apt has no Debian mirror: set TUBETWIN_DEBIAN_MIRROR to one")


def private_apt(folder: pathlib.Path, *kinds: str) -> str:
    """Set up apt for Debian 13 only inside a folder; returns the path of its configuration.

    kinds : "deb" for packages, "deb-src" for sources. The system's apt is not changed.
    """
    if not KEYRING.exists():
        raise InputError(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
    mirror = debian_mirror()
    source = "".join(f"{kind} [signed-by={KEYRING}] {mirror} {SUITE} main\n" for kind in kinds)
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(source)
    (folder / "status").touch()  # nothing is installed here, so every library comes along
    system = run("apt-config", "dump", cwd=folder).splitlines(keepends=True)
    proxies = [line for line in system if line.startswith("Acquire::http")]
    config = folder / "apt.conf"
    config.write_text(APT_CONFIG.format(folder=folder) + "".join(proxies))
    run("apt-get", "update", cwd=folder, config=str(config))
    return str(config)


def can_build_single() -> bool:
    """True if a compiler for 32-bit programs is installed."""
    if not (shutil.which("make") and shutil.which("gcc")):
        return False
    program = b'#include <stdio.h>\nint main(void) { return puts("") < 0; }\n'
    command = ["gcc", "-m32", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(command, input=program, capture_output=True).returncode == 0


def unpack_double(folder: pathlib.Path) -> pathlib.Path:
    """Debian 13's micropython with its libraries in a folder, started by a wrapper."""
    say("fetching Debian 13's micropython with its libraries")
    config = private_apt(folder, "deb")
    install = ("apt-get", "install", "--yes", "--download-only", "micropython")
    run(*install, cwd=folder, config=config)
    tree = folder / "tree"
    for package in sorted(folder.glob("archives/*.deb")):
        run("dpkg-deb", "--extract", package, tree, cwd=folder)
    loader = next(tree.glob("usr/lib/*/ld-linux-*.so.*")).relative_to(tree)
    wrapper = tree / "micropython"
    wrapper.write_text(WRAPPER.format(loader=loader, libraries=loader.parent))
    wrapper.chmod(0o755)
    return tree


def build_single(folder: pathlib.Path) -> pathlib.Path:
    """A 32-bit MicroPython with single floats, built from Debian 13's source package."""
    if not can_build_single():
        raise InputError("no compiler for 32-bit programs: apt-get install gcc-multilib make")
    say("fetching Debian 13's micropython source")
    config = private_apt(folder, "deb-src")
    run("apt-get", "source", "--download-only", "micropython", cwd=folder, config=config)
    with tarfile.open(next(folder.glob("*.orig.tar.*"))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
        archive.extractall(folder / "source")
    say("building it with 32 bits and single floats")
    port = next(folder.glob("source/*/ports/unix"))
    run(*BUILD, cwd=port)
    tree = folder / "tree"
    tree.mkdir()
    shutil.copy2(port / "build-standard/micropython", tree)
    return tree


PROVIDERS = {"double": unpack_double, "single": build_single}


def fill_cache(precision: str) -> None:
    """Put an interpreter into the cache if it has none; two processes wait for each other."""
    cached = cached_micropython(precision)
    cached.parent.mkdir(parents=True, exist_ok=True)
    with open(cached.parent.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_good(cached, precision):
            return
        with tempfile.TemporaryDirectory(prefix="tubetwin-") as folder:
            tree = PROVIDERS[precision](pathlib.Path(folder))
            shutil.rmtree(cached.parent)
            shutil.copytree(tree, cached.parent, symlinks=True)


def provide(precision: str) -> pathlib.Path:
    """A runnable interpreter of that precision: found, or else fetched or built."""
    if not os.environ.get(VARIABLES[precision]):
        system = shutil.which("micropython")
        if system and is_good(system, precision):
            return pathlib.Path(system)
        fill_cache(precision)
    found = find_micropython(precision)
    if not is_good(found, precision):
        raise InputError(f"{found} is not MicroPython 1.24 or newer with {precision} floats")
    return found


def check() -> int:
    """Print the path of each interpreter, or its error; returns the number of missing ones."""
    missing = 0
    for precision in PROVIDERS:
        try:
            system = shutil.which("micropython") or ""
            here = system if is_good(system, precision) else find_micropython(precision)
            print(f"{precision}: {here}")
        except InputError as error:
            missing += 1
            print(f"{precision}: {error}")
    return missing


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--check"]:
            return min(check(), 1)
        case ["double" | "single" as precision]:
            try:
                print(provide(precision))
            except InputError as error:
                say(f"failed: {error}")
                return 2
            return 0
    say("failed: give one of: double, single, --check")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
