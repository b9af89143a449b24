"""The emulated Raspberry Pi Pico and the chips that are connected to it."""
