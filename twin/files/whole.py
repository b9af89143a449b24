"""Files that are written whole or not at all.

    with whole(path, "--out") as part:
        part.write_text(page)

`part` is a hidden file beside `path`. At the end of the block it gets the name `path`. If an
exception ends the block, Ctrl-C included, it is removed, and an earlier file at `path` stays.
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

LONGEST_KEPT = 180  # bytes of the file's name in its part's: 255 are the most a name may have
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole(path: Path, option: str = "", folders: bool = False) -> Iterator[Path]:
    """A hidden file to write, which becomes `path`. InputError in one line if it can't be written.

    option  : of the command line that names the file, for the message
    folders : make the folders that are not there
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
    """Write a text as UTF-8; what UTF-8 can't hold, such as a file's name, as an escape."""
    with whole(path, option, folders) as part:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))


def part_of(path: Path) -> Path:
    """A name beside `path` that no other process uses."""
    name = os.fsdecode(os.fsencode(path.name)[:LONGEST_KEPT])
    return path.with_name(f".{name}.{uuid4().hex}.part")


def put_in_place(part: Path, path: Path) -> None:
    """Give a written file its name, once its content is on the disk. Raises OSError."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # or a power cut after the renaming leaves an empty file
    finally:
        os.close(descriptor)
    os.replace(part, path)


def check_writable(path: Path, option: str = "", folders: bool = False) -> None:
    """InputError, before anything has run, if `whole` with the same arguments would fail."""
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
    """What the user reads where `path` can't be written."""
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
    """The file that `path` means, links followed. OSError if something else stands there."""
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
    """Path.exists, but OSError where that can't be known."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
