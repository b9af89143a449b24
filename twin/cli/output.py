"""Standard output and standard error that may be full or closed: the exit status stays."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class _Forgiving(io.TextIOWrapper):
    """A stream whose first failed write is reported once; later ones go nowhere."""

    def __init__(self, stream: TextIO, report: Callable[[OSError], None]):
        # The bytes are written by C alone: an interrupt between a write in Python and the account
        # of it would have them written twice.
        super().__init__(
            open(stream.fileno(), "wb", closefd=False),  # noqa: SIM115 (lives with the program)
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.isatty() or stream is sys.stderr,
        )
        self._report = report

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        super().flush()  # what is still in the buffer goes nowhere too
        self._report(error)


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """In this block no `print` fails: a failed write changes no result.

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
        stream.fileno()
    except (OSError, ValueError):  # a test's, in memory
        return stream
    stream.flush()
    return _Forgiving(stream, report)
