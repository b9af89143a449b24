"""State kept as plain data, so that a run can be saved, resumed, sent and replayed."""


class Plain:
    """The base of every law: the attributes named in STATE are its whole memory."""

    STATE: tuple = ()

    def state(self) -> dict:
        """Return the memory as a dict of plain values."""
        return {name: getattr(self, name) for name in self.STATE}

    def load(self, state: dict) -> None:
        """Load a memory that `state()` returned."""
        for name in self.STATE:
            setattr(self, name, state[name])


def clamp(value, low, high):
    """Return `value`, limited to `low` and `high`; NaN becomes `low`."""
    return value if low <= value <= high else high if value > high else low
