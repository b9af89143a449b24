"""The wire frame of the link: one codec for both ends, on CPython and on MicroPython.

A frame is, little-endian and without gaps,

    version u8, kind u8, length u8, sequence u16, now_ms u32, payload, CRC-32 u32

where `length` counts all of it and the CRC covers all bytes before it. On the wire it is
stuffed by COBS (Cheshire and Baker, IEEE/ACM Trans. Networking 7 (1999) 159), so that no byte of
the frame is 0, and a 0 ends the frame.

The host sends requests, the firmware answers. The requests, their payloads and their answers:

    SETTING  integer u8 (0 or 1), value i64 or f64, name               DONE
    ITEM     one value of the firmware's state (state_items.py)        DONE
    START    real time u8, silence_ms u32, checksum of the table of    OUTPUTS_HELD, REFUSED
             signals u32, outputs held until then
    STEP     run u8, hold u8, kv f64, ma f64, inputs                   OUTPUTS_HELD
    COUNTS   nothing                                                   TOLD: u32 for each of COUNTED
    IDENTIFY nothing                                                   IDENTITY: version and build
    STATE    number of the requested item, u16                            ITEM, or DONE: no such
    item END      nothing                                                   LAST_WORD

REFUSED gives the reason, in words. Without a request the firmware sends, with outputs as payload:
TICKED for each tick in real time (its number u16, ticks left out so far u16, then the outputs),
SAFE when the host is silent, and LAST_WORD at the end.

The command, the settings and the state travel as f64, so that both ends calculate with the same
number. docs/bench/link.md describes the exchange.
"""

import struct
from binascii import crc32

from firmware.signal_table import INPUTS, OUTPUTS

VERSION = 2
SETTING = 1
START = 2
STEP = 3
OUTPUTS_HELD = 4
ITEM = 5
STATE = 6
COUNTS = 7
END = 8
DONE = 9
REFUSED = 10
SAFE = 11
TICKED = 12
LAST_WORD = 13
TOLD = 14
IDENTIFY = 15
IDENTITY = 16
REQUESTS = (SETTING, START, STEP, ITEM, STATE, COUNTS, END, IDENTIFY)

# The firmware's counters: frames received damaged, repeated, out of order or from another time;
# missing frames; frames not sent because the line was full; SAFE sent; ticks, and in real time
# those without a fresh sample, late ones, left out ones; the longest.
COUNTED = (
    "corrupt",
    "repeated",
    "out_of_order",
    "lost",
    "unsaid",
    "safe_said",
    "ticks",
    "unfed",
    "late",
    "missed",
    "worst_tick_us",
)

HEADER_FORMAT = "<BBBHI"
HEADER_BYTES = struct.calcsize(HEADER_FORMAT)
CRC_BYTES = 4
SHORTEST = HEADER_BYTES + CRC_BYTES  # unstuffed; stuffing adds one byte, the 0 another
LONGEST = 253  # unstuffed: so COBS needs none of its blocks of 254 without a zero
LONGEST_PAYLOAD = LONGEST - SHORTEST
LENGTH_AT = 3  # of the length, on the wire

INPUTS_FORMAT = "".join([signal[4] for signal in INPUTS])
OUTPUTS_FORMAT = "<" + "".join([signal[4] for signal in OUTPUTS])
STEP_FORMAT = "<BBdd" + INPUTS_FORMAT
START_FORMAT = "<BII"
TICK_FORMAT = "<HH"
STEP_BYTES = struct.calcsize(STEP_FORMAT)
START_BYTES = struct.calcsize(START_FORMAT)
TICK_BYTES = struct.calcsize(TICK_FORMAT)
OUTPUTS_BYTES = struct.calcsize(OUTPUTS_FORMAT)
SETTING_BYTES = struct.calcsize("<Bd")
COUNTS_FORMAT = "<" + "I" * len(COUNTED)

