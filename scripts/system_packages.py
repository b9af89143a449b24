"""Install the Debian packages that the tests need: as root by apt, else print their names.

.venv/bin/python scripts/system_packages.py
"""

import os
import shutil
import subprocess
import sys

from get_micropython import KEYRING, can_build_single, is_good, say
from get_pico_image import PACKAGES, can_build
from hil.micropython.interpreters import find_micropython, find_pico_image
from twin.files.errors import InputError

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on every user's PATH


def has_interpreter(precision: str) -> bool:
    try:
        return is_good(find_micropython(precision), precision)
    except InputError:
        return False


def has_pico_image() -> bool:
    try:
        return find_pico_image().is_file()
    except InputError:
        return False


def missing_packages() -> dict[str, str]:
    """The missing Debian packages, each with its purpose."""
    missing = {}
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    if not shutil.which("mosquitto", path=path):
        missing["mosquitto"] = "the MQTT broker of the telemetry tests"
    if not has_interpreter("single") and not can_build_single():
        missing["gcc-multilib"] = "builds the 32-bit MicroPython of the firmware tests"
        missing["make"] = "the same"
    if not has_pico_image() and not can_build():
        missing.update(PACKAGES)
    provided = has_interpreter("single") and has_interpreter("double") and has_pico_image()
    if not provided and not KEYRING.exists():
        missing["debian-archive-keyring"] = "checks Debian's MicroPython packages"
    return missing


def install(packages: list[str]) -> None:
    """Install Debian packages; apt's output goes to standard error."""
    options = ("-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", *options, *command], env=environ, stdout=sys.stderr.fileno(), check=True
        )
    if "mosquitto" in packages and shutil.which("service"):
        # The package starts a broker of its own, which nothing here uses.
        subprocess.run(["service", "mosquitto", "stop"], capture_output=True, check=False)


def main() -> int:
    missing = missing_packages()
    if not missing:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing with apt: {' '.join(missing)}")
        try:
            install(list(missing))
        except subprocess.CalledProcessError as error:
            say(f"failed: {' '.join(error.cmd)}: see its message above")
            return 2
        missing = missing_packages()
    for package, purpose in missing.items():
        say(f"missing: {package} ({purpose}): sudo apt-get install {package}")
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
