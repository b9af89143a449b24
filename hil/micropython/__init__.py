"""A real MicroPython on this machine: where it is found, and how the firmware is started in it."""