CODE_RANGES = {"B": (0, 255), "H": (0, 65535), "h": (-32768, 32767), "I": (0, 0xFFFFFFFF)}
INPUTS_CHECK = tuple([(signal[0], CODE_RANGES[signal[4]]) for signal in INPUTS])
OUTPUTS_CHECK = tuple([(signal[0], CODE_RANGES[signal[4]]) for signal in OUTPUTS])
del INPUTS, OUTPUTS  # otherwise this module keeps the table in a board's memory


def pack(kind: int, sequence: int, now_ms: int, payload: bytes) -> bytearray:
    """Return a whole frame as sent on the wire, from the COBS byte to the 0 that ends it."""
    crc_at = 1 + HEADER_BYTES + len(payload)
    end = crc_at + CRC_BYTES
    if end > LONGEST + 1:
        raise ValueError("payload of " + str(len(payload)) + " bytes is too long for a frame")
    wire = bytearray(end + 1)
    struct.pack_into(
        HEADER_FORMAT, wire, 1, VERSION, kind, end - 1, sequence & 0xFFFF, now_ms & 0xFFFFFFFF
    )
    wire[1 + HEADER_BYTES : crc_at] = payload
    struct.pack_into("<I", wire, crc_at, crc32(memoryview(wire)[1:crc_at]))
    # COBS in place: each zero becomes the distance to the next, the first byte the distance to the
    # first.
    at = 0
    while at < end:
        following = wire.find(b"\0", at + 1)
        wire[at] = following - at
        at = following
    return wire


def unpack(wire: bytes):
    """Return (kind, sequence, now_ms, payload) of a frame without its ending 0; None if damaged."""
    end = len(wire)
    if not SHORTEST < end <= LONGEST + 1:
        return None
    raw = bytearray(wire)
    at = 0
    while at < end:
        step = raw[at]
        if step == 0:
            return None
        raw[at] = 0
        at += step
    crc_at = end - CRC_BYTES
    if at != end or raw[1] != VERSION or raw[LENGTH_AT] != end - 1:
        return None
    if struct.unpack_from("<I", raw, crc_at)[0] != crc32(memoryview(raw)[1:crc_at]):
        return None
    _, kind, _, sequence, now_ms = struct.unpack_from(HEADER_FORMAT, raw, 1)
    return kind, sequence, now_ms, bytes(raw[1 + HEADER_BYTES : crc_at])


class Receiver:
    """A receiver that cuts whole frames out of a stream of bytes in pieces of any size. Damaged
    frames are counted in `corrupt` and skipped. Between two calls it holds at most one frame's
    bytes.
    """

    def __init__(self):
        self.corrupt = 0
        self._pending = b""

    def feed(self, chunk: bytes) -> list:
        """Return the frames, as `unpack` gives them, that these bytes complete."""
        pieces = chunk.split(b"\0")
        if self._pending:
            pieces[0] = self._pending + pieces[0]
        self._pending = pieces.pop()[: LONGEST + 2]  # keeps one byte too many
        frames = []
        for piece in pieces:
            if piece:
                frame = unpack(piece)
                if frame is None:
                    self.corrupt += 1
                else:
                    frames.append(frame)
        return frames


def pack_step(inputs, command) -> bytes:
    """Pack the payload of STEP. ValueError names a value that its bytes can't hold."""
    values = _checked(inputs, INPUTS_CHECK)
    return struct.pack(
        STEP_FORMAT, 1 if command.run else 0, command.hold, command.kv, command.ma, *values
    )


def unpack_step(payload: bytes, inputs, command) -> None:
    """Fill both records from the payload of STEP."""
    _expect(payload, STEP_BYTES)
    values = struct.unpack(STEP_FORMAT, payload)
    command.run = values[0] != 0
    command.hold = values[1]
    command.kv = values[2]
    command.ma = values[3]
    inputs.load(values[4:])


def pack_outputs(outputs) -> bytes:
    """Pack outputs, as in OUTPUTS_HELD. ValueError names a value that its bytes can't hold."""
    return struct.pack(OUTPUTS_FORMAT, *_checked(outputs, OUTPUTS_CHECK))


