"""A flash file system in memory whose errors are set by the test."""

import errno
import io
from typing import Any


class PowerCutError(BaseException):
    """Nothing catches it: the processor is gone."""


class Disk:
    """`open` is the built-in open.

    files     : contents by name
    power     : bytes that may still be written before the power is cut; None: as many as you like
    space     : the same before the flash is full
    deaf      : writes change nothing
    broken    : names of files that can't be read
    """

    def __init__(self, files: dict[str, bytes] | None = None):
        self.files = dict(files or {})
        self.power: int | None = None
        self.space: int | None = None
        self.deaf = False
        self.broken: set[str] = set()
        self.opened_to_write: list[str] = []

    def open(self, name: str, mode: str) -> Any:
        if mode == "rb":
            if name in self.broken:
                raise OSError(errno.EIO, "bad block")
            if name not in self.files:
                raise OSError(errno.ENOENT, "no such file")
            return io.BytesIO(self.files[name])
        assert mode == "wb"
        self.opened_to_write.append(name)
        return _Written(self, name)


class _Written:
    """A file opened to be written: empty from then on, and on the flash byte by byte."""

    def __init__(self, disk: Disk, name: str):
        self._disk = disk
        self._name = name
        if not disk.deaf:
            disk.files[name] = b""

    def write(self, data: bytes) -> int:
        disk = self._disk
        if disk.deaf:
            return len(data)
        for limit, what in ((disk.power, PowerCutError()), (disk.space, OSError(28, "full"))):
            if limit is not None and limit < len(data):
                disk.files[self._name] += data[:limit]
                raise what
        disk.files[self._name] += data
        return len(data)

    def flush(self) -> None:
        pass

    def __enter__(self) -> "_Written":
        return self

    def __exit__(self, *_: object) -> None:
        pass
