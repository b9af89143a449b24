"""The serial line to a Spellman generator: one request at a time, without waiting."""

from firmware.drivers.generator import older
from firmware.drivers.spellman.frame import LONGEST_REQUEST, Receiver, pack

MOST_BYTES = 128  # taken in one tick; 115 200 baud brings 115
CHUNK = 64


class Line:
    """uart : any(), readinto(buffer, n) and write(buffer), none of which waits
    command, argument : the request under way; command 0: no request
    waited_ms : since it was sent
    """

    def __init__(self, uart):
        self.command = 0
        self.argument = 0
        self.waited_ms = 0
        self.receiver = Receiver()
        self._uart = uart
        self._chunk = bytearray(CHUNK)
        self._at = 0
        self._end = 0
        self._left = 0
        self._out = bytearray(LONGEST_REQUEST)
        self._views = [memoryview(self._out)[:n] for n in range(LONGEST_REQUEST + 1)]

    def send(self, command: int, argument: int = -1) -> None:
        """Send a request. It replaces a pending request, whose answer is then ignored."""
        length = pack(self._out, command, argument)
        self.command = command
        self.argument = argument
        self.waited_ms = 0
        try:
            self._uart.write(self._views[length])
        except OSError:
            pass  # no answer will come

    def tick(self, dt_ms: int) -> None:
        """Start a new tick, with a new budget of bytes."""
        self.waited_ms = older(self.waited_ms, dt_ms)
        self._left = MOST_BYTES

    def answered(self) -> bool:
        """True when the answer to the present request is in the receiver; call until False."""
        receiver = self.receiver
        while self._at < self._end or self._fill():
            self._at = receiver.feed(self._chunk, self._at, self._end)
            if receiver.whole and self.command and receiver.command == self.command:
                return True
        return False

    def _fill(self) -> bool:
        """Read received bytes into the chunk; False without bytes, or if the tick's budget is
        used."""
        self._at = self._end = 0
        try:
            count = min(self._uart.any(), CHUNK, self._left)
            if count:
                self._end = self._uart.readinto(self._chunk, count) or 0
        except OSError:
            self._end = 0
        self._left -= self._end
        return self._end > 0
