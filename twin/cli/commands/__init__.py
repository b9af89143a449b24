"""The commands of the twin: each module is one, and is named as it is."""

PANEL = "The twin"
