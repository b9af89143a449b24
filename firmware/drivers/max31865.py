"""Platinum resistance thermometer by MAX31865, on SPI mode 1 or 3.

Data sheet: Maxim Integrated 19-6478 Rev 3 (7/15), "MAX31865 RTD-to-Digital Converter". A PT100
over 400 ohm and a PT1000 over 4 kohm give the same ratio, so this driver cannot distinguish them.
An open sensor reads full scale, a short circuit zero: both are passed on unchanged, for the
interlocks. Only invalid readings are discarded.
"""

# Configuration register, table 2
BIAS = 0x80
AUTO = 0x40
THREE_WIRES = 0x10
CLEAR_FAULT = 0x02  # clears itself
NOTCH_50_HZ = 0x01

WRITE_CONFIG = 0x80
REGISTERS = 8
OVERVOLTAGE = 0x04  # fault status: a pin's voltage is outside the supply; the converter has stopped


class Max31865:
    """raw: ratio to the reference resistor over 2**15; fault: fault status register (07h).

    Fault bits stay until configure(). A conversion takes 20 ms (50 Hz) or 17 ms, the first 62.5.
    """

    def __init__(self, spi, cs, wires: int = 4, mains_hz: int = 50):
        self.raw = 0
        self.fault = 0
        self._spi = spi
        self._cs = cs
        self._config = BIAS | AUTO
        if wires == 3:
            self._config |= THREE_WIRES
        if mains_hz == 50:
            self._config |= NOTCH_50_HZ
        self._ready = False
        self._command = bytearray(2)
        self._command[0] = WRITE_CONFIG
        self._asked = bytearray(1 + REGISTERS)  # read from register 0 on
        self._answer = bytearray(1 + REGISTERS)
        cs(1)

    def configure(self) -> bool:
        """Start conversions and clear old faults; read() checks the chip's configuration."""
        # The notch must not change during automatic conversion (page 14): that is stopped first.
        self._ready = self._write(self._config & ~AUTO | CLEAR_FAULT) and self._write(self._config)
        return self._ready

    def read(self) -> bool:
        """Read all registers in one transfer; False if they hold no new reading of this sensor."""
        if not self._ready and not self.configure():
            return False
        answer = self._answer
        try:
            self._cs(0)
            self._spi.write_readinto(self._asked, answer)
        except OSError:
            self._ready = False
            return False
        finally:
            self._cs(1)
        if answer[1] != self._config:  # no chip, or it has lost power
            self._ready = False
            return False
        self.fault = answer[8]
        if self.fault & OVERVOLTAGE:
            self._ready = False  # only configure() clears it
            return False
        raw = answer[2] << 7 | answer[3] >> 1
        if raw == 0 and not answer[3] & 1:
            return False  # no conversion yet: one that gives zero sets the fault bit as well
        self.raw = raw
        return True

    def _write(self, config: int) -> bool:
        self._command[1] = config
        try:
            self._cs(0)
            self._spi.write(self._command)
        except OSError:
            return False
        finally:
            self._cs(1)
        return True
