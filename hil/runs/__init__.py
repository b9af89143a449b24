"""Bench runs: a job on a target, its figures, JUnit, and the log of every tick."""
