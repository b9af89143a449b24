"""16-bit converter ADS1115 on I2C: one input against ground, converted continuously.

Data sheet: Texas Instruments SBAS444E (December 2024), "ADS111x". Full scale 2.048 V, 62.5 uV per
count, 860 conversions per second. The chip's pointer stays on the conversion register, so that a
reading costs two bytes.
"""

CONVERSION = 0
CONFIG = 1

# Config register, table 8-3: input over ground, 2.048 V, continuous; 860/s, no comparator
CONFIG_HIGH = 0x44
CONFIG_LOW = 0xE3
CHANNEL_SHIFT = 4
NOT_STATUS = 0x7F  # bit 15 tells whether it converts, when read
ENDED = 0x80  # no conversion is under way
ONCE = 0x81  # start one conversion, then rest


class Ads1115:
    """raw: the input in counts, 0 to 32767; what offset makes negative reads 0.

    A chip that acknowledges may have lost its settings, or convert no more. check() compares the
    settings; a caller who acts on readings checks regularly, and whenever it reads 0. In continuous
    mode no bit tells of a new conversion, so prove() asks for a single one, whose end does show:
    until it has ended read() says False.
    """

    def __init__(self, i2c, address: int = 0x48):
        self.raw = 0
        self.channel = 0
        self._i2c = i2c
        self._address = address
        self._ready = False
        self._doubted = False  # the settings were others: to be compared before the next reading
        self._proving = False
        self._buffer = bytearray(2)
        self._config = bytearray(2)
        self._config[1] = CONFIG_LOW
        self._pointer = bytearray(1)
        self._pointer[0] = CONVERSION

    def configure(self, channel: int = 0) -> bool:
        """Start converting AIN0 to AIN3."""
        return self.select(channel)

    def select(self, channel: int) -> bool:
        """Switch to another input; the second conversion from now certainly shows it (3 ms)."""
        self.channel = channel
        self._config[0] = CONFIG_HIGH | channel << CHANNEL_SHIFT
        self._ready = self._proving = False
        try:
            self._i2c.writeto_mem(self._address, CONFIG, self._config)
            self._i2c.writeto(self._address, self._pointer)
        except OSError:
            return False
        self._ready = True
        return True

    def read(self) -> bool:
        """The last conversion; False on a bus error, and once more after it, to convert again."""
        if not self._ready:
            self.select(self.channel)
            return False
        if self._proving:
            self._look_for_end()
            return False
        if self._doubted and not self.check():
            return False
        buffer = self._buffer
        try:
            self._i2c.readfrom_into(self._address, buffer)
        except OSError:
            self._ready = False
            return False
        raw = buffer[0] << 8 | buffer[1]
        self.raw = raw if raw < 0x8000 else 0
        return True

    def check(self) -> bool:
        """Whether the chip holds the settings that were written; if not, they are written again.

        No reading is good after that until they have been read back.
        """
        buffer = self._buffer
        try:
            self._i2c.readfrom_mem_into(self._address, CONFIG, buffer)
            self._doubted = (
                buffer[0] & NOT_STATUS != self._config[0] & NOT_STATUS or buffer[1] != CONFIG_LOW
            )
            if not self._doubted:
                self._i2c.writeto(self._address, self._pointer)
                return True
        except OSError:
            # The pointer's position is unknown; read() must not return a setting as a reading.
            self._ready = False
            return False
        self.select(self.channel)
        return False

    def prove(self) -> bool:
        """Compare the settings, then start the single conversion whose end read() looks for."""
        if not self._ready or self._proving or not self.check():
            return False
        self._config[0] |= ONCE
        try:
            self._i2c.writeto_mem(self._address, CONFIG, self._config)
        except OSError:
            self._ready = False
            return False
        self._proving = True
        return True

    def _look_for_end(self) -> None:
        if self.check() and self._buffer[0] & ENDED:
            self.select(self.channel)
