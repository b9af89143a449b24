"""The bench: the same firmware on other targets, driven by the twin."""
