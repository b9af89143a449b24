"""The analog generator's driver: monitors and their ages, programs, enable line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL
from firmware.drivers.analog_generator import AnalogGenerator
from firmware.drivers.generator import EnableLine
from firmware.signals import Inputs, Outputs
from firmware.ticks import MASK, PERIOD_MS
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython
from tests.kit.spellman_rig import TICK_MS, Dac


class Adc:
    """A converter whose new channel shows only after two conversions, some 3 ms."""

    def __init__(self, rig: "Rig", volts: list[float]):
        self.rig = rig
        self.volts = volts
        self.raw = 0
        self.channel = self.before = 0
        self.selected_ms = -1000
        self.broken = False
        self.reset = False
        self.selects: list[int] = []
        self.proving = False

    def select(self, channel: int) -> bool:
        self.selects.append(channel)
        self.before, self.channel = self.channel, channel
        self.selected_ms = self.rig.now_ms
        self.reset = False
        return not self.broken

    def prove(self) -> bool:
        self.proving = not self.broken
        return self.proving

    def read(self) -> bool:
        if self.proving:
            self.proving = False
            return False
        settled = self.rig.now_ms - self.selected_ms >= 3
        volts = self.volts[self.channel if settled else self.before]
        if not self.broken:
            self.raw = 0 if self.reset else round(volts / 62.5e-6)
        return not self.broken

    def check(self) -> bool:
        if self.reset:
            self.select(self.channel)
            return False
        return not self.broken


class Pin:
    def __init__(self, level: int):
        self.level = level

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self.level = level
        return self.level


class Rig:
    """kV monitor at 1 V, mA monitor at 0.5 V, filament at 0.25 V, LM35 at 25 degC."""

    def __init__(self, start_ms: int = 0):
        self.now_ms = 0
        self.start_ms = start_ms
        self.kv_adc = Adc(self, [1.0])
        self.ma_adc = Adc(self, [0.5, 0.25, 0.250])
        self.dac = Dac()
        self.enable, self.fault = Pin(-1), Pin(1)
        self.inputs: Any = Inputs()
        self.outputs: Any = Outputs()
        self.may_enable = True
        self.healthy = False
        self.driver = AnalogGenerator(self.kv_adc, self.ma_adc, self.dac, self.enable, self.fault)

    def tick(self, dt_ms: int = TICK_MS) -> None:
        now_ms = (self.start_ms + self.now_ms) & MASK
        self.healthy = self.driver.read(now_ms, self.inputs)
        self.driver.write(self.outputs, self.may_enable)
        self.now_ms += dt_ms

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // TICK_MS):
            self.tick()


# Reading


def test_before_the_first_samples_nothing_is_young():
    rig = Rig()
    rig.kv_adc.broken = rig.ma_adc.broken = True
    rig.run(500)
    assert rig.inputs.adc_age_ms == rig.inputs.generator_age_ms == 65535


def test_voltages_become_counts_and_the_lm35s_millivolts_a_temperature():
    """62.5 uV a count; 10 mV/degC: 250 mV are 25 degC (TI SNIS159H, section 1)."""
    rig = Rig()
    rig.run(1000)
    assert rig.inputs.kv_monitor_raw == 16000
    assert rig.inputs.ma_monitor_raw == 8000
    assert rig.inputs.filament_monitor_raw == 4000
    assert rig.inputs.generator_temperature_raw == 2500


def test_filament_and_temperature_come_every_half_second_and_cost_the_current_one_tick():
    rig = Rig()
    rig.run(1000)
    before = len(rig.ma_adc.selects)
    ages, temperature_ages = [], []
    for _ in range(300):
        rig.tick()
        ages.append(rig.inputs.adc_age_ms)
        temperature_ages.append(rig.inputs.generator_age_ms)
    assert set(ages) == {0, TICK_MS}
    proofs = 3 * 2  # each converter's, once a second
    assert ages.count(TICK_MS) == 12 + proofs  # of 300, in 3 s
    assert max(temperature_ages) == 490
    selects = rig.ma_adc.selects[before:]
    assert {channel: selects.count(channel) for channel in (0, 1, 2)} == {0: 12, 1: 6, 2: 6}


@given(periods=st.lists(st.integers(1, 40), min_size=50, max_size=150))
def test_whenever_the_tick_comes_no_channel_passes_for_another(periods):
    """Late ticks, and the hurried ones after them, in which the converter has not settled yet."""
    rig = Rig()
    for period_ms in periods:
        rig.tick(period_ms)
        assert rig.inputs.ma_monitor_raw in (0, 8000)
        assert rig.inputs.filament_monitor_raw in (0, 4000)
        assert rig.inputs.generator_temperature_raw in (0, 2500)


@pytest.mark.parametrize("which", ["kv_adc", "ma_adc"])
def test_a_converter_that_fails_lets_its_sample_age_and_comes_back(which):
    rig = Rig()
    rig.run(500)
    adc = getattr(rig, which)
    adc.broken = True
    rig.run(200)
    assert 190 <= rig.inputs.adc_age_ms <= 210
    assert rig.inputs.kv_monitor_raw == 16000  # the last good one
    adc.broken = False
    rig.run(30)
    assert rig.inputs.adc_age_ms <= TICK_MS


@pytest.mark.parametrize("which", ["kv_adc", "ma_adc"])
def test_a_converter_that_a_brown_out_has_reset_is_not_believed(which):
    """It acknowledges and reads 0; a current of 0 would open the grid."""
    rig = Rig()
    rig.run(500)
    adc = getattr(rig, which)
    adc.reset = True
    rig.tick()
    assert rig.inputs.adc_age_ms == TICK_MS
    assert (rig.inputs.kv_monitor_raw, rig.inputs.ma_monitor_raw) == (16000, 8000)
    rig.run(30)  # the current's is lent once meanwhile
    assert rig.inputs.adc_age_ms == 0


def test_a_true_zero_is_believed():
    rig = Rig()
    rig.kv_adc.volts[0] = 0.0
    rig.run(100)
    assert (rig.inputs.kv_monitor_raw, rig.inputs.adc_age_ms) == (0, 0)


@pytest.mark.parametrize("volts", [0.0, 0.019, 1.51, 2.04])
def test_a_temperature_that_an_lm35_cannot_give_is_a_broken_wire(volts):
    rig = Rig()
    rig.run(1000)
    rig.ma_adc.volts[2] = volts
    rig.run(2000)
    assert rig.inputs.generator_age_ms >= 2000
    assert rig.inputs.generator_temperature_raw == 2500


@pytest.mark.parametrize(("raw", "seen"), [(-300, 0), (ADC_FULL + 1, ADC_FULL)])
def test_what_is_outside_of_the_signals_range_is_kept_within_it(raw, seen):
    rig = Rig()
    rig.kv_adc.volts[0] = rig.ma_adc.volts[0] = raw * 62.5e-6
    rig.run(100)
    assert rig.inputs.kv_monitor_raw == rig.inputs.ma_monitor_raw == seen


def test_health_is_the_fault_contact():
    rig = Rig()
    rig.run(100)
    assert rig.healthy
    rig.fault.level = 0
    rig.tick()
    assert rig.healthy is False


def test_the_clock_wraps_and_nothing_happens():
    plain, wrapped = Rig(), Rig(PERIOD_MS - 1000)
    for _ in range(300):
        plain.tick()
        wrapped.tick()
        assert plain.inputs.values() == wrapped.inputs.values()


def test_ages_stop_at_what_the_signal_can_hold():
    rig = Rig()
    rig.run(1000)
    rig.ma_adc.broken = True
    rig.run(70_000)
    assert rig.inputs.adc_age_ms == rig.inputs.generator_age_ms == 65535


# Writing


def energised(rig: Rig) -> Rig:
    rig.run(50)
    rig.outputs.hv_enable = 1
    rig.outputs.grid_program_raw, rig.outputs.kv_program_raw = 300, 3000
    rig.outputs.filament_program_raw = 2000
    rig.run(50)
    assert rig.dac.channels[:3] == [300, 3000, 2000] and rig.enable.level == 1
    return rig


def test_only_the_channels_up_to_the_last_change_are_written():
    rig = energised(Rig())
    for name, value, sent in [
        ("grid_program_raw", 301, [301]),
        ("kv_program_raw", 3001, [301, 3001]),
        ("filament_program_raw", 2001, [301, 3001, 2001]),
    ]:
        rig.dac.writes.clear()
        setattr(rig.outputs, name, value)
        rig.tick()
        assert rig.dac.writes == [sent]
    rig.dac.writes.clear()
    rig.run(500)
    assert rig.dac.writes == []


def test_what_did_not_arrive_is_written_again():
    rig = energised(Rig())
    rig.dac.broken = True
    rig.outputs.kv_program_raw = 3100
    rig.tick()
    rig.dac.broken = False
    rig.tick()
    assert rig.dac.channels[:3] == [300, 3100, 2000]


def test_a_dac_that_a_brown_out_has_reset_has_its_programs_back_within_a_second():
    rig = energised(Rig())
    rig.dac.channels = [0, 0, 0, 0]
    rig.dac.lost = True
    rig.run(1000)
    assert rig.dac.channels[:3] == [300, 3000, 2000]


@pytest.mark.parametrize("how", ["may_enable", "interrupt", "outputs"])
def test_off_opens_the_enable_line_and_cuts_voltage_and_grid_off(how):
    rig = energised(Rig())
    if how == "interrupt":
        rig.driver.off()
        assert rig.enable.level == 0  # before any tick
    elif how == "may_enable":
        rig.may_enable = False
    else:
        rig.outputs.hv_enable = 0
    rig.tick()
    assert rig.enable.level == 0
    assert rig.dac.channels[:3] == [0, 0, 2000]


def test_a_cut_line_stays_open_until_the_firmware_itself_has_said_off():
    rig = energised(Rig())
    rig.driver.off()
    rig.run(1000)
    assert rig.enable.level == 0
    rig.outputs.hv_enable = 0
    rig.tick()
    rig.outputs.hv_enable = 1
    rig.tick()
    assert rig.enable.level == 1


@pytest.mark.parametrize("before", [True, False])
def test_an_interrupt_in_the_middle_of_switching_on_wins(before):
    """The handler runs right before the pin goes high, or right after."""
    rig = Rig()
    rig.run(50)
    value = rig.enable.value

    def interrupted(level: int | None = None) -> int:
        if level == 1 and before:
            rig.driver.off()
        value(level)
        if level == 1 and not before:
            rig.driver.off()
        return rig.enable.level

    rig.enable.value = interrupted  # type: ignore[method-assign]
    rig.outputs.hv_enable = 1
    rig.outputs.kv_program_raw = 3000
    rig.tick()
    assert rig.enable.level == 0
    assert rig.dac.channels[:2] == [0, 0]


def test_while_it_is_decided_whether_to_switch_on_no_interrupt_comes():
    """One that comes in that moment waits, and then finds a pin to take away; never the reverse."""
    levels: list[int] = []
    waiting: list[bool] = []

    class Pin:
        def value(self, level: int) -> None:
            levels.append(level)

    def enable_irq(state: str) -> None:
        assert state == "as before"
        waiting.pop()
        line.off()

    def disable_irq() -> str:
        waiting.append(True)
        return "as before"

    line = EnableLine(Pin(), (disable_irq, enable_irq))
    assert not line.apply(0, True)
    del levels[:]
    assert not line.apply(1, True)
    assert levels == [1, 0, 0]
    assert not waiting


def test_the_pin_is_low_from_the_start():
    assert Rig().enable.level == 0


# On MicroPython

SCRIPT = """
import gc
try:
    from micropython import heap_lock, heap_unlock
