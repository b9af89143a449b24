"""The commands of the bench; each module has the name of its command."""

PANEL = "The bench"
