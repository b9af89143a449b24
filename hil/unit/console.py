"""The host's end of the operator's console: lines to a unit on a serial line, and its answers.

What a unit answers is said in firmware/console/commands.py. Everything that can go wrong here is
one line for whoever typed the command, an InputError: RefusedError has the unit's own words,
LostError means that the line, or the unit, is gone.
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
HELLO_S = 2.0  # for a unit to say that it is one
POLL_S = 0.1  # of one read
END = b"\r\n"  # of a line, at MicroPython's own prompt too
BAUD = 115200  # for a real UART; USB has no use for it


class Stream(Protocol):
    """What is needed of a serial port: read gives b"" when nothing comes within its time-out."""

    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> Any: ...
    def close(self) -> None: ...


class RefusedError(InputError):
    """The unit understood, and said no."""


class LostError(InputError):
    """The line is gone, or the unit does not answer."""


class ConsoleClient:
    """A unit at the other end of `stream`, called `name` in errors. Use it in a `with` statement.

    about : what the unit says of itself: firmware, python, float_bits, board, …

    LostError if no unit answers within `hello_s`.
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
        """(the lines before the last, what stands behind its "ok"); RefusedError if it is no ok."""
        self._write(line)
        deadline_s = self._now_s() + self._answer_s
        lines: list[str] = []
        while True:
            said = self._line(deadline_s)
            word, _, rest = said.partition(" ")
            if word == "ok":
                return lines, rest
            if word == "error":
                raise RefusedError(f"{self.name}: {rest}")
            lines.append(said)

    def status(self) -> dict[str, Any]:
        """Readings, and what the unit says of itself."""
        return self._object(self.ask("status")[1])

    def settings(self, names: Iterable[str] = ()) -> dict[str, float]:
        """Values by name, of all settings if no names are given: those that a save would keep."""
        lines = [self.ask(f"get {name}")[1] for name in names] or self.ask("get")[0]
        return dict(self._setting(line) for line in lines)

    def check(self, values: Mapping[str, float]) -> None:
        """RefusedError if the unit could not work with these values in place of its own."""
        self._offer(values)
        self.ask("discard")

    def save(self, values: Mapping[str, float]) -> str:
        """Store these values, all or none, and read them back; what the unit said of the save."""
        try:
            self._offer(values)
        except LostError as error:
            raise LostError(f"{error}; the unit keeps the settings it had") from None
        try:
            said = self.ask("save")[1]
            kept = self.settings()
        except LostError as error:
            raise LostError(
                f"{error}; all of the new settings are stored or none: see `tubetwin settings get`"
            ) from None
        for name, value in values.items():
            self._compare(name, value, kept[name])
        return said

    def link(self) -> tuple[Stream, bytes]:
        """Ask for the bench's frames: the stream, and what has come of them. It is the caller's
        then. RefusedError if the unit has none to give, as with the beam on."""
        self._write("link")
        deadline_s = self._now_s() + self._answer_s
        while b"\0" not in self._pending:  # which ends a frame, and is in no line
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
        """Set and check; what is refused leaves nothing pending."""
        self.ask("discard")
        try:
            for name, value in values.items():
                said = self.ask(f"set {name} 0x{struct.pack('>d', value).hex()}")[1]
                self._compare(name, value, self._setting(said)[1])
            self.ask("check")
        except LostError:
            raise
        except InputError:
            self.ask("discard")
            raise

    def _compare(self, name: str, sent: float, kept: float) -> None:
        """A unit that calculates in single precision keeps the nearest number that it has."""
        same = narrow(kept) == narrow(sent) if self._is_single() else kept == sent
        if not same:
            raise InputError(f"{self.name}: {name} was sent as {sent!r} and is kept as {kept!r}")

    def _setting(self, line: str) -> tuple[str, float]:
        """(name, value) from `NAME VALUE 0xBITS [saved|pending]`."""
        try:
            name, decimal, bits = line.split()[:3]
            value: float = struct.unpack(">d", bytes.fromhex(bits.removeprefix("0x")))[0]
        except (ValueError, struct.error):
            raise LostError(f"{self.name}: answers {line[:80]!r}, which is no setting") from None
        if decimal.lstrip("-").isdecimal():
            return name, int(value)
        return name, shortest(value) if self._is_single() else value

    def _is_single(self) -> bool:
        return self.about.get("float_bits") == 32

    def _object(self, text: str) -> dict[str, Any]:
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise LostError(f"{self.name}: answers {text[:80]!r}, which is no JSON object")
        return said

    def _hello(self, hello_s: float) -> dict[str, Any]:
        """Who is there. What others have left on the line is made an unknown word first: a line
        end alone would complete it."""
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
        """Read what has come."""
        if self._now_s() > deadline_s:
            raise LostError(f"{self.name}: no answer; is it plugged in, and does the firmware run?")
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
    """The unit at a pyserial URL, such as /dev/ttyACM0, COM3 or socket://host:port; "auto" is
    the only port that answers as a unit."""
    return find_unit(usb_ports(), _unit_at) if port == "auto" else _unit_at(port)


def _unit_at(port: str) -> ConsoleClient:
    return ConsoleClient(open_port(port), port)


def open_port(url: str) -> Stream:
    """A serial port by its pyserial URL. InputError if it can't be opened."""
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
    """pyserial's last words, without numbers and quotes: `(25, 'Not a typewriter')`."""
    return re.sub(r"^[(\[](?:Errno )?\d+[],] '?(.*?)'?\)?$", r"\1", text.split(": ")[-1])


def usb_ports() -> list[str]:
    """Serial ports of boards on USB. A generator may listen at any other: they are not asked."""
    from hil.unit.ports import ports

    return [port.url for port in ports() if port.vendor]


def find_unit(ports: Iterable[str], unit_at: Callable[[str], ConsoleClient]) -> ConsoleClient:
    """The only one of these ports at which a unit answers. InputError if none does, or several."""
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
    raise InputError("--port auto: there is no serial port on USB; plug a unit in or name a --port")
