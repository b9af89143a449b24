"""Wiring plans: which signal is made where, as data."""
