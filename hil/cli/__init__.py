"""The commands of the bench: each module is one, and is named as it is."""

PANEL = "The bench"
