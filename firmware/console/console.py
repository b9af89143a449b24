"""The operator's console: lines of ASCII on the serial line, in the slack after a tick.

    console = Console(commands, *standard_streams())
    leave = console.turn()        # after each tick; RESET or LINK ends the loop

A turn takes bounded time whatever the other end does. It reads only what has come, writes only
what fits, and acts on one line at most; a host that never reads loses its answers and nothing
else. What comes from here is printable ASCII and line ends: no control character, so that the
line can be shared with MicroPython's prompt, and Ctrl-C from the host still stops the firmware,
which then leaves the safe state behind.
"""

from firmware.console import LINK

BYTES = 16  # most that a turn reads, and most that it writes: 2.5 ms on an RP2040
LONGEST_LINE = 80
STOP = b"stop"  # obeyed at the end of any line, however damaged what stands before it
OLD_TURNS = 1000  # some 10 s without a byte: whoever began that line has left it
LAST_TURNS = 100  # how long the answer to `reset` may take to go out
NOTHING = iter(())


class Console:
    """Carries lines to `commands` and the answers back.

    reader   : read(1)
    writer   : write(bytes)
    readable : () -> whether a byte has come
    writable : () -> how many bytes are sure to fit; True is one

    A line that begins before the last answer is out breaks that answer off.
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
        self._out = b""  # the piece of the answer that is going out
        self._sent = 0  # bytes of it
        self._last_turns = LAST_TURNS
        self._idle_turns = 0

    def turn(self, budget: int = BYTES) -> str | None:
        """Write, then read, at most `budget` bytes each. RESET or LINK once that is asked for."""
        self._commands.turn()
        self._idle_turns += 1
        if self._idle_turns >= OLD_TURNS:  # no line end that comes by chance completes it
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
            self._drop()  # the line is gone; what is regulated is not
        return self._leave()

    def sending(self) -> bool:
        """Whether some of an answer is still to go out."""
        return self._sent < len(self._out) or self._next_piece()

    def _take(self, byte: bytes) -> bool:
        """One byte of a line; True if it was the last one of a line that was acted upon."""
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
        if cut:  # on a line of its own, whatever the last answer got to
            self._out = self._out[: self._sent] + b"\n"
        self._answer = iter(answer)

    def _send(self, budget: int) -> None:
        """Send on; a piece that is due is made, but not two in a turn."""
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
            self._answer = NOTHING  # an answer that is out holds on to what made it
            return False
        self._out = piece.encode()
        self._sent = 0
        return True

    def _drop(self) -> None:
        self._answer = iter("")
        self._out = b""
        self._sent = 0

    def _leave(self) -> str | None:
        """What the operator asked the entry point for, when its answer has gone out."""
        leave = self._commands.leave
        if leave is None or leave == LINK or self._last_turns == 0:
            return leave
        if not self.sending():
            return leave
        self._last_turns -= 1
        return None


def _is_printable(line: bytes) -> bool:
    return all([32 <= code <= 126 for code in line])
