"""A real unit on a serial line: console, ports, checks."""
