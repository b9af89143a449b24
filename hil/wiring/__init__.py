"""Wiring plans: which signal is on which pin, chip or wire frame."""
