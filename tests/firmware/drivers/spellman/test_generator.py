"""The serial generator's driver against the virtual generator, over a wire with its own pace."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL
from firmware.drivers.spellman import generator as spellman
from firmware.interlock_table import STALE_MONITORS_MS
from firmware.settings import Settings
from firmware.signal_table import INPUTS
from firmware.ticks import PERIOD_MS
from hil.pico.chips.spellman import frame
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython
from tests.kit.spellman_rig import TICK_MS, Rig

MODELS = ["uX50P50", "SLM70P300"]


def ages(rig: Rig, duration_ms: int) -> list[int]:
    """Age of the monitors in each tick."""
    found = []
    for _ in range(duration_ms // TICK_MS):
        rig.tick()
        found.append(rig.inputs.adc_age_ms)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_before_the_first_answer_nothing_is_healthy_and_nothing_is_young(model):
    rig = Rig(model)
    rig.generator.mute = True
    rig.run(1000)
    assert not rig.healthy
    assert rig.driver.trouble == "no answer"
    assert rig.inputs.adc_age_ms == rig.inputs.generator_age_ms == 65535


@pytest.mark.parametrize(("model", "off"), [("uX50P50", "99,0,"), ("SLM70P300", "98,0,")])
def test_the_first_thing_said_is_off(model, off):
    rig = Rig(model)
    rig.run(300)
    assert rig.generator.heard[0].decode() == off
    assert rig.healthy


@pytest.mark.parametrize("model", MODELS)
def test_high_voltage_is_switched_on_with_its_set_points_and_off_again(model):
    rig = Rig(model)
    rig.switch_on()
    generator, settings = rig.generator, rig.settings
    build = generator.build
    assert rig.pin.level == 1
    kv = 2048 / 4095 * settings.kv_full
    assert generator.set_points[10] / 4095 * build.kv == pytest.approx(kv, abs=build.kv / 4095)
    limit_ma = generator.set_points[11] / 4095 * build.ma
    assert limit_ma == pytest.approx(settings.trip_ma, abs=build.ma / 4095)
    assert rig.inputs.kv_monitor_raw == pytest.approx(2048 / 4095 * ADC_FULL, abs=20)
    rig.outputs.hv_enable = rig.outputs.kv_program_raw = 0
    rig.run(300)
    assert not generator.hv_on and not rig.tube.hv_enable
    assert generator.set_points[10] == 0
    assert rig.inputs.kv_monitor_raw == 0
    assert rig.healthy


def test_a_ux_gets_the_filament_program_as_limit_and_as_preheat():
    rig = Rig()
    rig.switch_on(filament_program_raw=2150)
    amps = 2150 / 4095 * rig.settings.filament_full_a
    for command in (12, 13):
        assert rig.generator.set_points[command] / 4095 * 10.0 == pytest.approx(amps, abs=0.002)
    assert rig.inputs.filament_monitor_raw == pytest.approx(2150 / 4095 * ADC_FULL, abs=20)
    assert rig.inputs.generator_temperature_raw == pytest.approx(3210, abs=4)
    assert rig.inputs.generator_age_ms <= 50


def test_an_slm_leaves_the_filament_to_the_dac_and_has_no_temperature():
    rig = Rig("SLM70P300")
    rig.switch_on(filament_program_raw=2150)
    assert rig.dac.channels == [0, 0, 2150, 0]
    assert rig.inputs.generator_age_ms == 65535


@pytest.mark.parametrize(("program", "order"), [(2500, ["13", "12"]), (1500, ["12", "13"])])
def test_the_preheat_never_goes_above_the_limit(program, order):
    """Up, the limit leads; down, the preheat."""
    rig = Rig()
    rig.switch_on(filament_program_raw=2000)
    before = len(rig.generator.heard)
    rig.outputs.filament_program_raw = program
    rig.run(100)
    heard = [text.split(",")[0] for text in rig.heard_since(before)]
    assert [command for command in heard if command in ("12", "13")] == order


@pytest.mark.parametrize("count", [0, 1, 2047, 4000, 4094])
def test_its_12_bits_become_our_counts_by_the_ratio_of_the_full_scales(count):
    """50 kV of 60, 2.4 mA of 2, 3.6 A of 4: the default settings and the uX's monitors."""
    rig = Rig()
    rig.tube.follows = False
    fields = {"kv": 50.0 / 60.0, "ma": 2.4 / 2.0, "filament": 3.6 / 4.0}
    for name, ratio in fields.items():
        setattr(
            rig.tube, f"{name}_monitor_raw", min(ADC_FULL, round(count / 4095 * ratio * ADC_FULL))
        )
    rig.run(300)
    for name, ratio in fields.items():
        expected = min(ADC_FULL, count / 4095 * ratio * ADC_FULL)
        # half a count of the generator's, and one of ours
        assert getattr(rig.inputs, f"{name}_monitor_raw") == pytest.approx(
            expected, abs=0.5 * ratio * ADC_FULL / 4095 + 1.0
        )


