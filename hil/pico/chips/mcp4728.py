"""MCP4728, four 12-bit converters to analog (Microchip DS22187E, 2010), LDAC pin low.

Without the general call and the change of its address. Settling (6 us) is left out.
"""

from hil.pico.chips.bus import Clock, I2CChip

CHANNELS = 4
REFERENCE_V = 2.048
FACTORY = (0x8000,) * CHANNELS  # internal reference, gain 1, normal mode, 0 V: table 4-2
EEPROM_US = 50000  # longest time of writing it

# A channel's word: reference bit 15, power-down bits 14 and 13, gain bit 12, code
INTERNAL, POWER_DOWN, GAIN, CODE = 0x8000, 0x6000, 0x1000, 0x0FFF


class Mcp4728(I2CChip):
    """The converter. volts(channel): voltage of an output; vdd_v: the supply, V."""

    def __init__(self, now_us: Clock, vdd_v: float = 3.3):
        super().__init__(now_us)
        self.vdd_v = vdd_v
        self.eeprom = list(FACTORY)
        self.power_cycle()

    def power_cycle(self) -> None:
        """Set the outputs to the values in the EEPROM (section 4.8 d)."""
        self.words = list(self.eeprom)
        self._busy_until_us = 0
        self._addressed = False
        self._bytes: list[int] = []

    def volts(self, channel: int) -> float:
        word = self.words[channel]
        if word & POWER_DOWN:
            return 0.0
        part = (word & CODE) / 4096
        if not word & INTERNAL:
            return self.vdd_v * part
        return min(REFERENCE_V * part * (2 if word & GAIN else 1), self.vdd_v)

    @property
    def busy(self) -> bool:
        """True while it writes its EEPROM and ignores every command."""
        return self.now_us() < self._busy_until_us

    def start(self, read: bool) -> bool:
        self._bytes = []
        return super().start(read)

    def _write(self, byte: int) -> bool:
        self._bytes.append(byte)
        if not self.busy:
            self._obey(self._bytes)
        return True

    def _obey(self, data: list[int]) -> None:
        """Execute a command, if the last byte completed one. Table 5-1."""
        command = data[0] >> 5
        if command < 2:  # fast write: two bytes a channel, from A on (figure 5-7)
            channel = len(data) // 2 - 1
            if len(data) % 2 == 0 and channel < CHANNELS:
                kept = self.words[channel] & (INTERNAL | GAIN)
                down = (data[-2] & 0x30) << 9
                self.words[channel] = kept | down | (data[-2] & 0x0F) << 8 | data[-1]
        elif command == 2:
            self._obey_write(data)
        elif command == 4 and len(data) == 1:
            self._set_bits(INTERNAL, [data[0] << n & 0x08 for n in range(CHANNELS)])
        elif command == 6 and len(data) == 1:
            self._set_bits(GAIN, [data[0] << n & 0x08 for n in range(CHANNELS)])
        elif command == 5 and len(data) == 2:  # figure 5-13: A and B in the first byte
            pairs = (data[0] >> 2, data[0], data[1] >> 6, data[1] >> 4)
            for channel, pair in enumerate(pairs):
                self.words[channel] = self.words[channel] & ~POWER_DOWN | (pair & 3) << 13

    def _obey_write(self, data: list[int]) -> None:
        function = data[0] >> 3 & 3
        first = data[0] >> 1 & 3
        if function == 0 and len(data) % 3 == 0:  # multi-write: three bytes a channel, any order
            self.words[data[-3] >> 1 & 3] = data[-2] << 8 | data[-1]
        elif function == 2 and len(data) % 2 and len(data) > 1:  # sequential, to channel D
            channel = first + len(data) // 2 - 1
            if channel < CHANNELS:
                self.words[channel] = data[-2] << 8 | data[-1]
            if channel == CHANNELS - 1:
                self._burn(range(first, CHANNELS))
        elif function == 3 and len(data) == 3:  # a single one
            self.words[first] = data[-2] << 8 | data[-1]
            self._burn(range(first, first + 1))

    def _burn(self, channels: range) -> None:
        for channel in channels:
            self.eeprom[channel] = self.words[channel]
        self._busy_until_us = self.now_us() + EEPROM_US

    def _set_bits(self, mask: int, flags: list[int]) -> None:
        for channel, flag in enumerate(flags):
            self.words[channel] = self.words[channel] & ~mask | (mask if flag else 0)

    def _read(self) -> int:
        """Register and EEPROM of A, B, C and D, three bytes each (figure 5-15)."""
        channel, at = divmod(self._count % (6 * CHANNELS), 6)
        word = (self.words if at < 3 else self.eeprom)[channel]
        ready = 0x00 if self.busy else 0x80
        return (ready | 0x40 | channel << 4, word >> 8, word & 0xFF)[at % 3]
