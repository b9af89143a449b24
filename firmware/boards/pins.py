"""Which signal is on which pin: one table for each board. docs/wiring.md draws them."""

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
