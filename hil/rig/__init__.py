"""The pytest plugin: a bench as fixtures of a test."""
