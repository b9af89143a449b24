"""The operator's console on the serial line: the line itself, and its commands."""

# Requests of the operator to the loop: Commands.leave is one of them, or None.
RESET = "reset"
LINK = "link"
