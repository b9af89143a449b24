"""A bare board, with no chips around it: nothing is driven, nothing is read."""


class Bare:
    """Takes the place of a board, of its unit and of its watchdog in firmware/start.py."""

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
        """All counts stay 0, which is an open chain."""

    def write(self, _outputs) -> None:
        pass

    def feed(self) -> None:
        pass

    def release(self) -> None:
        pass
