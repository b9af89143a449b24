"""Four-wire fan: pulse width at 25 kHz, speed by interrupt from its tachometer.

Intel, "4-Wire Pulse Width Modulation (PWM) Controlled Fans", revision 1.3 (September 2005): 25 kHz
(21 to 28), not inverted, open drain against a pull-up in the fan; two tachometer pulses per turn,
open collector. A transistor makes the open drain and inverts, which the board's PWM undoes. With
the controller off the line is pulled up and the fan runs at full speed.
"""

from firmware.ticks import COUNT_MASK, diff

FREQUENCY_HZ = 25000
STALLED_US = 250000  # longer than this between two pulses counts as stopped (120 rpm)
HIGHEST_RPM = 65535


class Fan:
    """A fan: set(duty) with 0 to 65535, rpm() from the times of the tachometer's edges.

    ticks_us is that of the `time` module. The interrupt is hard if the port has hard interrupts,
    and allocates nothing.
    """

    def __init__(self, pwm, tach_pin, ticks_us, pulses_per_rev: int = 2):
        self.duty = 0
        self._pwm = pwm
        self._ticks_us = ticks_us
        self._rpm_us = 60e6 / pulses_per_rev
        self._edges = 0
        self._edge_us = 0
        self._seen_edges = 0
        self._seen_us = 0
        self._turning = False  # _seen_us is the time of an edge to count from
        self._rpm = 0
        pwm.freq(FREQUENCY_HZ)
        pwm.duty_u16(0)
        try:
            tach_pin.irq(handler=self._edge, trigger=tach_pin.IRQ_FALLING, hard=True)
        except TypeError:  # the ESP32's port has soft interrupts only
            tach_pin.irq(handler=self._edge, trigger=tach_pin.IRQ_FALLING)

    def set(self, duty: int) -> None:
        """Pulse width, 0 to 65535."""
        if duty != self.duty:
            self.duty = duty
            self._pwm.duty_u16(duty)

    def rpm(self) -> int:
        """Return the mean speed (rpm) over the whole revolutions since the last call; 0 when
        stopped."""
        edges = -1
        while edges != self._edges:  # both of one edge, even after an interrupt in between
            edges = self._edges
            edge_us = self._edge_us
        count = (edges - self._seen_edges) & COUNT_MASK
        if count == 0:
            if self._turning and diff(self._ticks_us(), self._seen_us) > STALLED_US:
                self._turning = False
                self._rpm = 0
            return self._rpm
        time_us = diff(edge_us, self._seen_us)
        if self._turning and time_us > 0:
            self._rpm = min(HIGHEST_RPM, int(self._rpm_us * count / time_us + 0.5))
        self._turning = True
        self._seen_edges = edges
        self._seen_us = edge_us
        return self._rpm

    def _edge(self, _pin) -> None:
        self._edge_us = self._ticks_us()
        self._edges = (self._edges + 1) & COUNT_MASK
