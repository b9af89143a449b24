"""Read TOML descriptions (scenarios, tubes) into frozen models.

Every failure is an InputError of the form

    path:LINE: key: problem; fix (and N more)

Types are strict: "18" in quotes is not a number and 1 is not true. Arrays become tuples, so models
declare `tuple[...]`, never `list[...]`.
"""

import difflib
import json
import math
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from twin.files.errors import InputError
from twin.files.toml_lines import Lines

MAX_BYTES = 4_000_000  # a description has a page or two; a larger file is the wrong one
MAX_SHOWN = 48  # largest number of characters of the user's text in a message

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Model of a description: refuses unknown keys, NaN and infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EntryError(ValueError):
    """Error of a validator about the entry at `path`, relative to the validated value.

    missing : True if the description has no such entry
    """

    def __init__(self, message: str, *path: str | int, missing: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.missing = missing


def shown(value: object) -> str:
    """The user's text or value on one line, at most MAX_SHOWN characters."""
    text = repr(value)
    if not text.isprintable():
        text = ascii(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def file_name(path: str | os.PathLike[str]) -> str:
    """The whole path on one line, for the beginning of a message."""
    text = os.fspath(path)
    return text if text and text.isprintable() else ascii(text)


def nearest(word: str, known: Iterable[str]) -> str:
    """Fix for an unknown word: the nearest known one, or all of them."""
    names, word = list(known), word[:80].lower()
    begun = [name for name in names if len(word) > 2 and name.startswith(word)]
    if close := begun or difflib.get_close_matches(word, names, n=1):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if names else "delete it"


def open_input(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes. Raises InputError if it is missing or not a plain file."""
    name = file_name(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{name}: is a directory; name a file in it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{name}: is not a plain file; save the data to a file and name that")
        return open(path, "rb")
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the name and the directory") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name}: cannot be read ({reason}); check its name and rights") from None


def load_toml(path: str | os.PathLike[str], model: type[Model], **given: Any) -> Model:
    """Read the file and validate it as `model`. Raises InputError in one line on any failure.

    given : fields that the caller sets and the file must not have, such as a name
    """
    name = file_name(path)
    with open_input(path) as stream:
        raw = stream.read(MAX_BYTES + 1)
    try:
        text = _decode(name, raw)
        data = _tuples(_parse(name, text))
        problems = [*_foreign_keys(data, given), *_unusable_numbers(data)]
        if not problems:
            try:
                return model.model_validate({**data, **given}, strict=True)
            except ValidationError as error:
                problems = [_explained(model, data, given, one) for one in error.errors()]
        raise InputError(_first_of(name, problems, Lines(text)))
    except RecursionError:
        raise InputError(f"{name}: nested too deeply; flatten its tables and lists") from None


# From bytes to plain data ------------------------------------------------------------------------


def _decode(name: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES // 10**6} MB; name a TOML description")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: is not UTF-8 text; save it as UTF-8") from None


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error).removesuffix(" (at end of document)")
        line = text.rstrip().count("\n") + 1
        if found := re.search(r" \(at line (\d+), column (\d+)\)$", what):
            line, what = int(found[1]), f"{what[: found.start()]} at column {found[2]}"
        fix = "text needs quotes, numbers a decimal point, lists a closing ]"
        if what.startswith("Cannot"):
            fix = "the same key or table appears twice: keep one"
    except ValueError:  # a whole number of more digits than Python converts
        digits = re.search(r"\d[\d_]{999}", text)
        line = text.count("\n", 0, digits.start()) + 1 if digits else 1
        what, fix = "a number of thousands of digits", "shorten it"
    raise InputError(f"{name}:{line}: TOML syntax: {what[:160]}; {fix}")


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple([_tuples(item) for item in value]) if isinstance(value, list) else value


# Problems -----------------------------------------------------------------------------------


class _Problem(NamedTuple):
    path: tuple[str | int, ...]
    what: str
    missing: bool = False


_EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _foreign_keys(data: dict[str, Any], given: dict[str, Any]) -> Iterator[_Problem]:
    for key in given:
        if key in data:
            yield _Problem((key,), "unknown key; delete it, the program sets it")


def _unusable_numbers(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[_Problem]:
    """Find NaN, infinities and whole numbers beyond TOML's 64 bits, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unusable_numbers(item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unusable_numbers(item, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield _Problem(path, f"{value} is not a usable number; write a finite one")
    elif isinstance(value, int) and value.bit_length() > 63:
        yield _Problem(path, "the number is too large; write a smaller one")


def _explained(model: type[BaseModel], data: Any, given: Any, error: Any) -> _Problem:
    """One pydantic error in plain words, with the path of its entry in the file."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    cause = context.get("error")
    missing = kind == "missing" or (isinstance(cause, EntryError) and cause.missing)
    location = error["loc"] + (cause.path if isinstance(cause, EntryError) else ())
    path = _in_file(location, data, given, missing)
    if missing:
        return _Problem(path, str(cause) if cause else "is missing; add it", missing=True)
    if kind == "extra_forbidden":
        return _Problem(path, f"unknown key; {_instead(model, path, given)}")
    if kind in _EXPECTED:
        expected = _EXPECTED[kind]
        unquoted = " without quotes" if isinstance(value, str) else ""
        text = f"{_kind(value)} instead of {expected}; write {expected}{unquoted}"
        return _Problem(path, text)
    if kind == "literal_error":
        return _Problem(path, f"{shown(value)} is unknown; write {context['expected']}")
    for bound, words in _BOUNDS.items():
        if bound in context:
            return _Problem(path, f"{shown(value)} must be {words} {context[bound]:g}; change it")
    what = str(cause) if cause else error["msg"].replace("Input should", "should")
    what = " ".join(what.split())
    return _Problem(path, what if "; " in what else f"{what}; correct it")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int | float | str):
        return f"the {'text' if isinstance(value, str) else 'number'} {shown(value)}"
    return f"the date {value}"


def _in_file(
    location: tuple[str | int, ...], data: Any, given: dict[str, Any], missing: bool
) -> tuple[str | int, ...]:
    """The path in the file: pydantic's path without names of union members and validators."""
    path: list[str | int] = []
    node: Any = {**data, **given}
    for part in location:
        if isinstance(node, dict):
            inside = part in node
        else:
            inside = isinstance(node, tuple) and isinstance(part, int) and part < len(node)
        if inside:
            node = node[part]
            path.append(part)
    if missing:
        path.append(location[-1])
    return tuple(path)


def _tables(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    """The keys of a model's table, each with the model of the table below it, or None."""
    fields = model.model_fields.items()
    return {info.alias or name: _model_in(info.annotation) for name, info in fields}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside Optional[...], Annotated[...], tuple[...] or dict[..., ...], if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _instead(model: type[BaseModel], path: tuple[str | int, ...], given: dict[str, Any]) -> str:
    """What to write instead of the unknown key at the end of `path`."""
    root, table, key = _tables(model), model, str(path[-1])
    for part in path[:-1]:
        if isinstance(part, str):
            table = _tables(table).get(part) or table
    if key in root and len(path) > 1:
        return "it belongs above the first [table]"
    for name, inner in root.items():
        if inner and inner is not table and key in _tables(inner):
            return f"it belongs in [{name}]"
    return nearest(key, [known for known in _tables(table) if known not in given])


def _first_of(name: str, problems: list[_Problem], lines: Lines) -> str:
    """The first problem in the file; a missing key only if there is no other problem.

    (Often a missing key is present, but misspelt.)
    """
    problems = [problem for problem in problems if not problem.missing] or problems
    first = min(problems, key=lambda problem: lines.find(problem.path))
    others = len({problem.path for problem in problems}) - 1
    more = f" (and {others} more)" if others else ""
    key = _dotted(first.path)
    return f"{name}:{lines.find(first.path)}: {key and key + ': '}{first.what}{more}"


def _dotted(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = re.fullmatch(r"[\w-]{1,60}", part, re.ASCII)
            text += ("." if text else "") + (part if plain else json.dumps(part)[:60])
    return text
