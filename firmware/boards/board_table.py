"""The table of boards: the pins of each, and how a computer identifies it. docs/board/wiring.md
draws the pins.

To add a board: a file in this folder with the code that only this board needs, and here its pins
and a row.
"""

# Raspberry Pi Pico, Pico W, Pico 2 and Pico 2 W: GPIO numbers.
PICO = {
    "generator_tx": 0,
    "generator_rx": 1,
    "i2c_sda": 4,
    "i2c_scl": 5,
    "chain_a": 8,
    "chain_b": 9,
    "generator_ok": 10,
    "hv_enable": 11,
    "lamp": 12,
    "fan_tach": 14,
    "fan_pwm": 15,
    "spi_miso": 16,
    "head_cs": 17,
    "spi_sck": 18,
    "spi_mosi": 19,
    "mount_cs": 20,
    "lamp_sense": 26,
}

# ESP32-DevKitC: GPIO numbers. Not used: 6 to 11 (flash), 16 and 17 (memory of a WROVER), 1 and 3
# (console), and 0, 2, 5, 12, 15, which select how it boots. 34 to 39 are inputs without pulls; 36
# and 39 dip for 80 ns when the converter is switched on (erratum GPIO-3.11) and so have no
# interrupts. 14 is high during boot, the level of an idle transmitter. Of the converters only the
# first works beside Wi-Fi: 32 to 39.
ESP32 = {
    "generator_tx": 14,
    "generator_rx": 39,
    "i2c_sda": 21,
    "i2c_scl": 22,
    "chain_a": 25,
    "chain_b": 26,
    "generator_ok": 27,
    "hv_enable": 32,
    "lamp": 33,
    "fan_tach": 34,
    "fan_pwm": 4,
    "spi_miso": 35,
    "head_cs": 19,
    "spi_sck": 18,
    "spi_mosi": 23,
    "mount_cs": 13,
    "lamp_sense": 36,
}

# Pyboard v1.1 and Pyboard D: names on the board. The buses are on the pins of the port (UART "YA",
# I2C 1, SPI 1). No two interrupts are on processor pins of the same number (PB0, PB1, PB12).
PYBOARD = {
    "generator_tx": "Y1",
    "generator_rx": "Y2",
    "i2c_sda": "X10",
    "i2c_scl": "X9",
    "chain_a": "Y11",
    "chain_b": "Y12",
    "generator_ok": "Y6",
    "hv_enable": "X3",
    "lamp": "X4",
    "fan_tach": "Y5",
    "fan_pwm": "Y9",
    "spi_miso": "X7",
    "head_cs": "X5",
    "spi_sck": "X6",
    "spi_mosi": "X8",
    "mount_cs": "X2",
    "lamp_sense": "X11",
}

# name: that of its file; title: on pages; port: of MicroPython, which has stubs for mypy; platform:
# its sys.platform; chip: regular expression that sys.implementation._machine of every suitable
# board contains; machine: the same, of boards that need not be named by the user; pins.
TABLE = (
    ("pico", "Raspberry Pi Pico, Pico W", "rp2", "rp2", "RP2040", "^Raspberry Pi Pico", PICO),
    ("pico2", "Pico 2, Pico 2 W", "rp2", "rp2", "RP2350", "^Raspberry Pi Pico", PICO),
    ("esp32", "ESP32-DevKitC", "esp32", "esp32", "with ESP32$", "with ESP32$", ESP32),
    ("pyboard", "Pyboard v1.1, Pyboard D", "stm32", "pyboard", "STM32", "^PYB", PYBOARD),
)
