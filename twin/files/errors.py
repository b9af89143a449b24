"""Errors that the user can fix."""


class InputError(Exception):
    """Unusable input. The message is one line: place, problem and fix. Exit status 2."""
