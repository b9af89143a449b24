"""Provide the MicroPython image of a Raspberry Pi Pico that the emulated board boots.

    .venv/bin/python scripts/get_pico_image.py           prints its path
    .venv/bin/python scripts/get_pico_image.py --check   prints an existing path, provides nothing

The image is built from Debian 13's sources of MicroPython, Mbed TLS, the Pico SDK and TinyUSB,
fetched by apt with its signature and hash checks into a separate folder, and kept in the user's
cache. TUBETWIN_PICO_IMAGE names another image, for example one downloaded for the real board.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from get_micropython import private_apt, run, say
from hil.micropython.interpreters import cached_pico_image, find_pico_image
from twin.files.errors import InputError

TOOLS = ("cmake", "make", "arm-none-eabi-gcc", "arm-none-eabi-objcopy")
PACKAGES = {
    "cmake": "builds the Pico image of the emulated board",
    "make": "the same",
    "gcc-arm-none-eabi": "the same",
    "libnewlib-arm-none-eabi": "the same",
    "libstdc++-arm-none-eabi-newlib": "the same",
}
MANIFEST = 'freeze("$(PORT_DIR)/modules")\n'  # the firmware uses none of micropython-lib
UF2_FAMILY = "0xe48bff56"  # RP2040
FLASH_START = "0x10000000"


def can_build() -> bool:
    """True if a cross compiler with its libraries is installed."""
    if not all(map(shutil.which, TOOLS)):
        return False
    program = b"#include <stdio.h>\n#include <string>\n"
    command = ["arm-none-eabi-g++", "-mcpu=cortex-m0plus", "-mthumb", "-c"]
    command += ["-x", "c++", "-", "-o", os.devnull]
    return subprocess.run(command, input=program, capture_output=True).returncode == 0


def unpack(archive: pathlib.Path, into: pathlib.Path) -> pathlib.Path:
    """Unpack a source archive; returns its only folder."""
    with tarfile.open(archive) as content:
        content.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
        content.extractall(into)
    return next(into.iterdir())


def link(place: pathlib.Path, target: pathlib.Path) -> None:
    """Put a source tree where MicroPython expects its submodule."""
    if place.is_dir():
        shutil.rmtree(place)
    place.symlink_to(target)


def fetch(folder: pathlib.Path) -> pathlib.Path:
    """All sources, arranged as one tree of MicroPython; its folder."""
    config = private_apt(folder, "deb", "deb-src")
    run(
        *("apt-get", "source", "--download-only", "micropython", "mbedtls"),
        cwd=folder,
        config=config,
    )
    run("apt-get", "download", "pico-sdk-source", "tinyusb-source", cwd=folder, config=config)
    tree = unpack(next(folder.glob("micropython_*.orig.tar.*")), folder / "micropython")
    mbedtls = unpack(next(folder.glob("mbedtls_*.orig.tar.*")), folder / "mbedtls")
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", package, folder / "packages", cwd=folder)
    sources = folder / "packages/usr/src"
    link(tree / "lib/mbedtls", mbedtls)
    link(tree / "lib/pico-sdk", sources / "pico-sdk")
    link(tree / "lib/tinyusb", sources / "tinyusb")
    (tree / "lib/micropython-lib").mkdir(exist_ok=True)
    (tree / "lib/micropython-lib/README.md").touch()  # its absence would call for git
    return tree


def build(folder: pathlib.Path) -> pathlib.Path:
    """The image, freshly built."""
    if not can_build():
        missing = " ".join(PACKAGES)
        raise InputError(f"no compiler for the Pico: apt-get install {missing}")
    say("fetching Debian 13's sources of MicroPython and of the Pico SDK")
    tree = fetch(folder)
    say("building the Pico's MicroPython")
    manifest = folder / "manifest.py"
    manifest.write_text(MANIFEST)
    jobs = f"-j{os.cpu_count() or 1}"
    run("make", jobs, cwd=tree / "mpy-cross")
    port = tree / "ports/rp2"
    options = ["MICROPY_BOARD=RPI_PICO", "PICO_BUILD_DOCS=0", "PICO_NO_PICOTOOL=1"]
    options.append(f"MICROPY_FROZEN_MANIFEST={manifest}")
    run("cmake", "-S.", "-Bbuild", *[f"-D{option}" for option in options], cwd=port)
    run("cmake", "--build", "build", jobs, cwd=port)
    run(
        *("arm-none-eabi-objcopy", "-O", "binary", "firmware.elf", "firmware.bin"),
        cwd=port / "build",
    )
    image = folder / "pico.uf2"
    convert = (sys.executable, str(tree / "tools/uf2conv.py"), "-f", UF2_FAMILY, "-b", FLASH_START)
    run(*convert, "-c", "-o", image, "firmware.bin", cwd=port / "build")
    return image


def provide() -> pathlib.Path:
    """A usable image: the user's own, the cached one, or one built now."""
    cached = cached_pico_image()
    if not os.environ.get("TUBETWIN_PICO_IMAGE") and not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with open(cached.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two at once wait for each other
            if not cached.exists():
                with tempfile.TemporaryDirectory(prefix="tubetwin-") as name:
                    part = cached.with_suffix(".part")
                    shutil.copy2(build(pathlib.Path(name)), part)
                    part.replace(cached)
    return find_pico_image()


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case []:
                print(provide())
            case ["--check"]:
                print(find_pico_image())
            case _:
                raise InputError("give no argument or --check")
    except InputError as error:
        say(f"failed: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
