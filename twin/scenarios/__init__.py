"""Scenarios: what the room does, how the tube starts, what is done and expected."""
