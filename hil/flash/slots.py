"""The two slots on a board: the choice of the slot to write, and the order of the writes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hil.flash.board import RawPrompt
from hil.flash.image import MAIN, Image, blocks
from twin.files.errors import InputError

SLOTS = ("a", "b")
SPARE_BLOCKS = 4  # needed by the file system to replace a file
OURS = "`tubetwin flash`"  # contained in every main.py of this project
KEPT_AS = "main.before.py"


@dataclass(frozen=True)
class Ready:
    """The content of the file `ready` of a slot; number 0 if the slot is incomplete."""

    number: int = 0
    build: str = ""

    @classmethod
    def read(cls, text: str | None) -> "Ready":
        """Parse the text as hil/flash/on_device/main.py does."""
        words = (text or "").split()
        if len(words) == 3 and words[2] == "whole" and words[0].isdecimal():
            return cls(int(words[0]), words[1])
        return cls()

    def __str__(self) -> str:
        return f"{self.number} {self.build} whole\n"


def slot_to_write(ready: Mapping[str, Ready], running: str | None) -> str:
    """The slot that does not run; the older one if the running build is not known."""
    of_that_build = [slot for slot in SLOTS if running and ready[slot].build == running]
    in_force = max(of_that_build or SLOTS, key=lambda slot: ready[slot].number)
    if ready[in_force].number == 0:
        return SLOTS[0]
    return SLOTS[1 - SLOTS.index(in_force)]


class Install:
    """The installation of an image in a slot of a stopped board.

    running   : the build that ran, None if not known
    slot      : the slot that is written
    copied    : number of files that were not on the board before
    kept_as   : new name of a foreign main.py; "" if there was none
    switching : True as soon as either of the two firmwares may start
    """

    def __init__(
        self, line: RawPrompt, image: Image, block_bytes: int, free_blocks: int, running: str | None
    ):
        self.image = image
        self.copied = 0
        self.kept_as = ""
        self.switching = False
        self._line = line
        self._block_bytes = block_bytes
        self._free_blocks = free_blocks
        line.load()
        ready = {slot: Ready.read(line.text(f"{slot}/ready")) for slot in SLOTS}
        self.slot = slot_to_write(ready, running)
        newest = max(one.number for one in ready.values())
        self.ready = Ready(newest + 1, image.build)

    def copy(self, progress: Callable[[str, float], None]) -> None:
        """Write the files that differ, compare them on the board, and install main.py."""
        line, slot, image = self._line, self.slot, self.image
        there = line.tree(slot)
        self._expect_room({path: size for path, (size, _) in there.items()})
        line.run(f"remove({slot + '/ready'!r})\nsync()")
        for path in there:
            if path not in image.files:
                line.run(f"remove({f'{slot}/{path}'!r})")
        folders = tuple([slot, *(f"{slot}/{folder}" for folder in image.folders())])
        line.run(f"make_folders({folders!r})")
        missing = [
            path for path in image.files if there.get(path, ("", ""))[1] != image.digest(path)
        ]
        total = sum(len(image.files[path]) for path in missing)
        done = 0
        for path in missing:

            def written(count: int, before: int = done) -> None:
                progress("copying", (before + count) / total)

            line.write(f"{slot}/{path}", image.files[path], written)
            done += len(image.files[path])
        self.copied = len(missing)
        progress("checking", 1.0)
        line.run("sync()")
        found = line.digests([f"{slot}/{path}" for path in missing])
        differing = [
            p for p, digest in zip(missing, found, strict=True) if digest != image.digest(p)
        ]
        if differing:
            raise InputError(
                f"{line.url}: {slot}/{differing[0]} was damaged on the way to the board; "
                "try again with another cable"
            )
        self._install_main()

    def put_in_force(self) -> None:
        """Write the file `ready`, the last and smallest write."""
        self.switching = True
        path, content = f"{self.slot}/ready", str(self.ready).encode()
        self._write(path, content)

    def take_out_of_force(self, line: RawPrompt) -> None:
        line.run(f"remove({self.slot + '/ready'!r})\nsync()")

    def _expect_room(self, there: Mapping[str, int]) -> None:
        """Raises InputError, before any file is removed, if the flash is too small."""
        sizes = {path: len(content) for path, content in self.image.files.items()}
        need = blocks(sizes, self._block_bytes) + SPARE_BLOCKS
        # littlefs counts a shared block more than once, so free_blocks can be negative
        room = max(self._free_blocks, 0) + blocks(there, self._block_bytes)
        if need > room:
            need_kib, room_kib = (-(-n * self._block_bytes // 1024) for n in (need, room))
            raise InputError(
                f"{self._line.url}: the flash of the board is full: the firmware needs {need_kib} "
                f"KiB and {room_kib} KiB are free; remove your own files with `mpremote fs rm`"
            )

    def _install_main(self) -> None:
        """Write main.py under another name, then rename it, which is complete or has no effect."""
        line = self._line
        if line.digests(["main.py"]) == [_sha256(MAIN)]:
            return
        text = line.text("main.py")
        if text is not None and OURS not in text:
            line.run(f"os.rename('main.py', {KEPT_AS!r})")
            self.kept_as = KEPT_AS
        self._write("main.new", MAIN)
        line.run("os.rename('main.new', 'main.py')\nsync()")

    def _write(self, path: str, content: bytes) -> None:
        self._line.write(path, content)
        self._line.run("sync()")
        if self._line.digests([path]) != [_sha256(content)]:
            raise InputError(f"{self._line.url}: {path} reads back differently; try again")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
