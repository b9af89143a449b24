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
NOT_STATUS = 0x7F  # bit 15 is 0 while converting, when read


class Ads1115:
    """A converter. raw: the input in counts, 0 to 32767; a negative reading (offset) becomes 0.
    After a loss of power the chip acknowledges and reads 0 until configured again: check() detects
    this. The caller must call check() regularly, or at each reading of 0.
    """

    def __init__(self, i2c, address: int = 0x48):
        self.raw = 0
        self.channel = 0
        self._i2c = i2c
        self._address = address
        self._ready = False
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
        self._ready = False
        try:
            self._i2c.writeto_mem(self._address, CONFIG, self._config)
            self._i2c.writeto(self._address, self._pointer)
        except OSError:
            return False
        self._ready = True
        return True

    def read(self) -> bool:
        """Read the last conversion. False on a bus error, and once more after it, for a new
        conversion."""
        if not self._ready:
            self.select(self.channel)
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
        """Compare the chip's configuration with the requested one; write it again if they differ.
        True if equal."""
        buffer = self._buffer
        try:
            self._i2c.readfrom_mem_into(self._address, CONFIG, buffer)
            if buffer[0] & NOT_STATUS == self._config[0] and buffer[1] == CONFIG_LOW:
                self._i2c.writeto(self._address, self._pointer)
                return True
        except OSError:
            # The pointer's position is unknown; read() must not return a setting as a reading.
            self._ready = False
            return False
        self.select(self.channel)
        return False
