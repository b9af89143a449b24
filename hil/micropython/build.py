"""The identity of a firmware: a short hash over its source, the same on every target.

`tubetwin flash` compiles the hash into a board's entry module; a process gets it on its command
line. Both send it over the link as the answer to IDENTIFY (firmware/link/frame.py).
"""

import hashlib
from pathlib import Path

import firmware

FIRMWARE = Path(firmware.__file__).parent
DIGITS = 8


def source_hash(source: Path = FIRMWARE) -> str:
    """The first hexadecimal digits of SHA-256 over path and content of each module."""
    found = hashlib.sha256()
    for path in sorted(source.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{path.relative_to(source).as_posix()} {content}\n".encode())
    return found.hexdigest()[:DIGITS]


def source_in(build: str) -> str:
    """The hash of the source in the name of a build, see make_image() in hil/flash/image.py."""
    return build.partition("-")[0]
