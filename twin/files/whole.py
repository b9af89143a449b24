"""Write a file completely or not at all.

    with whole(path, "--out") as part:
        part.write_text(page)

`part` is a hidden file beside `path`. At the end of the block `part` is renamed to `path`. If an
exception ends the block (also Ctrl-C), `part` is removed, and an earlier file at `path` stays.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

from twin.files.errors import InputError

LONGEST_KEPT = 180  # bytes of the file's name in the name of its part, which may have 255 bytes
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole(path: Path, option: str = "", folders: bool = False) -> Iterator[Path]:
    """Give a hidden file to write, which becomes `path` at the end of the block.

    option  : command-line option that names the file, for the message
    folders : make missing folders

    Raises InputError in one line if the file can't be written.
    """
    try:
        target = plain_file(path)
        if folders:
            target.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(target)
        try:
            yield part
            put_in_place(part, target)
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        raise not_written(path, error, option) from None


def write_whole(path: Path, text: str, option: str = "", folders: bool = False) -> None:
    """Write a text as UTF-8; characters that UTF-8 can't hold, as in file names, are escaped."""
    with whole(path, option, folders) as part:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))


def part_of(path: Path) -> Path:
    """A name in the folder of `path` that no other process uses."""
    name = os.fsdecode(os.fsencode(path.name)[:LONGEST_KEPT])
    return path.with_name(f".{name}.{uuid4().hex}.part")


def put_in_place(part: Path, path: Path) -> None:
    """Rename a written file after its content is on the disk. Raises OSError."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # otherwise a power cut after the renaming leaves an empty file
    finally:
        os.close(descriptor)
    os.replace(part, path)


def check_writable(path: Path, option: str = "", folders: bool = False) -> None:
    """Raise InputError if `whole` with the same arguments would fail. For use before a run."""
    try:
        target = plain_file(path)
        parent = target.parent
        while folders and not _exists(parent):
            parent = parent.parent
        with TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise not_written(path, error, option) from None


def not_written(path: Path | str, error: OSError, option: str = "") -> InputError:
    """The error for a `path` that can't be written."""
    name = os.fspath(path)
    name = name if name.isprintable() else ascii(name)
    reason = error.strerror or str(error).split("\n")[0]
    advice = "name a file in a directory you can write"
    if error.errno in FULL:
        advice = "free some space, or name a file on another disk"
    elif error.errno == errno.ENOENT:
        advice = "make the directory, or name a file in another"
    elif error.errno == errno.EISDIR:
        advice = "name a file in it"
    return InputError(f"{f'{option} {name}'.strip()}: can't be written ({reason}); {advice}")


def plain_file(path: Path) -> Path:
    """The file at `path`, links followed. Raises OSError if this is not a plain file."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):  # renaming a file to /dev/null would replace the device
        raise OSError(errno.EINVAL, "not a plain file")
    return target


def _exists(path: Path) -> bool:
    """As Path.exists, but raises OSError if the folder can't be searched."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