def test_a_monitor_at_the_end_of_its_scale_reads_as_the_end_of_ours_and_trips():
    """50 kV is the end of a uX's scale: there may be more. 60 kV is the end of ours."""
    rig = Rig()
    rig.tube.follows = False
    rig.tube.kv_monitor_raw = round(50.0 / 60.0 * ADC_FULL)
    rig.run(300)
    assert rig.inputs.kv_monitor_raw == ADC_FULL


def test_a_tube_for_more_than_the_generators_voltage_is_refused_at_once():
    settings = Settings()
    settings.kv_max = 60.0
    with pytest.raises(ValueError, match=r"kv_max = 60 is above the 50 kV of uX50P50: lower it"):
        Rig(settings=settings)


# Off


def test_off_goes_to_the_pin_in_its_own_tick_and_overtakes_what_is_under_way():
    rig = Rig()
    rig.switch_on()
    rig.tick()
    before = len(rig.generator.heard)
    rig.outputs.kv_program_raw = 2100  # a change, and off in the same tick
    rig.outputs.hv_enable = 0
    rig.driver.read(rig.now_ms, rig.inputs)
    rig.driver.write(rig.outputs, True)
    assert rig.pin.level == 0
    heard = rig.heard_since(before)
    assert heard[-1] == "99,0,"
    assert len(heard) == 2  # what `read` asked for, and off without waiting for its answer


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_off_is_said_until_it_is_confirmed(lost):
    rig = Rig()
    rig.switch_on()
    rig.generator.mute = True
    rig.outputs.hv_enable = rig.outputs.kv_program_raw = 0
    rig.run(lost * 50)
    assert rig.pin.level == 0
    rig.generator.mute = False
    before = len(rig.generator.heard)
    rig.run(100)
    assert "99,0," in rig.heard_since(before)


def test_a_generator_that_is_on_although_off_was_confirmed_is_sent_off_again():
    rig = Rig()
    rig.run(300)
    rig.pin.generator = None  # and its enable line is shorted
    rig.generator.interlock_open = False
    rig.generator.hv_on = True
    rig.run(300)
    assert not rig.generator.hv_on


@pytest.mark.parametrize("how", ["may_enable", "interrupt"])
def test_a_cut_line_stays_open_until_the_firmware_itself_has_said_off(how):
    rig = Rig()
    rig.switch_on()
    if how == "interrupt":
        rig.driver.off()
        assert rig.pin.level == 0  # before any tick
    else:
        rig.may_enable = False
    rig.run(100)
    assert rig.is_on() == (0, False)
    assert rig.dac.channels[0] == 0
    rig.may_enable = True  # the chain has closed again; the outputs have not changed
    rig.run(1000)
    assert rig.is_on() == (0, False)
    rig.outputs.hv_enable = 0
    rig.run(300)
    rig.outputs.hv_enable = 1
    rig.run(300)
    assert rig.is_on() == (1, True)


def test_high_voltage_asked_for_at_the_very_first_tick_enables_nothing():
    rig = Rig()
    rig.outputs.hv_enable = 1
    rig.run(500)
    assert rig.is_on() == (0, False)


# Health


def test_a_fault_shows_and_is_reset_at_rest_and_not_before():
    rig = Rig()
    rig.switch_on()
    rig.generator.trip()
    rig.run(300)
    assert not rig.healthy and rig.driver.trouble == "fault"
    rig.run(3000)
    assert rig.generator.faulted  # while high voltage is still asked for nothing is reset
    rig.outputs.hv_enable = rig.outputs.kv_program_raw = 0
    rig.run(800)
    assert (rig.generator.faulted, rig.healthy) == (True, False)
    rig.run(600)
    assert (rig.generator.faulted, rig.healthy) == (False, True)
    assert rig.generator.heard.count(b"52,") == 1


def test_our_own_open_enable_line_is_no_fault_but_an_open_interlock_beside_it_is():
    rig = Rig()
    rig.run(500)
    assert rig.generator.interlock_open and rig.healthy
    rig.outputs.hv_enable = 1
    rig.outputs.kv_program_raw = 2048
    rig.run(400)
    assert rig.healthy
    rig.pin.stuck_open = True
    rig.generator.interlock_open = True
    rig.run(300)
    assert rig.driver.trouble == "interlock open"


