"""The emulated Raspberry Pi Pico, and the chips around it."""
