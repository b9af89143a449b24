"""The operator's console: lines of ASCII on the serial line, in the slack after a tick.

    console = Console(commands, *standard_streams())
    leave = console.turn()        # after each tick; RESET or LINK ends the loop

A turn takes bounded time whatever the other end does. A turn reads only received bytes, writes only
bytes that fit, and executes one line at most; a host that never reads loses only its answers. The
console sends printable ASCII and line ends, no control character, so that the line can be shared
with MicroPython's prompt, and Ctrl-C from the host still stops the firmware, which then leaves the
outputs in the safe state.
"""

from firmware.console import LINK

BYTES = 16  # maximum that a turn reads, and that it writes: 2.5 ms on an RP2040
LONGEST_LINE = 80
STOP = b"stop"  # obeyed at the end of any line, even after damaged bytes
OLD_TURNS = 1000  # about 10 s without a byte: the incomplete line is dropped
LAST_TURNS = 100  # time limit for sending the answer to `reset`
NOTHING = iter(())


class Console:
    """The carrier of lines to `commands` and of their answers back.

    reader   : read(1)
    writer   : write(bytes)
    readable : () -> True if a byte has arrived
    writable : () -> number of bytes that certainly fit; True is one

    A line that begins before the last answer is sent aborts that answer.
    """

    def __init__(self, commands, reader, writer, readable, writable):
        self._commands = commands
        self._reader = reader
        self._writer = writer
        self._readable = readable
        self._writable = writable
        self._line = b""
        self._too_long = False
        self._answer = iter("")
        self._out = b""  # the piece of the answer that is being sent
        self._sent = 0  # bytes of it
        self._last_turns = LAST_TURNS
        self._idle_turns = 0

    def turn(self, budget: int = BYTES) -> str | None:
        """Write, then read, at most `budget` bytes each. RESET or LINK once requested."""
        self._commands.turn()
        self._idle_turns += 1
        if self._idle_turns >= OLD_TURNS:  # so that no line end by chance completes the line
            self._idle_turns = 0
            self._line = b""
            self._too_long = False
        try:
            self._send(budget)
            for _ in range(budget):
                if not self._readable():
                    break
                byte = self._reader.read(1)
                self._idle_turns = 0
                if not byte or self._take(byte):
                    break
        except OSError:
            self._drop()  # the serial line is gone; the control continues
        return self._leave()

    def sending(self) -> bool:
        """True while a part of an answer is not sent."""
        return self._sent < len(self._out) or self._next_piece()

    def _take(self, byte: bytes) -> bool:
        """Process one byte; True if it completed a line that was executed."""
        if byte != b"\n" and byte != b"\r":
            self._line += byte
            if len(self._line) > LONGEST_LINE:
                self._too_long = True
                self._line = self._line[-len(STOP) :]
            return False
        line = self._line.strip()
        too_long = self._too_long
        self._line = b""
        self._too_long = False
        if not line:
            return False
        self._reply(line, too_long)
        return True

    def _reply(self, line: bytes, too_long: bool) -> None:
        cut = self._sent < len(self._out) or self._out[-1:] not in (b"", b"\n")
        if line.lower().endswith(STOP):
            answer = self._commands.answer("stop")
        elif too_long:
            answer = ("error the line is longer than " + str(LONGEST_LINE) + " characters\n",)
        elif not _is_printable(line):
            answer = ("error the line holds what is not printable ASCII\n",)
        else:
            answer = self._commands.answer(line.decode())
        if cut:  # on a line of its own, even after an incomplete answer
            self._out = self._out[: self._sent] + b"\n"
        self._answer = iter(answer)

    def _send(self, budget: int) -> None:
        """Continue sending. Makes the next piece if due, at most one in a turn."""
        made = False
        while budget > 0:
            left = len(self._out) - self._sent
            if left == 0:
                if made or not self._next_piece():
                    return
                made = True
                continue
            room = min(int(self._writable()), left, budget)
            if room <= 0:
                return
            self._writer.write(self._out[self._sent : self._sent + room])
            self._sent += room
            budget -= room

    def _next_piece(self) -> bool:
        piece = next(self._answer, None)
        if piece is None:
            self._answer = NOTHING  # a finished generator keeps its objects alive
            return False
        self._out = piece.encode()
        self._sent = 0
        return True

    def _drop(self) -> None:
        self._answer = iter("")
        self._out = b""
        self._sent = 0

    def _leave(self) -> str | None:
        """Return RESET or LINK if the operator asked for it and its answer is sent."""
        leave = self._commands.leave
        if leave is None or leave == LINK or self._last_turns == 0:
            return leave
        if not self.sending():
            return leave
        self._last_turns -= 1
        return None


def _is_printable(line: bytes) -> bool:
    return all([32 <= code <= 126 for code in line])
