"""A real unit on a serial line: its console, its ports, its state of health."""
