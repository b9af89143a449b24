"""X-RAY ON lamp: a switch, and its current by the controller's own converter.

The current flows through a resistor to ground, so that an open lamp reads 0 and a short circuit
full scale. machine.ADC gives 16 bits on every port; 12 of them are real on an RP2040 (data sheet,
section 4.9).
"""


class Lamp:
    """raw: lamp current, 0 to 4095."""

    def __init__(self, pin, adc):
        self.raw = 0
        self._pin = pin
        self._adc = adc
        pin(0)

    def set(self, on) -> None:
        self._pin(1 if on else 0)

    def read(self) -> bool:
        self.raw = self._adc.read_u16() >> 4
        return True