@pytest.mark.parametrize("code", ["0", "1", "2"])
def test_a_refused_high_voltage_is_tried_five_times_and_then_left_alone(code):
    """Published programs disagree about what an open interlock answers."""
    rig = Rig()
    rig.run(300)
    rig.generator.interlock_code = code
    rig.pin.stuck_open = True
    rig.outputs.hv_enable = 1
    rig.outputs.kv_program_raw = 2048
    rig.run(2000)
    assert not rig.healthy
    assert rig.generator.heard.count(b"99,1,") == 5


def test_high_voltage_that_drops_out_is_not_switched_on_again():
    rig = Rig()
    rig.switch_on()
    rig.generator.hv_on = False
    rig.run(1000)
    assert not rig.healthy and rig.driver.trouble == "high voltage dropped out"
    assert not rig.generator.hv_on
    rig.outputs.hv_enable = 0
    rig.run(300)
    assert rig.healthy


def test_a_generator_that_lost_its_set_points_gets_them_again():
    rig = Rig()
    rig.switch_on(filament_program_raw=2000)
    before = dict(rig.generator.set_points)
    rig.outputs.hv_enable = 0
    rig.generator.mute = True
    rig.run(1000)
    rig.generator.set_points = dict.fromkeys(before, 0)
    rig.generator.mute = False
    rig.run(1000)
    assert rig.generator.set_points == before | {10: 0}


# Time


@pytest.mark.parametrize(("model", "most_ms"), [("uX50P50", 20), ("SLM70P300", 30)])
def test_at_115200_baud_the_monitors_are_young_enough(model, most_ms):
    rig = Rig(model)
    rig.switch_on()
    ramp = range(100, 3000, 20)
    found = []
    for raw in ramp:  # both programs change ten times a second
        rig.outputs.kv_program_raw = rig.outputs.filament_program_raw = raw
        found += ages(rig, 100)
    assert max(found) == most_ms
    assert rig.driver.timeouts == 0


@pytest.mark.parametrize(("answer_us", "most_ms"), [(5000, 20), (15000, 50)])
def test_a_generator_that_takes_two_ticks_is_still_young_enough(answer_us, most_ms):
    rig = Rig()
    rig.generator.answer_us = answer_us
    rig.switch_on()
    assert max(ages(rig, 3000)) == most_ms <= STALE_MONITORS_MS


def test_9600_baud_is_too_slow_whatever_the_time_out(monkeypatch):
    for timeout_ms in (20, 60, 100, 150):
        monkeypatch.setattr(spellman, "TIMEOUT_MS", timeout_ms)
        rig = Rig(baud=9600)
        rig.run(1000)
        for _ in range(20):
            assert max(ages(rig, 200)) > STALE_MONITORS_MS


def test_one_lost_answer_does_not_make_the_monitors_stale():
    rig = Rig()
    rig.switch_on()
    for _ in range(30):
        rig.generator.mute = True
        rig.tick()
        rig.generator.mute = False
        assert max(ages(rig, 270)) <= STALE_MONITORS_MS
    assert rig.driver.timeouts > 20
    assert rig.healthy


@pytest.mark.parametrize("fault", ["mute", "wrong_checksum"])
def test_without_good_answers_the_monitors_age_from_the_last_one_on(fault):
    rig = Rig()
    rig.switch_on()
    setattr(rig.generator, fault, True)
    found = ages(rig, 1000)
    steps = [later - earlier for earlier, later in pairwise(found[2:])]
    assert set(steps) == {TICK_MS}
    assert found[5] <= 80
    assert (rig.healthy, rig.driver.trouble) == (False, "no answer")
    setattr(rig.generator, fault, False)
    rig.run(500)
    assert (rig.healthy, rig.driver.trouble) == (True, "")
    assert rig.inputs.adc_age_ms <= 20


@given(late_ms=st.lists(st.sampled_from([2, 2, 2, 15, 25, 45, 60, 90, 150]), max_size=60))
@example(late_ms=[45] * 60)
@example(late_ms=[2] * 10)
def test_what_looks_young_and_healthy_is_young(late_ms):
    """Answers carry no number: one that comes late could pass for that to the next request.

    Every tick has a voltage of its own, which says when it was measured.
    """
    rig = Rig()
    rig.tube.follows = False
    for tick in range(len(late_ms) + 50):
        rig.generator.answer_us = 1000 * late_ms[tick - 50] if tick >= 50 else 2000
        rig.tube.kv_monitor_raw = 10 * tick
        rig.tick()
        if rig.healthy and rig.inputs.adc_age_ms <= STALE_MONITORS_MS:
            age_ms = TICK_MS * (tick - round(rig.inputs.kv_monitor_raw / 10))
            assert age_ms <= rig.inputs.adc_age_ms


