"""The host's end of the operator's console: lines to a unit on a serial line, and its answers.

firmware/console/commands.py describes the answers of a unit. Every error here is an InputError of
one line: RefusedError contains the unit's message, LostError means that the line is closed or the
unit does not answer.
"""

import errno
import json
import os
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

from twin.files.errors import InputError

ANSWER_S = 10.0  # for a whole answer; a save waits for the flash
HELLO_S = 2.0  # for a unit to answer `version`
POLL_S = 0.1  # time-out of one read
END = b"\r\n"  # of a line, also at MicroPython's prompt
BAUD = 115200  # of a real UART; USB ignores the value


class Stream(Protocol):
    """The required methods of a serial port: read gives b"" if nothing comes in its time-out."""

    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> Any: ...
    def close(self) -> None: ...


class RefusedError(InputError):
    """The unit understood the command and refused it."""


class LostError(InputError):
    """The line is closed or damaged, or the unit does not answer."""


class ConsoleClient:
    """A unit at the other end of `stream`, named `name` in errors. Use it in a `with` statement.

    about : the unit's answer to `version`: firmware, python, float_bits, board, …

    Raises LostError if no unit answers within `hello_s`.
    """

    def __init__(
        self,
        stream: Stream,
        name: str,
        hello_s: float = HELLO_S,
        answer_s: float = ANSWER_S,
        now_s: Callable[[], float] = monotonic,
    ):
        self.name = name
        self._stream = stream
        self._answer_s = answer_s
        self._now_s = now_s
        self._pending = b""
        try:
            self.about = self._hello(hello_s)
        except BaseException:
            self.close()
            raise

    def ask(self, line: str) -> tuple[list[str], str]:
        """Send a line; returns (the lines before the last, the text after "ok" in the last).

        Raises RefusedError if the last line is "error …".
        """
        self._write(line)
        deadline_s = self._now_s() + self._answer_s
        lines: list[str] = []
        while True:
            answer = self._line(deadline_s)
            word, _, rest = answer.partition(" ")
            if word == "ok":
                return lines, rest
            if word == "error":
                raise RefusedError(f"{self.name}: {rest}")
            lines.append(answer)

    def status(self) -> dict[str, Any]:
        """The readings, the state and the trip of the unit."""
        return self._object(self.ask("status")[1])

    def settings(self, names: Iterable[str] = ()) -> dict[str, float]:
        """Values by name, of all settings without `names`: the values that a save would store."""
        lines = [self.ask(f"get {name}")[1] for name in names] or self.ask("get")[0]
        return dict(self._setting(line) for line in lines)

    def check(self, values: Mapping[str, float]) -> None:
        """Raises RefusedError if the unit can't work with these values in place of its own."""
        self._offer(values)
        self.ask("discard")

    def save(self, values: Mapping[str, float]) -> str:
        """Store these values, all or none, and read them back; returns the answer to `save`."""
        try:
            self._offer(values)
        except LostError as error:
            raise LostError(f"{error}; the unit keeps the settings it had") from None
        try:
            answer = self.ask("save")[1]
            kept = self.settings()
        except LostError as error:
            raise LostError(
                f"{error}; all of the new settings are stored or none: see `tubetwin settings get`"
            ) from None
        for name, value in values.items():
            self._compare(name, value, kept[name])
        return answer

    def link(self) -> tuple[Stream, bytes]:
        """Switch the unit from its console to wire frames; returns the stream and the bytes read.

        The caller then owns the stream. Raises RefusedError if the unit refuses, as it does with
        the beam on.
        """
        self._write("link")
        deadline_s = self._now_s() + self._answer_s
        while b"\0" not in self._pending:  # the end of a wire frame; no line contains it
            line, end, _ = self._pending.partition(b"\n")
            if end and line.startswith(b"error "):
                raise RefusedError(f"{self.name}: {self._line(deadline_s).partition(' ')[2]}")
            self._more(deadline_s)
        return self._stream, self._pending

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()

    def __enter__(self) -> "ConsoleClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _offer(self, values: Mapping[str, float]) -> None:
        """Set and check the values; discard all of them if the unit refuses one."""
        self.ask("discard")
        try:
            for name, value in values.items():
                answer = self.ask(f"set {name} 0x{struct.pack('>d', value).hex()}")[1]
                self._compare(name, value, self._setting(answer)[1])
            self.ask("check")
        except LostError:
            raise
        except InputError:
            self.ask("discard")
            raise

    def _compare(self, name: str, sent: float, kept: float) -> None:
        """Raises InputError if the values differ; a single-precision unit stores the nearest."""
        same = narrow(kept) == narrow(sent) if self._is_single() else kept == sent
        if not same:
            raise InputError(f"{self.name}: {name} was sent as {sent!r} and is stored as {kept!r}")

    def _setting(self, line: str) -> tuple[str, float]:
        """(name, value) from `NAME VALUE 0xBITS [saved|pending]`."""
        try:
            name, decimal, bits = line.split()[:3]
            value: float = struct.unpack(">d", bytes.fromhex(bits.removeprefix("0x")))[0]
        except (ValueError, struct.error):
            raise LostError(f"{self.name}: answered {line[:80]!r}, which is no setting") from None
        if decimal.lstrip("-").isdecimal():
            return name, int(value)
        return name, shortest(value) if self._is_single() else value

    def _is_single(self) -> bool:
        return self.about.get("float_bits") == 32

    def _object(self, text: str) -> dict[str, Any]:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise LostError(f"{self.name}: answered {text[:80]!r}, which is no JSON object")
        return answer

    def _hello(self, hello_s: float) -> dict[str, Any]:
        """The unit's answer to `version`.

        "?" is sent first: it makes an unknown word of a command that another program has left
        incomplete on the line. A line end alone would complete and execute that command.
        """
        self._write("?")
        self._write("version")
        deadline_s = self._now_s() + hello_s
        while True:
            line = self._line(deadline_s)
            if line.startswith((">>>", "Traceback")):
                raise LostError(
                    f"{self.name}: MicroPython's prompt answers, not the firmware; reset it"
                )
            if line.startswith("ok {") and '"firmware"' in line:
                return self._object(line.removeprefix("ok "))

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line.encode() + END)
        except OSError as error:
            raise self._lost(error) from None

    def _line(self, deadline_s: float) -> str:
        """The next line that is not empty."""
        while True:
            line, end, rest = self._pending.partition(b"\n")
            if end:
                self._pending = rest
                if line.strip():
                    return line.decode("ascii", errors="replace").strip()
                continue
            self._more(deadline_s)

    def _more(self, deadline_s: float) -> None:
        """Read the bytes that have arrived. Raises LostError after the deadline."""
        if self._now_s() > deadline_s:
            raise LostError(
                f"{self.name}: no answer; is the unit plugged in, and does the firmware run?"
            )
        try:
            self._pending += self._stream.read(getattr(self._stream, "in_waiting", 0) or 1)
        except OSError as error:
            raise self._lost(error) from None

    def _lost(self, error: OSError) -> LostError:
        return LostError(f"{self.name}: the line was lost ({error.strerror or error})")


