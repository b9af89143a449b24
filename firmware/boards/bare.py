"""A board on the bench, with no chips around it: nothing is driven, nothing is read."""


class Bench:
    """Takes the place of a board, of its unit and of its watchdog in firmware/start.py."""

    def __init__(self, board):
        self.name = board.name + " bench"
        self.folder = board.folder
        self.reset = board.reset
        self.guard = board.guard
        self.reset_cause = board.reset_cause

    def make(self, _settings) -> "Bench":
        return self

    def watchdog(self) -> "Bench":
        return self

    def read(self, _inputs) -> None:
        """All counts stay 0, which is an open chain."""

    def write(self, _outputs) -> None:
        pass

    def feed(self) -> None:
        pass

    def release(self) -> None:
        pass
