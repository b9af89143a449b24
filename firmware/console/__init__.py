"""The operator's console on the serial line: the line itself, and its commands."""

# What an operator can ask the loop to do: Commands.leave is one of them, or None.
RESET = "reset"
LINK = "link"
