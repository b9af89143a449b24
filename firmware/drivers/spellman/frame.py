"""Frames of Spellman's serial protocol: STX, fields that each end in a comma, checksum, ETX.

The checksum goes over everything between STX and itself, the last comma included: Spellman's V6
protocol manual (118109-001 B, p. 7) gives 0x75 for 10,4095,. Sources: docs/board/generators.md.
"""

STX = 0x02
ETX = 0x03
COMMA = 0x2C
MOST_FIELDS = 18  # the longest status, and the command before it
LONGEST_FIELD = 5
LONGEST_REQUEST = 16

# Fields that are not numbers.
SUCCESS = -1  # $
ERROR = -2  # !, and the next field says which
TEXT = -3
SIGNS = {0x24: SUCCESS, 0x21: ERROR}


def checksum(total: int) -> int:
    """The checksum's character, 0x40 to 0x7F, from the sum of the bytes before it."""
    return -total & 0x7F | 0x40


def pack(buffer, command: int, argument: int = -1) -> int:
    """Write a request into `buffer`; returns its length. A negative argument is left out."""
    buffer[0] = STX
    end = _number(buffer, 1, command, 10)
    if argument >= 0:
        end = _number(buffer, end, argument, 1)
    total = 0
    for at in range(1, end):
        total += buffer[at]
    buffer[end] = checksum(total)
    buffer[end + 1] = ETX
    return end + 2


def _number(buffer, at: int, value: int, unit: int) -> int:
    """Write the digits of `value`, at least as many as `unit` has, and a comma; returns the next
    place."""
    while value >= 10 * unit:
        unit *= 10
    while unit:
        buffer[at] = 0x30 + value // unit % 10
        unit //= 10
        at += 1
    buffer[at] = COMMA
    return at + 1


class Receiver:
    """A receiver that cuts whole answers out of the received bytes. Bytes outside a frame are
    ignored.

    whole    : the last `feed` ended with an answer
    command  : the command of the answer
    count    : number of fields after the command
    values   : the fields, from 1 on: a number, SUCCESS, ERROR or TEXT
    rejected : number of invalid frames so far
    """

    def __init__(self):
        self.whole = False
        self.command = 0
        self.count = 0
        self.values = [0] * MOST_FIELDS
        self.rejected = 0
        self._fields = -1  # outside of a frame
        self._summed = 0  # up to the last comma
        self._total = 0
        self._value = 0  # of the field that has begun, and its length
        self._length = 0
        self._last = 0

    def feed(self, buffer, at: int, end: int) -> int:
        """Process buffer[at:end], up to the end of the first answer; returns that position. One
        pass over local variables, because every byte passes here.
        """
        self.whole = False
        values = self.values
        fields = self._fields
        summed = self._summed
        total = self._total
        value = self._value
        length = self._length
        last = self._last
        while at < end:
            byte = buffer[at]
            at += 1
            if byte == STX:
                fields = summed = total = value = length = 0
            elif fields < 0:
                pass
            elif byte == COMMA and fields < MOST_FIELDS:
                values[fields] = value if length else TEXT
                fields += 1
                total += byte
                summed = total
                value = length = 0
            elif byte == ETX:
                # The one character after the last comma is the checksum.
                self.whole = length == 1 and fields > 0 and last == checksum(summed)
                self.whole = self.whole and values[0] >= 0
                if self.whole:
                    self.command = values[0]
                    self.count = fields - 1
                    fields = -1
                    break
                self.rejected += 1
                fields = -1
            elif length < LONGEST_FIELD and byte != COMMA:
                total += byte
                length += 1
                last = byte
                if value >= 0 and 0x30 <= byte <= 0x39:
                    value = 10 * value + byte - 0x30
                else:
                    value = SIGNS.get(byte, TEXT) if length == 1 else TEXT
            else:
                self.rejected += 1
                fields = -1
        self._fields = fields
        self._summed = summed
        self._total = total
        self._value = value
        self._length = length
        self._last = last
        return at
