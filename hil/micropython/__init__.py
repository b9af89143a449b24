"""The MicroPython of this machine: its path, and the command line that starts the firmware."""
