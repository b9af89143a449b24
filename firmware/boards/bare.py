"""A bare board without chips: it drives no output and reads no input."""


class Bare:
    """A board, its unit and its watchdog for firmware/start.py."""

    def __init__(self, board):
        self.name = board.name + " bare"
        self.folder = board.folder
        self.reset = board.reset
        self.guard = board.guard
        self.reset_cause = board.reset_cause

    def make(self, _settings) -> "Bare":
        return self

    def watchdog(self) -> "Bare":
        return self

    def read(self, _inputs) -> None:
        """Leave all counts at 0, which means an open chain."""

    def health(self) -> dict:
        return {}

    def write(self, _outputs) -> None:
        pass

    def feed(self) -> None:
        pass

    def release(self) -> None:
        pass
