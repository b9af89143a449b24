"""Plausible: which of the slow readings that trim the intensity can be believed.

A reading outside its sensor's range, or one that has moved faster than air and metal can, is not
used: the law holds its trim, and the doubt is reported. What is compared is raw counts.
"""

from firmware.calibration import pt100_raw
from firmware.state import Plain

MOUNT = 1
GENERATOR = 2
ROOM = 4
NAMES = ("mount", "generator", "room")  # by bit
LONGEST_S = 100000

# (signal, bit, lowest, highest, most that it moves at once, most that it moves in a second)
READINGS = (
    ("mount_temperature_raw", MOUNT, pt100_raw(-20.0), pt100_raw(120.0), 64, 2),  # 32 are 1 K
    ("generator_temperature_raw", GENERATOR, -2000, 11000, 500, 5),
    ("room_temperature_raw", ROOM, -2000, 6000, 300, 5),
    ("room_pressure_raw", ROOM, 50000, 110000, 500, 1),
    ("room_humidity_raw", ROOM, 0, 10000, 2000, 20),
)


class Plausible(Plain):
    """Call `look` once a second.

    doubts : bits of what is not believed
    """

    STATE = ("doubts", "taken", "ages_s")

    def __init__(self):
        self.begin()

    def begin(self) -> None:
        """The next readings are taken as they come, if they are within their range."""
        self.doubts = 0
        self.taken: list = [None] * len(READINGS)  # the last that were believed
        self.ages_s = [0] * len(READINGS)

    def look(self, inputs) -> int:
        """The readings of this second -> doubts."""
        doubts = 0
        for at, (name, bit, low, high, jump, rate) in enumerate(READINGS):
            raw = getattr(inputs, name)
            before = self.taken[at]
            age_s = self.ages_s[at] + 1
            if low <= raw <= high and (before is None or abs(raw - before) <= jump + rate * age_s):
                self.taken[at] = raw
                self.ages_s[at] = 0
            else:
                doubts |= bit
                self.ages_s[at] = min(age_s, LONGEST_S)
        self.doubts = doubts
        return doubts

    def names(self) -> str:
        """What is not believed, with commas."""
        return ",".join([NAMES[at] for at in range(len(NAMES)) if self.doubts & 1 << at])

    def state(self) -> dict:
        """The memory as a dict of plain values."""
        return {"doubts": self.doubts, "taken": list(self.taken), "ages_s": list(self.ages_s)}

    def load(self, state: dict) -> None:
        """Take over a memory that `state()` gave."""
        self.doubts = state["doubts"]
        self.taken = list(state["taken"])
        self.ages_s = list(state["ages_s"])
