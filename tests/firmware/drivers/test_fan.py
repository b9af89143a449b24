"""The fan: its pulse width, and its speed from the times of the tachometer's edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers.fan import Fan
from hil.pico.chips import fan as chips
from hil.pico.chips.bus import PWM, Pin
from tests.kit.driver_rigs import Clock
from tests.kit.on_micropython import printed_on_micropython


class Rig:
    def __init__(self, rpm=0.0, pulses_per_rev=2, begin_us=0):
        self.clock = Clock()
        self.clock.us = begin_us
        self.rpm = rpm
        self.pwm = PWM()
        self.tach = Pin(1)
        self.model = chips.Fan(lambda: self.rpm, pulses_per_rev, begin_us)
        # As on a 32-bit board, the counter wraps.
        ticks_us = lambda: self.clock.us & (1 << 30) - 1  # noqa: E731
        self.fan = Fan(self.pwm, self.tach, ticks_us, pulses_per_rev)

    def after_ms(self, ms):
        until_us = self.clock.us + round(1000 * ms)
        for time_us, level in self.model.edges_until(until_us):
            self.clock.us = time_us
            self.tach.value(level)
        self.clock.us = until_us


def test_the_pulse_width_is_at_25_khz_and_not_inverted():
    rig = Rig()
    assert (rig.pwm.freq(), chips.program_of(rig.pwm)) == (25000, 0)
    rig.fan.set(40000)
    assert chips.program_of(rig.pwm) == 40000


def test_a_fan_without_a_controller_runs_at_full_speed():
    assert chips.program_of(PWM()) == 65535


@given(st.floats(200, 20000), st.sampled_from([1, 2, 4]), st.integers(0, 2**31))
def test_the_speed_is_right_to_a_thousandth_wherever_the_counter_stands(rpm, pulses, begin_us):
    rig = Rig(rpm, pulses, begin_us)
    rig.after_ms(700)
    rig.fan.rpm()
    for _ in range(3):
        rig.after_ms(700)
        assert rig.fan.rpm() == pytest.approx(rpm, rel=1e-3, abs=0.51)


def test_calls_that_come_faster_than_the_edges_see_the_same_speed():
    rig = Rig(1000.0)  # an edge each 30 ms
    rig.after_ms(100)
    rig.fan.rpm()
    rig.after_ms(100)
    for _ in range(50):
        rig.after_ms(10)
        assert rig.fan.rpm() == pytest.approx(1000, abs=1)


def test_the_first_edge_alone_is_no_speed():
    rig = Rig(1000.0)
    rig.after_ms(31)
    assert rig.fan.rpm() == 0
    rig.after_ms(31)
    assert rig.fan.rpm() == pytest.approx(1000, abs=1)


def test_a_fan_that_stands_is_seen_within_a_quarter_of_a_second():
    rig = Rig(3000.0)
    rig.after_ms(100)
    rig.fan.rpm()
    rig.after_ms(100)
    assert rig.fan.rpm() > 2990
    rig.rpm = 0.0
    rig.after_ms(270)
    assert rig.fan.rpm() == 0


def test_a_fan_that_starts_after_long_standing_has_no_wild_speed():
    rig = Rig(3000.0)
    rig.after_ms(100)
    rig.fan.rpm()
    rig.rpm = 0.0
    rig.after_ms(300)
    assert rig.fan.rpm() == 0
    rig.after_ms(20 * 60e3)  # the counter has wrapped meanwhile
    assert rig.fan.rpm() == 0
    rig.rpm = 3000.0
    for _ in range(5):
        rig.after_ms(100)
        assert rig.fan.rpm() in (0, 2999, 3000, 3001)


def test_a_fan_that_never_turned_reads_0():
    rig = Rig()
    rig.after_ms(1000)
    assert rig.fan.rpm() == 0


def test_an_edge_between_the_two_looks_is_taken_whole():
    rig = Rig(3000.0)
    rig.after_ms(100)
    rig.fan.rpm()
    rig.after_ms(100)

    class Interrupted(Fan):
        """An edge comes in while rpm() looks, once."""

        struck = False

        def __getattribute__(self, name):
            if name == "_edge_us" and not Interrupted.struck:
                Interrupted.struck = True
                rig.after_ms(20)
            return object.__getattribute__(self, name)

    rig.fan.__class__ = Interrupted
    assert rig.fan.rpm() == pytest.approx(3000, abs=3)
    assert Interrupted.struck
    assert rig.fan._seen_us == rig.fan._edge_us


@given(st.lists(st.integers(0, 2**30 - 1), max_size=30))
def test_edges_at_any_times_give_no_speed_out_of_range(times_us):
    rig = Rig()
    for time_us in times_us:
        rig.clock.us = time_us
        rig.tach.value(0)
        rig.tach.value(1)
        assert 0 <= rig.fan.rpm() <= 65535


def test_a_port_without_hard_interrupts_gets_soft_ones():
    class SoftPin:
        IRQ_FALLING = 2

        def irq(self, handler, trigger):
            self.trigger = trigger

    pin = SoftPin()
    Fan(PWM(), pin, Clock())
    assert pin.trigger == SoftPin.IRQ_FALLING


def test_a_frequency_that_the_specification_does_not_allow_is_an_error_of_the_model():
    pwm = PWM()
    pwm.freq(1000)
    with pytest.raises(ValueError, match="1000 Hz"):
        chips.program_of(pwm)


BEYOND = """
import micropython
from firmware.drivers.fan import Fan
from firmware.ticks import COUNT_MASK

class Part:
    IRQ_FALLING = 4
    def freq(self, hz): pass
    def duty_u16(self, duty): pass
    def irq(self, handler, trigger, hard): self.handler = handler

tach = Part()
fan = Fan(Part(), tach, lambda: 7)
fan._edges = COUNT_MASK
micropython.heap_lock()
tach.handler(tach)
micropython.heap_unlock()
print(fan._edges)
"""


def test_no_count_is_so_high_that_the_interrupt_allocates():
    """One that did would be switched off by the port: a fan that turns would trip the beam."""
    assert printed_on_micropython("single", BEYOND) == ["0"]
