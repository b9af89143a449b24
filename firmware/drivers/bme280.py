"""Air temperature, pressure and humidity by BME280 on I2C.

Data sheet: Bosch Sensortec BST-BME280-DS001, revision 1.23 (January 2022). The compensation is
that of its section 8.1, as polynomials with the constants gathered beforehand: exact to one count
in single precision, with a third of the operations, because each leaves a float on the heap.
fetch() uses the bus; the three steps after it calculate and may run in different ticks.
"""

import struct

ID = 0xD0
BME280 = 0x60
CALIBRATION = 0x88
HUMIDITY_CALIBRATION = 0xE1
CTRL_HUM = 0xF2
CTRL_MEAS = 0xF4  # followed by config, a reserved byte, pressure, temperature and humidity
CONFIG = 0xF5

# Oversampling 4, 16 and 1 for temperature, pressure and humidity, no filter, 125 ms of rest: a
# measurement takes 44 ms, one comes every 0.17 s, and the chip warms itself little.
NORMAL = 0x03
MEASURE = 3 << 5 | 5 << 2
HUMIDITY_ONCE = 1
REST = 2 << 5
NOT_RESERVED = 0xFD

NOTHING_YET = 0x80000  # both temperature and pressure, before the first measurement

LOWEST_C, HIGHEST_C = -4000, 8500
LOWEST_PA, HIGHEST_PA = 30000, 110000
HIGHEST_PERCENT = 10000


class Bme280:
    """temperature_raw in 0.01 degC, pressure_raw in Pa, humidity_raw in 0.01 %.

    They start at 20 degC, 1013.25 hPa, 50 %, and hold no reading until a step has returned True.
    """

    def __init__(self, i2c, address: int = 0x76):
        self.temperature_raw = 2000
        self.pressure_raw = 101325
        self.humidity_raw = 5000
        self._i2c = i2c
        self._address = address
        self._ready = False
        self._byte = bytearray(1)
        self._calibration = bytearray(26)
        self._humidity_calibration = bytearray(7)
        self._answer = bytearray(11)
        self._adc_temperature = 0
        self._adc_pressure = 0
        self._adc_humidity = 0
        self._fine = 0.0  # temperature in 1/5120 degC

    def configure(self) -> bool:
        """Read the calibration and start measuring; 2.3 ms on a Pico with a bus of 400 kHz."""
        self._ready = False
        i2c, address, byte = self._i2c, self._address, self._byte
        try:
            i2c.readfrom_mem_into(address, ID, byte)
            if byte[0] != BME280:
                return False
            i2c.readfrom_mem_into(address, CALIBRATION, self._calibration)
            i2c.readfrom_mem_into(address, HUMIDITY_CALIBRATION, self._humidity_calibration)
            # Asleep first, or the chip may not take the configuration (5.4.6); the humidity's
            # holds from the next write to ctrl_meas on (5.4.3).
            self._write(CTRL_MEAS, MEASURE)
            self._write(CONFIG, REST)
            self._write(CTRL_HUM, HUMIDITY_ONCE)
            self._write(CTRL_MEAS, MEASURE | NORMAL)
        except OSError:
            return False
        self._ready = self._gather()
        return self._ready

    def fetch(self) -> bool:
        """Read the last measurement in one transfer; False without one."""
        if not self._ready and not self.configure():
            return False
        answer = self._answer
        try:
            self._i2c.readfrom_mem_into(self._address, CTRL_MEAS, answer)
        except OSError:
            self._ready = False
            return False
        if answer[0] != MEASURE | NORMAL or answer[1] & NOT_RESERVED != REST:
            self._ready = False  # it has been without power
            return False
        pressure = answer[3] << 12 | answer[4] << 4 | answer[5] >> 4
        temperature = answer[6] << 12 | answer[7] << 4 | answer[8] >> 4
        if temperature == NOTHING_YET and pressure == NOTHING_YET:
            return False
        self._adc_pressure = pressure
        self._adc_temperature = temperature
        self._adc_humidity = answer[9] << 8 | answer[10]
        return True

    def compute_temperature(self) -> bool:
        """Calculate the temperature, first after fetch(): the other steps need it. False if out of
        range."""
        x = self._adc_temperature - self._t1
        fine = x * (self._t2 + x * self._t3)
        hundredths = fine / 51.2
        if not LOWEST_C <= hundredths <= HIGHEST_C:
            return False
        self._fine = fine
        self.temperature_raw = round(hundredths)
        return True

    def compute_pressure(self) -> bool:
        d = self._fine - 128000.0
        gain = self._p1 + d * (self._p2 + d * self._p3)  # above 0 with any calibration
        p = (1048576 - self._adc_pressure - (self._p4 + d * (self._p5 + d * self._p6))) / gain
        p = self._p7 + p * (self._p8 + p * self._p9)
        if not LOWEST_PA <= p <= HIGHEST_PA:
            return False
        self.pressure_raw = round(p)
        return True

    def compute_humidity(self) -> bool:
        d = self._fine - 76800.0
        h = self._adc_humidity - (self._h4 + d * self._h5)
        h *= self._h2 + d * (self._h6 + d * self._h3)
        h *= 1.0 - h * self._h1
        if h <= 0.0:
            self.humidity_raw = 0
        elif h >= HIGHEST_PERCENT:
            self.humidity_raw = HIGHEST_PERCENT
        else:
            self.humidity_raw = round(h)
        return True

    def _write(self, register: int, value: int) -> None:
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)

    def _gather(self) -> bool:
        """Calculate the polynomials' constants from the calibration (table 16); False if it is
        blank."""
        t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9 = struct.unpack_from(
            "<HhhHhhhhhhhh", self._calibration
        )
        h1 = self._calibration[25]
        h2, h3, h4, nibbles, h5, h6 = struct.unpack("<hBbBbb", self._humidity_calibration)
        h4 = h4 << 4 | nibbles & 0x0F
        h5 = h5 << 4 | nibbles >> 4
        if t1 in (0, 0xFFFF) or p1 in (0, 0xFFFF):
            return False
        self._t1 = t1 << 4
        self._t2 = t2 / 16384
        self._t3 = t3 / 131072 / 131072
        # Of half the fine temperature in the data sheet, of the whole of it here.
        self._p1 = p1 / 6250
        self._p2 = self._p1 * p2 / 1048576 / 32768
        self._p3 = self._p1 * p3 / 1048576 / 1048576 / 32768
        self._p4 = p4 * 16.0
        self._p5 = p5 / 16384
        self._p6 = p6 / 65536 / 32768
        self._p7 = p7 / 16
        self._p8 = 1.0 + p8 / 524288
        self._p9 = p9 / 1048576 / 32768
        self._h1 = h1 / 52428800
        self._h2 = h2 / 655.36
        self._h6 = self._h2 * h6 / 67108864
        self._h3 = self._h6 * h3 / 67108864
        self._h4 = h4 * 64.0
        self._h5 = h5 / 16384
        return True
