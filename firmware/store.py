"""Settings on the device's flash: two slots; a save writes the one not in force.

A slot is a file, little-endian and without gaps:

    "tS", format u8, sequence u32, then for each setting its length u8 and the payload of SETTING in
    firmware/link/frame.py (integer u8, value i64 or f64, name), then CRC-32 u32

where the CRC covers all bytes before it. At boot the complete slot with the highest sequence is
used. A power cut at any byte of a save therefore leaves the old settings, or all of the new ones,
on any file system: no file is renamed, and the order of writes does not matter. Numbers are kept as
their bits, because not every port reads every decimal exactly.
"""

import errno
import struct
from binascii import crc32

from firmware.link.frame import pack_setting, unpack_setting
from firmware.settings import Settings

SLOTS = ("settings.a", "settings.b")
MAGIC = b"tS"
FORMAT = 1
HEADER_BYTES = 7
CRC_BYTES = 4
ENOSPC = 28  # not in MicroPython's errno; the same on littlefs, FAT and Linux
PIECE = 512  # bytes of a read, which allocates as many
LONGEST = 8192  # a longer file is not a slot and is not read to its end


class Store:
    """The two slots in a folder, such as "" or "/flash"; `open_file` is the built-in open.

    stored   : True if `boot` found settings and put them in force
    reason : why not; "" if stored
    notes : other messages, a list of lines
    sequence : number of the last save; 0 without a save
    """

    def __init__(self, folder: str, open_file=open):
        self.stored = False
        self.reason = "no settings are stored"
        self.notes: list[str] = []
        self.sequence = 0
        self._newest = 1  # the slot that holds that save: the first save goes to the other
        self._folder = folder.rstrip("/") + "/" if folder else ""
        self._open = open_file

    def boot(self, settings) -> None:
        """Put the stored settings in force; without stored settings `settings` stay unchanged."""
        found = None
        damaged = []
        for at in (0, 1):
            try:
                slot = self._read(at)
            except ValueError as error:
                damaged.append(SLOTS[at] + " " + str(error))
                continue
            if slot is not None and (found is None or _sequence(slot) > self.sequence):
                found = slot
                self.sequence = _sequence(slot)
                self._newest = at
        if found is None:
            if damaged:
                self.reason = "; ".join(damaged)
            return
        for line in damaged:
            self.notes.append(line + ": save " + str(self.sequence) + " was taken")
        try:
            self._apply(found, settings)
            self.stored = True
            self.reason = ""
        except ValueError as error:
            self.reason = SLOTS[self._newest] + " " + str(error)

    def save(self, settings):
        """Write all settings for the next boot. Returns None, or why they are not saved. The
        previous save stays complete until the new slot has been read back. A save takes tens of ms:
        only for a unit whose beam is off.
        """
        problem = settings.problem()
        if problem:
            return problem[0] + ": " + problem[1]
        at = 1 - self._newest
        content = _packed(self.sequence + 1, settings.values())
        try:
            with self._open(self._folder + SLOTS[at], "wb") as file:
                file.write(content)
                file.flush()
            written = self._read(at)
        except OSError as error:
            return SLOTS[at] + " " + _told(error) + "; the settings of before are kept"
        except ValueError as error:
            return SLOTS[at] + " " + str(error) + "; the settings of before are kept"
        if written != content:
            return SLOTS[at] + " does not read back; the settings of before are kept"
        self.sequence += 1
        self._newest = at
        return None

    def _read(self, at: int):
        """Return the bytes of a slot, None without a file. Raises ValueError if the slot is
        incomplete."""
        failed = 0
        try:
            with self._open(self._folder + SLOTS[at], "rb") as file:
                slot = piece = file.read(PIECE)
                while piece and len(slot) <= LONGEST:
                    piece = file.read(PIECE)
                    slot += piece
        except OSError as error:
            failed = error.errno or errno.EIO
        if failed == errno.ENOENT:
            return None
        if failed:
            raise ValueError("can't be read (error " + str(failed) + ")")
        end = len(slot) - CRC_BYTES
        if (
            end < HEADER_BYTES
            or len(slot) > LONGEST
            or slot[:2] != MAGIC
            or struct.unpack_from("<I", slot, end)[0] != crc32(memoryview(slot)[:end])
        ):
            raise ValueError("is damaged or was not written to its end")
        return slot

    def _apply(self, slot: bytes, settings) -> None:
        """Load the known settings, all or none. Raises ValueError if a value is not valid."""
        if slot[2] != FORMAT:
            raise ValueError("is of format " + str(slot[2]) + "; save the settings again")
        trial = Settings()
        trial.load(settings.values())
        missing = trial.values()
        known = {}
        unknown = []
        for name, value in _settings_in(slot):
            if name in missing:
                known[name] = value
                del missing[name]
            else:
                unknown.append(_printable(name))
        trial.load(known)
        problem = trial.problem()
        if problem:
            raise ValueError("can't be used: " + problem[0] + ": " + problem[1])
        settings.load(known)
        if unknown:
            self.notes.append("stored but unknown to this firmware: " + ", ".join(unknown))
        if missing:
            self.notes.append("not stored, at their defaults: " + ", ".join(sorted(missing)))


def _packed(sequence: int, values: dict) -> bytes:
    """Return a complete slot."""
    parts = [MAGIC + struct.pack("<BI", FORMAT, sequence)]
    for name in sorted(values):
        payload = pack_setting(name, values[name])
        parts.append(bytes([len(payload)]) + payload)
    body = b"".join(parts)
    return body + struct.pack("<I", crc32(body))


def _sequence(slot: bytes) -> int:
    return struct.unpack_from("<I", slot, 3)[0]


def _settings_in(slot: bytes):
    """Yield (name, value) of a complete slot, one by one."""
    at = HEADER_BYTES
    while at < len(slot) - CRC_BYTES:
        end = at + 1 + slot[at]
        yield unpack_setting(slot[at + 1 : end])
        at = end


def _printable(name: str) -> str:
    """Return a name from the flash with printable ASCII only."""
    return "".join([c if " " < c <= "~" else "?" for c in name])


def _told(error: OSError) -> str:
    if error.errno == ENOSPC:
        return "can't be written: the flash is full"
    return "can't be written (error " + str(error.errno) + ")"
