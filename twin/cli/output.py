"""Standard output and standard error that may be full or closed: the exit status stays."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class _Forgiving(io.FileIO):
    """A stream whose first failed write is reported once; later ones go nowhere."""

    def __init__(self, descriptor: int, report: Callable[[OSError], None]):
        super().__init__(descriptor, "w", closefd=False)
        self._report = report

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            self._report(error)
            return len(data)


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """In this block no `print` fails: what nobody can read changes no result.

    A full or closed standard output is one line on standard error; a full or closed standard
    error is passed over.
    """
    before = sys.stdout, sys.stderr
    sys.stderr = _forgiving(sys.stderr, lambda _: None)
    sys.stdout = _forgiving(sys.stdout, _note)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def note(line: str) -> None:
    """One line for the user, on standard error."""
    print(f"tubetwin: note: {line}", file=sys.stderr)


def _note(error: OSError) -> None:
    note(f"standard output: {error.strerror}")


def _forgiving(stream: TextIO | None, report: Callable[[OSError], None]) -> TextIO:
    if stream is None:  # closed before the program began
        return open(os.devnull, "w", encoding="utf-8")
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a test's, in memory
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(descriptor, report)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or stream is sys.stderr,
    )