def test_a_generator_that_always_answers_too_late_is_not_healthy():
    rig = Rig()
    rig.switch_on()
    rig.generator.answer_us = 45000
    rig.run(200)
    assert (rig.healthy, rig.driver.trouble) == (False, "answers too late")
    rig.generator.answer_us = 2000
    rig.run(500)
    assert rig.healthy


@pytest.mark.parametrize("after_ms", [200, 2000])
def test_the_clock_wraps_and_nothing_happens(after_ms):
    plain, wrapped = Rig(), Rig(start_ms=PERIOD_MS - after_ms)
    for rig in (plain, wrapped):
        rig.switch_on()
        rig.run(3000)
    assert wrapped.inputs.values() == plain.inputs.values()
    assert wrapped.generator.heard == plain.generator.heard
    assert wrapped.driver.timeouts == 0 and wrapped.healthy


def test_ages_stop_at_what_the_signal_can_hold():
    rig = Rig()
    rig.switch_on()
    rig.generator.mute = True
    rig.run(70_000)
    assert rig.inputs.adc_age_ms == 65535


# The wire


class Bytes:
    """A UART that brings given bytes and can fail in every way that it has."""

    def __init__(self, chunks):
        self.chunks = list(chunks)
        self.written = []

    def any(self):
        if self.chunks and self.chunks[0] is None:
            self.chunks.pop(0)
            raise OSError(5)
        return len(self.chunks[0]) if self.chunks else 0

    def readinto(self, buffer, count):
        chunk = self.chunks.pop(0)
        taken = chunk[:count]
        if len(chunk) > count:
            self.chunks.insert(0, chunk[count:])
        buffer[: len(taken)] = taken
        return len(taken) or None

    def write(self, data):
        if len(self.written) % 3 == 2:
            self.written.append(b"")
            raise OSError(110)
        self.written.append(bytes(data))
        return None


FRAGMENTS = st.sampled_from(
    [b"\x02", b"\x03", b"\x0220,", b"1,2,3,4,5,6,7,", b"22,1,0,0,", b"$,", b"!,4,", b"99,0,", b"p"]
)


@given(
    chunks=st.lists(st.none() | st.binary(max_size=200) | FRAGMENTS, max_size=60),
    enables=st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=60),
)
@pytest.mark.parametrize("model", MODELS)
def test_no_bytes_and_no_bus_error_ever_raise_or_leave_the_signals_range(model, chunks, enables):
    rig = Rig(model)
    rig.driver.line._uart = Bytes(chunks)
    for hv_enable, may_enable in enables:
        rig.outputs.hv_enable = hv_enable
        rig.may_enable = may_enable
        rig.tick()
        assert rig.pin.level == 0 or (hv_enable and may_enable)
        for name, _, low, high, *_ in INPUTS:
            assert name.startswith("room") or low <= getattr(rig.inputs, name) <= high, name


@given(flips=st.sets(st.integers(0, 20_000), max_size=400), drop=st.booleans())
def test_garbled_and_lost_bytes_are_got_over(flips, drop):
    """What the driver shows comes from whole answers, and everything is well soon after."""
    rig = Rig()
    rig.switch_on()
    take = rig.generator.take
    seen = 0

    def noisy() -> bytes:
        nonlocal seen
        out = bytearray()
        for byte in take():
            seen += 1
            if seen not in flips:
                out.append(byte)
            elif not drop:
                out.append(byte ^ 0x15)
        return bytes(out)

    rig.generator.take = noisy  # type: ignore[method-assign]
    normal = rig.inputs.kv_monitor_raw
    for _ in range(200):
        rig.tick()
        assert abs(rig.inputs.kv_monitor_raw - normal) <= 8
    rig.generator.take = take  # type: ignore[method-assign]
    rig.run(600)
    assert rig.healthy and rig.inputs.adc_age_ms <= 20


@pytest.mark.parametrize("stray", [frame(10, "$"), frame(20, "$"), frame("00", "$"), frame(99)])
def test_an_answer_to_something_else_confirms_nothing(stray):
    """Off has been said; until that is answered it is said again."""
    rig = Rig()
    wire = Bytes([])
    rig.driver.line._uart = wire
    for _ in range(30):
        wire.chunks.append(stray)
        rig.tick()
    assert wire.written.count(frame(99, 0)) >= 5
    assert not rig.healthy


