"""Access to a board through MicroPython's raw prompt, by mpremote's transport.

mpremote is used as a library, not as a program: one serial line stays open from the interrupt to
the reset, and the causes of failures are distinguished. Every error is an InputError of one line;
LostError means that the line is closed or damaged.
"""

import ast
import io
import re
import struct
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from hil.flash.image import ON_DEVICE, without_docs
from hil.unit.console import LostError
from twin.files.errors import InputError

PIECE_BYTES = 768  # of a file in one command
WATCHDOG_OUT_MS = 1000  # longer than any watchdog of the firmware
READ_S = 2.0  # of one read of the port
FULL = re.compile(r"OSError: (\[Errno )?28\b|ENOSPC")

PROBE = """
import os, sys
i = sys.implementation
s = os.statvfs(os.getcwd())
print((i.name, tuple(i.version[:3]), getattr(i, "_machine", ""), getattr(i, "_mpy", 0) & 255,
sys.platform, 2.0 ** 24 + 1.0 == 2.0 ** 24, s[0], s[3]))
"""


@dataclass(frozen=True)
class Patience:
    """Time limits (s); `factor` stretches all, for an emulated board."""

    hello: float = 2.0  # for a running firmware to answer `version`
    stop: float = 3.0  # for the first Ctrl-C; a link session ends after 2 s of silence
    again: float = 0.5  # for each further Ctrl-C
    give_up: float = 20.0  # for all of them
    answer: float = 10.0  # for the board to execute a command
    back: float = 20.0  # for the firmware to answer after a reset

    def stretched(self, factor: float) -> "Patience":
        return Patience(*(factor * limit for limit in vars(self).values()))


@dataclass(frozen=True)
class Clock:
    now_s: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = sleep


@dataclass(frozen=True)
class Facts:
    """Answers of a board to PROBE. mpy: version of compiled files; single: True if floats are."""

    python: str
    version: tuple[int, ...]
    machine: str
    mpy: int
    platform: str
    single: bool
    block_bytes: int
    free_blocks: int


class RawPrompt:
    """The raw prompt of the board at `url`. Use it in a `with` statement; `stop` first."""

    def __init__(self, url: str, patience: Patience, clock: Clock):
        self.url = url
        self._patience = patience
        self._clock = clock
        self._transport: SerialTransport | None = None

    def stop(self) -> None:
        """Interrupt the running program, and leave a fresh interpreter at its prompt.

        On a port without a way to stop the watchdog, the watchdog restarts the board. The firmware
        then waits a second before it starts the watchdog again; a further interrupt uses that
        second.
        """
        give_up_s = self._clock.now_s() + self._patience.give_up
        wait_s = self._patience.stop
        while True:
            try:
                with self._errors():
                    self._stop_once(wait_s)
                return
            except InputError as error:
                self.close()
                if self._clock.now_s() >= give_up_s:
                    raise LostError(
                        f"{self.url}: no MicroPython answers Ctrl-C ({error.__cause__ or 'gone'}); "
                        "is MicroPython on this board? See docs/board/flashing.md"
                    ) from None
            wait_s = self._patience.again
            self._clock.sleep(0.1)

    def _stop_once(self, wait_s: float) -> None:
        self.close()
        self._transport = transport = SerialTransport(self.url, timeout=READ_S)
        transport.serial.write_timeout = self._patience.answer
        transport.enter_raw_repl(soft_reset=False, timeout_overall=wait_s)
        code = f"import time\ntime.sleep_ms({WATCHDOG_OUT_MS})"
        transport.exec_raw(code, timeout=0.001 * WATCHDOG_OUT_MS + self._patience.stop)
        transport.enter_raw_repl(soft_reset=True, timeout_overall=self._patience.answer)

    def probe(self) -> Facts:
        return Facts(*self._parsed(self.run(PROBE)))

    def load(self) -> None:
        """Define the functions of hil/flash/on_device/files.py on the board."""
        self.run(without_docs(ON_DEVICE / "files.py"))

    def tree(self, folder: str) -> dict[str, tuple[int, str]]:
        """Path -> (bytes, SHA-256) of all files below a folder."""
        listed = self._parsed(self.run(f"print(tree({folder!r}))"))
        return {path: (size, digest) for path, size, digest in listed}

    def text(self, path: str) -> str | None:
        """The content of a small file; None if the file does not exist or is no text."""
        try:
            printed = self.run(f"with open({path!r}) as f:\n print(repr(f.read()))")
        except LostError:
            raise
        except InputError:
            return None
        return str(self._parsed(printed))

    def digests(self, paths: Sequence[str]) -> list[str]:
        """SHA-256 of files; "" for a file that does not exist."""
        return list(self._parsed(self.run(f"print([digest(path) for path in {list(paths)!r}])")))

    def write(
        self, path: str, content: bytes, progress: Callable[[int], None] = lambda count: None
    ) -> None:
        """Write a file; call `load` before. `progress` gets the number of bytes written.

        base64 needs 1.3 characters for a byte; mpremote's own copy sends Python literals, 2.2.
        """
        code = f"f = open({path!r}, 'wb')\n"
        for at in range(0, max(len(content), 1), PIECE_BYTES):
            piece = b2a_base64(content[at : at + PIECE_BYTES], newline=False).decode()
            is_last = at + PIECE_BYTES >= len(content)
            self.run(f"{code}f.write(raw('{piece}'))" + ("\nf.close()" if is_last else ""))
            code = ""
            progress(min(at + PIECE_BYTES, len(content)))

    def run(self, code: str) -> bytes:
        """Execute code on the board; returns its output."""
        with self._errors():
            assert self._transport
            printed, failed = self._transport.exec_raw(code, timeout=self._patience.answer)
            if failed:
                raise TransportExecError(printed, failed.decode(errors="replace"))
        return bytes(printed)

    def reset(self) -> None:
        """Reset the board, and close the line."""
        with self._errors():
            assert self._transport
            # The pause lets the port acknowledge the command.
            self._transport.exec_raw_no_follow(
                "import machine, time\ntime.sleep_ms(100)\nmachine.reset()"
            )
        self.close()

    def restart(self) -> bool:
        """Reset a board in any state of its prompt. True if the command was sent."""
        with suppress(InputError):
            with self._errors():
                if self._transport:
                    self._transport.enter_raw_repl(False, self._patience.again)
            self.reset()
            return True
        return False

    def close(self) -> None:
        if self._transport:
            for close in (self._transport.close, self._transport.serial.close):
                with suppress(Exception):  # the driver of an unplugged port can raise anything
                    close()
        self._transport = None

    def __enter__(self) -> "RawPrompt":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _parsed(self, printed: bytes) -> Any:
        with self._errors():
            return ast.literal_eval(printed.decode())

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Make one line of every error of mpremote, and discard the text that mpremote prints."""
        try:
            with redirect_stdout(io.StringIO()):
                yield
        except InputError:
            raise
        except TransportExecError as error:
            lines = error.error_output.strip().splitlines() or ["nothing"]
            if FULL.search(error.error_output):
                raise InputError(f"{self.url}: the flash of the board is full") from None
            raise InputError(f"{self.url}: MicroPython reports {lines[-1][:100]}") from None
        except (TransportError, OSError, ValueError, SyntaxError, TypeError, struct.error) as error:
            reason = str(error).strip() or type(error).__name__
            raise LostError(f"{self.url}: the line was lost ({reason[:100]})") from error
