"""Four 12-bit analog outputs by MCP4728 on I2C, 0.5 mV per count from its reference of 2.048 V.

Data sheet: Microchip DS22187E (2010). The LDAC pin is tied low, so that an output follows its
register at once.

From power-up until the first write the outputs have the values of the chip's EEPROM. As delivered
that is 0 V on all, internal reference, gain 1 (table 4-2). This driver never writes the EEPROM; an
EEPROM with other values must be restored before the chip may drive a generator.
"""

CHANNELS = 4
FULL = 4095
MULTI_WRITE = 0x40  # figure 5-8; bits 2 and 1 are the channel, bit 0 = 0 updates the output
INTERNAL_REFERENCE = 0x80  # with normal mode and gain 1
ANSWER = 6  # bytes of a channel in what is read
CODE_HIGH = 0x0F


class Mcp4728:
    """Channels A to D. A chip that has lost a setting is found by check(), and set up again.

    power_up_safe: whether its EEPROM gives 0 V at power-up, as check() has seen; None before that
    """

    def __init__(self, i2c, address: int = 0x60):
        self._i2c = i2c
        self._address = address
        self._ready = False
        self.power_up_safe: bool | None = None
        self._all = bytearray(3 * CHANNELS)
        self._fast = bytearray(2 * CHANNELS)
        view = memoryview(self._fast)
        self._parts = tuple([view[: 2 * count] for count in range(CHANNELS + 1)])
        self._answer = bytearray(ANSWER * CHANNELS)

    def configure(self) -> bool:
        """Set internal reference, gain 1, and 0 V on all outputs."""
        for at in range(len(self._fast)):
            self._fast[at] = 0
        return self._set_up()

    def write_fast(self, values, count: int) -> bool:
        """Set the first `count` channels, 0 to 4095 each: 1 + 2 * count bytes on the bus."""
        fast = self._fast
        for channel in range(count):
            value = values[channel]
            if value > FULL:
                value = FULL
            elif value < 0:
                value = 0
            fast[2 * channel] = value >> 8
            fast[2 * channel + 1] = value & 0xFF
        if not self._ready:
            return self._set_up()
        try:
            self._i2c.writeto(self._address, self._parts[count])
        except OSError:
            self._ready = False
            return False
        return True

    def check(self) -> bool:
        """Whether all channels have reference, gain, power-down and value; if not, renew().

        The answer holds register and EEPROM of each channel, three bytes each (figure 5-15).
        """
        answer = self._answer
        try:
            self._i2c.readfrom_into(self._address, answer)
        except OSError:
            self._ready = False
            return False
        fast = self._fast
        safe = True
        for channel in range(CHANNELS):
            at = ANSWER * channel
            if (
                answer[at + 1] != INTERNAL_REFERENCE | fast[2 * channel]
                or answer[at + 2] != fast[2 * channel + 1]
            ):
                self._ready = False
            if answer[at + 4] & CODE_HIGH or answer[at + 5]:
                safe = False
        self.power_up_safe = safe
        return self._ready

    def renew(self) -> None:
        """The next write sets all, reference and gain included: a fast write leaves those."""
        self._ready = False

    def _set_up(self) -> bool:
        """Write reference, gain and the present values of all channels, in one command."""
        for channel in range(CHANNELS):
            self._all[3 * channel] = MULTI_WRITE | channel << 1
            self._all[3 * channel + 1] = INTERNAL_REFERENCE | self._fast[2 * channel]
            self._all[3 * channel + 2] = self._fast[2 * channel + 1]
        try:
            self._i2c.writeto(self._address, self._all)
        except OSError:
            self._ready = False
            return False
        self._ready = True
        return True