@pytest.mark.parametrize("values", [[4096] * 7, [1] * 6, [1] * 8, ["$"] * 7, ["!", 4], [""] * 7])
def test_monitors_that_cannot_be_are_not_taken(values):
    rig = Rig()
    rig.switch_on()
    seen = rig.inputs.values()
    rig.generator._requested = lambda command: values if command == 20 else [1, 0, 0]  # type: ignore[method-assign]
    found = ages(rig, 300)
    assert found[-1] >= 250
    assert rig.inputs.kv_monitor_raw == seen[1] and rig.inputs.ma_monitor_raw == seen[2]


def test_a_flood_of_garbage_costs_a_bounded_number_of_bytes_a_tick():
    rig = Rig()
    rig.driver.line._uart = wire = Bytes([b"\x02"] * 10 + [b"x" * 64] * 100)
    rig.run(10)
    left = sum(len(chunk) for chunk in wire.chunks)
    assert 6410 - left <= 128


def test_the_grid_is_written_every_tick_whatever_the_wire_does():
    rig = Rig()
    rig.switch_on()
    rig.generator.mute = True
    for grid in (100, 101, 102):
        rig.outputs.grid_program_raw = grid
        rig.tick()
        assert rig.dac.writes[-1] == [grid]


def test_a_grid_that_did_not_arrive_is_written_again():
    rig = Rig()
    rig.switch_on()
    rig.dac.broken = True
    rig.outputs.grid_program_raw = 700
    rig.run(50)
    rig.dac.broken = False
    rig.tick()
    assert rig.dac.channels[0] == 700


# On MicroPython

SCRIPT = """
import gc
try:
    from micropython import heap_lock, heap_unlock
except ImportError:
    heap_lock = heap_unlock = lambda: None
from firmware.drivers.spellman.generator import Spellman
from firmware.settings import Settings
from firmware.signals import Inputs, Outputs
from firmware.drivers.spellman.frame import checksum

class Pin:
    level = 0
    def value(self, level):
        self.level = level

class Dac:
    def write_fast(self, values, count):
        return True
    def check(self):
        return True
    def renew(self):
        pass

def frame(text):
    return b"\\x02" + text + bytes([checksum(sum(text)), 3])

ANSWERS = {text[:2]: frame(text) for text in (
    b"20,107,2291,3276,1639,2389,700,110,", b"22,%d,0,0,", b"99,$,", b"10,$,", b"11,$,",
    b"12,$,", b"13,$,")}
STATUS = (frame(b"22,0,1,0,"), frame(b"22,1,0,0,"))

class Uart:
    answer = b""
    on = 0
    def any(self):
        return len(self.answer)
    def readinto(self, buffer, count):
        answer = self.answer
        for at in range(count):
            buffer[at] = answer[at]
        self.answer = b""
        return count
    def write(self, data):
        if data[1] == 57:
            self.on = data[4] - 48
        for key in ANSWERS:
            if key[0] == data[1] and key[1] == data[2]:
                self.answer = STATUS[self.on] if key == b"22" else ANSWERS[key]

pin, inputs, outputs = Pin(), Inputs(), Outputs()
driver = Spellman(Uart(), Dac(), pin, Settings())
now_ms = (1 << 30) - 500
for tick in range(200):
    outputs.hv_enable = 1 if 40 <= tick < 150 else 0
    outputs.kv_program_raw = 3276 if outputs.hv_enable else 0
    outputs.filament_program_raw = 2100 + tick // 20
    outputs.grid_program_raw = 20 * tick
    gc.collect()
    LOCK
    good = driver.read(now_ms, inputs)
    driver.write(outputs, tick < 120)
    UNLOCK
    print(tick, good, driver.trouble, pin.level, inputs.values(), driver.timeouts)
    now_ms = (now_ms + 10) & 0x3FFFFFFF
heap_lock()
driver.off()
heap_unlock()
print(pin.level)
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_micropython_does_the_same(precision):
    source = SCRIPT.replace("    LOCK\n", "").replace("    UNLOCK\n", "")
    here = printed_here(source)
    assert len(here) == 201
    assert " True " in here[100] and here[-1] == "0"
    assert printed_on_micropython(precision, source) == here


def test_a_tick_allocates_nothing_on_a_32_bit_board():
    """With the heap locked any allocation is an error: floats would be one, too."""
    locked = SCRIPT.replace("    LOCK\n", "    if tick:\n        heap_lock()\n")
    locked = locked.replace("    UNLOCK\n", "    if tick:\n        heap_unlock()\n")
    assert locked.count("heap_lock()") == 2
    plain = SCRIPT.replace("    LOCK\n", "").replace("    UNLOCK\n", "")
    assert printed_on_micropython("single", locked) == printed_here(plain)