except ImportError:
    heap_lock = heap_unlock = lambda: None
from firmware.drivers.analog_generator import AnalogGenerator
from firmware.signals import Inputs, Outputs

class Adc:
    raw = 0
    channel = 0
    def select(self, channel):
        self.channel = channel
        return True
    def read(self):
        self.raw = (7 + 4000 * (self.channel + 1)) % 16383
        return True
    def check(self):
        return True
    def prove(self):
        return True

class Dac:
    def write_fast(self, values, count):
        return True
    def check(self):
        return True
    def renew(self):
        pass

class Pin:
    level = 1
    def value(self, level=-1):
        if level >= 0:
            self.level = level
        return self.level

pin, inputs, outputs = Pin(), Inputs(), Outputs()
driver = AnalogGenerator(Adc(), Adc(), Dac(), pin, Pin())
now_ms = (1 << 30) - 500
for tick in range(200):
    outputs.hv_enable = 1 if 40 <= tick < 150 else 0
    outputs.grid_program_raw = outputs.kv_program_raw = 20 * tick
    gc.collect()
    if tick:
        heap_lock()
    good = driver.read(now_ms, inputs)
    driver.write(outputs, tick < 120)
    heap_unlock() if tick else None
    print(tick, good, pin.level, inputs.values(), driver.programs.values)
    now_ms = (now_ms + 10) & 0x3FFFFFFF
heap_lock()
driver.off()
heap_unlock()
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_micropython_does_the_same_and_a_tick_allocates_nothing(precision):
    """With the heap locked any allocation is an error."""
    here = printed_here(SCRIPT)
    assert len(here) == 200 and len(set(line.split(" ", 1)[1] for line in here)) > 100
    assert printed_on_micropython(precision, SCRIPT) == here
