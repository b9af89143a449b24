"""The firmware in this process."""

from typing import Any

from firmware.controller import Controller
from firmware.readings import readings
from firmware.signals import Inputs, Outputs


class LocalFirmware(Controller):
    """The controller, with the two further things that a world needs (twin/world/seam.py)."""

    @property
    def trim(self) -> float:
        """Factor that the compensation law puts on the emission current."""
        return float(self.compensation.trim)

    def readings(self, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
        """Names with units -> numbers and words, by the firmware's own calibration."""
        return readings(self, inputs, outputs)
