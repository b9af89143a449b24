"""The two slots on a board: which one is to be written, and the order in which it is."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hil.flash.board import BoardLine
from hil.flash.image import MAIN, Image, blocks
from twin.files.errors import InputError

SLOTS = ("a", "b")
SPARE_BLOCKS = 4  # what a file system needs to replace a file
OURS = "`tubetwin flash`"  # stands in every main.py that came from here
KEPT_AS = "main.before.py"


@dataclass(frozen=True)
class Ready:
    """What stands in the file `ready` of a slot; number 0 if it is not whole."""

    number: int = 0
    build: str = ""

    @classmethod
    def read(cls, text: str | None) -> "Ready":
        """As hil/flash/on_device/main.py reads it."""
        words = (text or "").split()
        if len(words) == 3 and words[2] == "whole" and words[0].isdecimal():
            return cls(int(words[0]), words[1])
        return cls()

    def __str__(self) -> str:
        return f"{self.number} {self.build} whole\n"


def slot_to_write(ready: Mapping[str, Ready], running: str | None) -> str:
    """The one that does not run; as far as that is not known, the older one."""
    of_that_build = [slot for slot in SLOTS if running and ready[slot].build == running]
    in_force = max(of_that_build or SLOTS, key=lambda slot: ready[slot].number)
    if ready[in_force].number == 0:
        return SLOTS[0]
    return SLOTS[1 - SLOTS.index(in_force)]


class Install:
    """Puts an image into a slot of a stopped board.

    running   : the build that ran, None if that is not known
    slot      : where it goes
    copied    : files that were not there yet
    kept_as   : what somebody else's main.py is called now; "" if there was none
    switching : from here on it is not sure which of the two firmwares starts
    """

    def __init__(
        self, line: BoardLine, image: Image, block_bytes: int, free_blocks: int, running: str | None
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
        """Write what is not there, read all of it back, and see that main.py can start it."""
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
                f"{line.url}: {slot}/{differing[0]} is not on the board as it was sent; "
                "try again, with another cable"
            )
        self._install_main()

    def put_in_force(self) -> None:
        """The last, tiny write."""
        self.switching = True
        path, content = f"{self.slot}/ready", str(self.ready).encode()
        self._write(path, content)

    def take_out_of_force(self, line: BoardLine) -> None:
        line.run(f"remove({self.slot + '/ready'!r})\nsync()")

    def _expect_room(self, there: Mapping[str, int]) -> None:
        """Before anything is removed."""
        sizes = {path: len(content) for path, content in self.image.files.items()}
        need = blocks(sizes, self._block_bytes) + SPARE_BLOCKS
        # littlefs counts a shared block more than once, so less than none can be free
        room = max(self._free_blocks, 0) + blocks(there, self._block_bytes)
        if need > room:
            need_kib, room_kib = (-(-n * self._block_bytes // 1024) for n in (need, room))
            raise InputError(
                f"{self._line.url}: the flash of the board is full: the firmware needs {need_kib} "
                f"KiB and {room_kib} KiB are free; remove files of yours with `mpremote fs rm`"
            )

    def _install_main(self) -> None:
        """Under another name first: a rename puts the whole file there or none of it."""
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
            raise InputError(f"{self._line.url}: {path} does not read back; try again")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
