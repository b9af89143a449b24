"""The one kind of error a user can mend."""


class InputError(Exception):
    """Unusable input: one line that says what, where and what to do. Exit status 2."""
