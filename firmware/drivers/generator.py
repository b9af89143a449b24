"""The code that the generator drivers share: ages, the enable line and the programs of the DAC."""

AGE_FULL_MS = 65535  # what inputs can hold; older is all the same
CHECK_TICKS = 99  # and all is written in the tick after it
MOST_DIFFERENT = 3  # readings of the DAC in a row that are not what was written
NO_INTERRUPTS = (lambda: None, lambda _state: None)
LOST_TICKS = 10  # without an answer of the DAC: its outputs no longer change


def older(age_ms: int, dt_ms: int) -> int:
    """Return an age, `dt_ms` later."""
    age_ms += dt_ms
    return age_ms if age_ms < AGE_FULL_MS else AGE_FULL_MS


class EnableLine:
    """The pin that closes the generator's own hardware enable; 1 is enabled.

    Once cut, it stays low until the firmware itself has asked for no high voltage: an interlock
    chain that closes again enables nothing.

    interrupts : (disable_irq, enable_irq) of the board, so that no interrupt falls between reading
    the cut flag and setting the level
    """

    def __init__(self, pin, interrupts: tuple = NO_INTERRUPTS):
        self._pin = pin
        self._disable_irq, self._enable_irq = interrupts
        self.off()

    def off(self) -> None:
        """Set the pin low at once. Allocates nothing: may be called from a hard interrupt
        handler."""
        self._pin.value(0)
        self._cut = True

    def apply(self, hv_enable: int, may_enable: bool) -> bool:
        """Set the pin for this tick; True if it is high."""
        if not hv_enable:
            self._pin.value(0)
            self._cut = False
            return False
        if not may_enable:
            self.off()
        before = self._disable_irq()
        if not self._cut:
            self._pin.value(1)
        self._enable_irq(before)
        if self._cut:  # a soft interrupt may still have come in between
            self._pin.value(0)
        return not self._cut


class Programs:
    """The first channels of the quad DAC: A grid, B tube voltage, C filament.

    Set `values`, then `apply`: it sends the channels up to the last that has changed, again and
    again until they have arrived. The grid alone, which moves every tick, is the shortest message.
    Once a second it reads back what the DAC holds, and in the tick after that it sends all, with
    reference and gain. If they differ they are sent at once and read again in the next tick.
    """

    def __init__(self, dac, channels: int):
        self.values = [0] * channels
        self._held = [-1] * channels  # the confirmed values in the DAC
        self._dac = dac
        self._ticks = 0
        self._lost = 0
        self._different = 0

    def arrive(self) -> bool:
        """False while the DAC takes none or holds others: the outputs are not what is asked."""
        return self.answers() and self._different < MOST_DIFFERENT

    def answers(self) -> bool:
        """False while the DAC does not acknowledge."""
        return self._lost < LOST_TICKS

    def power_up_safe(self):
        """Whether the DAC's EEPROM is zero; None before it has been read."""
        return self._dac.power_up_safe

    def apply(self) -> None:
        values = self.values
        held = self._held
        count = 0
        self._ticks += 1
        if self._ticks > CHECK_TICKS:
            self._ticks = 0
            self._dac.renew()
            count = len(values)
        elif self._ticks == CHECK_TICKS or self._different:
            if self._dac.check():
                self._different = 0
            else:
                if self._different < MOST_DIFFERENT:
                    self._different += 1
                count = len(values)
        for at in range(count, len(values)):
            if values[at] != held[at]:
                count = at + 1
        if count:
            for at in range(count):
                held[at] = -1  # until confirmed, even after an exception in between
            arrived = self._dac.write_fast(values, count)
            if arrived:
                self._lost = 0
            elif self._lost < LOST_TICKS:
                self._lost += 1
            if arrived:
                for at in range(count):
                    held[at] = values[at]
