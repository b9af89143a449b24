"""The operator's console on the serial line: the line itself, and its commands."""
