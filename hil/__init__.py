"""The bench: the same firmware on other targets, connected to the twin."""
