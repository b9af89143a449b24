"""State kept as plain data, so that a run can be saved, resumed, sent and replayed."""


class Plain:
    """Base of every law: the attributes named in STATE are its whole memory."""

    STATE: tuple = ()

    def state(self) -> dict:
        """The memory as a dict of plain values."""
        return {name: getattr(self, name) for name in self.STATE}

    def load(self, state: dict) -> None:
        """Take over a memory that `state()` gave."""
        for name in self.STATE:
            setattr(self, name, state[name])


def clamp(value, low, high):
    """`value`, kept between `low` and `high`; what is not a number becomes `low`."""
    return value if low <= value <= high else high if value > high else low
