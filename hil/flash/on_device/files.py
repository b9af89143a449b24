"""File functions that `tubetwin flash` defines on the board."""

import os
from binascii import a2b_base64 as raw  # noqa: F401, the host's commands use it
from binascii import hexlify
from hashlib import sha256

FOLDER = 0x4000
PIECE = memoryview(bytearray(512))


def digest(path: str) -> str:
    """SHA-256 of a file; "" if the file does not exist."""
    seen = sha256()
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(PIECE)
                if not count:
                    return hexlify(seen.digest()).decode()
                seen.update(PIECE[:count])
    except OSError:
        return ""


def tree(folder: str, below: str = "") -> list[tuple[str, int, str]]:
    """(path below the folder, bytes, SHA-256) of each file; empty if there is no such folder."""
    found: list[tuple[str, int, str]] = []
    try:
        entries = list(os.ilistdir(folder + "/" + below))  # type: ignore[attr-defined]
    except OSError:
        return found
    for name, kind, _, size in entries:
        if kind & FOLDER:
            found.extend(tree(folder, below + name + "/"))
        else:
            found.append((below + name, size, digest(folder + "/" + below + name)))
    return found


def is_there(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def remove(path: str) -> None:
    """Remove a file, if it exists."""
    if is_there(path):
        os.remove(path)


def make_folders(paths: tuple[str, ...]) -> None:
    """Make the missing folders, in this order."""
    for path in paths:
        if not is_there(path):
            os.mkdir(path)


def sync() -> None:
    """Write the buffered data of a port to its flash."""
    if hasattr(os, "sync"):
        os.sync()