def unpack_outputs(payload: bytes, outputs) -> None:
    """Fill the record from packed outputs, as in OUTPUTS_HELD."""
    _expect(payload, OUTPUTS_BYTES)
    outputs.load(struct.unpack(OUTPUTS_FORMAT, payload))


def pack_start(real_time: bool, silence_ms: int, outputs) -> bytes:
    """Pack the payload of START."""
    start = struct.pack(START_FORMAT, 1 if real_time else 0, silence_ms, _table_checksum())
    return start + pack_outputs(outputs)


def unpack_start(payload: bytes, outputs):
    """Return (real time, silence_ms) from the payload of START; fills the record.

    ValueError if the host has another table of signals.
    """
    _expect(payload[:START_BYTES], START_BYTES)
    real_time, silence_ms, theirs = struct.unpack_from(START_FORMAT, payload)
    ours = _table_checksum()
    if theirs != ours:
        raise ValueError(
            f"the host has another table of signals: checksum {theirs:08x}, here {ours:08x}; "
            "flash the firmware of this host"
        )
    unpack_outputs(payload[START_BYTES:], outputs)
    return real_time != 0, silence_ms


def pack_ticked(tick: int, missed: int, outputs) -> bytes:
    """Pack the payload of TICKED."""
    return struct.pack(TICK_FORMAT, tick & 0xFFFF, missed & 0xFFFF) + pack_outputs(outputs)


def unpack_ticked(payload: bytes, outputs) -> tuple:
    """Return (number of the tick, ticks left out), both wrapping at 2**16; fills the record."""
    unpack_outputs(payload[TICK_BYTES:], outputs)
    return struct.unpack_from(TICK_FORMAT, payload)


def pack_counts(counts) -> bytes:
    """Pack the payload of TOLD from the values of COUNTED; larger values become 2**32 - 1."""
    return struct.pack(COUNTS_FORMAT, *[min(count, 0xFFFFFFFF) for count in counts])


def unpack_counts(payload: bytes) -> dict:
    """Return the counters by the names of COUNTED."""
    _expect(payload, struct.calcsize(COUNTS_FORMAT))
    return dict(zip(COUNTED, struct.unpack(COUNTS_FORMAT, payload)))


def pack_number(number: int) -> bytes:
    """Pack the payload of STATE."""
    return struct.pack("<H", number)


def unpack_number(payload: bytes) -> int:
    _expect(payload, 2)
    return struct.unpack("<H", payload)[0]


def pack_setting(name: str, value) -> bytes:
    """Pack the payload of SETTING: an int as i64, anything else as f64."""
    integer = isinstance(value, int)
    return struct.pack("<Bq" if integer else "<Bd", integer, value) + name.encode()


def unpack_setting(payload: bytes):
    """Return (name, value) from the payload of SETTING."""
    if len(payload) <= SETTING_BYTES:
        raise ValueError("a setting without a name")
    return (
        bytes(payload[SETTING_BYTES:]).decode(),
        struct.unpack_from("<q" if payload[0] else "<d", payload, 1)[0],
    )


def _checked(record, check: tuple) -> tuple:
    """Return the record's values. struct refuses too large values on CPython and truncates them on
    MicroPython."""
    values = record.values()
    for (name, (low, high)), value in zip(check, values):
        if not low <= value <= high:
            raise ValueError(name + " = " + str(value) + " does not fit its bytes")
    return values


def _table_checksum() -> int:
    """Return the checksum of the table in force; loaded only for START, so that it needs no memory
    later."""
    from firmware.signal_table import INPUTS, OUTPUTS, checksum

    return checksum(INPUTS, OUTPUTS)


def _expect(payload: bytes, count: int) -> None:
    """Check a payload's length: MicroPython's struct accepts a longer buffer silently."""
    if len(payload) != count:
        raise ValueError("payload of " + str(len(payload)) + " bytes, not " + str(count))