def narrow(value: float) -> float:
    """The nearest number in single precision."""
    try:
        nearest: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return value
    return nearest


def shortest(value: float) -> float:
    """The shortest decimal that single precision reads as this number: 0.98, not 0.98000001907."""
    for digits in range(1, 10):
        decimal = float(f"{value:.{digits}g}")
        if narrow(decimal) == value:
            return decimal
    return value


def connect(port: str) -> ConsoleClient:
    """The unit at a pyserial URL, such as /dev/ttyACM0, COM3 or socket://host:port; "auto": the
    only USB port at which a unit answers."""
    return find_unit(usb_ports(), _unit_at) if port == "auto" else _unit_at(port)


def _unit_at(port: str) -> ConsoleClient:
    return ConsoleClient(open_port(port), port)


def open_port(url: str) -> Stream:
    """Open a serial port by its pyserial URL. Raises InputError if the port can't be opened."""
    import serial

    try:
        port: Stream = serial.serial_for_url(
            url, BAUD, timeout=POLL_S, write_timeout=ANSWER_S, exclusive=True
        )
    except (OSError, ValueError) as error:  # SerialException is an OSError
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else _reason(str(error))
        if re.fullmatch(r"(socket|rfc2217)://[^:]*", url):
            reason = f"no host and port; give one such as {url.split(':')[0]}://host:5000"
        if number in (errno.EAGAIN, errno.EBUSY):
            reason = "another program has it open"
        raise InputError(f"--port {url}: can't be opened ({reason})") from None
    return port


def _reason(text: str) -> str:
    """The last part of pyserial's message, without numbers and quotes: `(25, 'Not a …')`."""
    return re.sub(r"^[(\[](?:Errno )?\d+[],] '?(.*?)'?\)?$", r"\1", text.split(": ")[-1])


def usb_ports() -> list[str]:
    """Serial ports of boards on USB. Other ports are not opened: a generator may be on one."""
    from hil.unit.ports import ports

    return [port.url for port in ports() if port.vendor]


def find_unit(ports: Iterable[str], unit_at: Callable[[str], ConsoleClient]) -> ConsoleClient:
    """The only unit that answers at these ports. Raises InputError if none or several answer."""
    found: list[ConsoleClient] = []
    silent = []
    for port in ports:
        try:
            found.append(unit_at(port))
        except InputError:
            silent.append(port)
    if len(found) == 1:
        return found[0]
    for client in found:
        client.close()
    if found:
        names = ", ".join(client.name for client in found)
        raise InputError(f"--port auto: units answer at {names}; name one of them")
    if silent:
        raise InputError(
            f"--port auto: no unit answers at {', '.join(silent)}; does the firmware run there?"
        )
    raise InputError("--port auto: no serial port on USB; plug a unit in or name a --port")
