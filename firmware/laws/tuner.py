"""The controller's interface to the autotune law. The law's code takes 13 kB, so it is loaded on
the first request while the unit is off, because loading takes longer than a tick may take with
beam. Until then a request with the beam on has no effect.
"""

from firmware.state import Plain


class Tuner(Plain):
    """The interface to the autotune law. `law` is that of autotune.py, once loaded."""

    STATE = ("ma_part", "rest", "fan_program_raw")

    def __init__(self, settings):
        self.settings = settings
        self.law = None  # until it is loaded
        self.ma_part = 1.0  # of the commanded current
        self.rest = 0.0  # speed of the fan at rest, 0 while unknown
        self.fan_program_raw = 0

    def goes_on(self, wanted: bool, off: bool, beam: bool) -> bool:
        """True while an autotune controls the fan: it starts with the beam, if requested."""
        law = self.law
        if law is None:
            if wanted and off:
                self.load_law()
            return False
        going = law.goes_on(wanted and beam)
        self.ma_part = law.ma_part
        return going

    def step(self, dt_s: float, head_c: float, room_c: float, power_w: float, age_ms: int) -> None:
        """Run one step, see Autotune.step."""
        law = self.law
        if law is not None:
            law.step(dt_s, head_c, room_c, power_w, age_ms)
            self.ma_part = law.ma_part
            self.rest = law.rest
            self.fan_program_raw = law.fan_program_raw

    def load_law(self):
        """Return the law; loads it first if necessary, which takes several ticks."""
        if self.law is not None:
            return self.law
        from firmware.laws.autotune import Autotune

        self.law = Autotune(self.settings)
        return self.law

    def state(self) -> dict:
        state = Plain.state(self)
        state["law"] = self.law.state() if self.law else None
        return state

    def load(self, state: dict) -> None:
        Plain.load(self, state)
        self.law = None
        if state["law"]:
            self.load_law().load(state["law"])
