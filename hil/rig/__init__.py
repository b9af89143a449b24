"""The pytest plugin: a bench in the words of a test."""
