"""The controller in time: its turns, late ticks, the wrap of the counter, saved and resumed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED, Controller
from firmware.signals import GENERATOR_OK
from firmware.ticks import MASK, PERIOD_MS, diff
from tests.kit.chip_bench import RANGES, TICK_MS, ChipBench
from tests.kit.state_space import Machine, Witness, check, letter, quick_settings

OPEN = {"switches": GENERATOR_OK}
STATE_AT = list(RANGES).index("state")


def kv_of(outputs: Any) -> float:
    return outputs.kv_program_raw * 60.0 / 4095


def test_the_laws_take_their_turns_at_their_rates_and_never_two_in_a_tick():
    bench = ChipBench()
    turns: dict[str, list[int]] = {"_slow": [], "_thermal": [], "_compensate": []}
    for name, times in turns.items():
        act = getattr(bench.controller, name)

        def note(*args: Any, act=act, times=times) -> None:
            times.append(bench.now_ms)
            act(*args)

        setattr(bench.controller, name, note)
    bench.run(10_000)
    assert [len(times) for times in turns.values()] == [100, 20, 10]
    at = [time for times in turns.values() for time in times]
    assert len(set(at)) == len(at)
    for times, period_ms in zip(turns.values(), (100, 500, 1000), strict=True):
        assert {b - a for a, b in zip(times, times[1:], strict=False)} == {period_ms}  # noqa: RUF007


@pytest.mark.parametrize("late_ms", [20, 70, 500, 60_000, PERIOD_MS - 10])
def test_after_late_ticks_nothing_is_done_in_haste(late_ms: int):
    """The ramp keeps its slew and the delays their length; a step back in time is a late tick."""
    bench = ChipBench()
    bench.run(100)
    bench.command.run = True
    bench.until_state(RAMP, 6000)
    bench.run(1000)
    began_ms, began_kv = bench.now_ms, kv_of(bench.outputs)
    for _ in range(3):
        bench.tick(late_ms)
    for _ in range(100):
        bench.tick()
        passed_s = 0.001 * (bench.now_ms - began_ms)
        assert kv_of(bench.outputs) - began_kv <= 10.0 * passed_s + 1.1
        assert kv_of(bench.outputs) - began_kv <= 10.0 * 1.0 + 4.1
    assert bench.until_state(BEAM, 6000) > 0
    bench.tick(late_ms)
    bench.forced = {"lamp_current_raw": 0}
    assert bench.until_state(TRIPPED, 400) >= 200


hours_of_faults = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {},
            optional={
                "switches": st.integers(0, 7),
                "kv_monitor_raw": st.sampled_from([10_000, 32_000]),
                "ma_monitor_raw": st.sampled_from([16_000, 32_000]),
                "adc_age_ms": st.just(51),
                "head_temperature_raw": st.sampled_from([0, 12_000]),
                "head_age_ms": st.just(3001),
                "fan_tach_raw": st.just(0),
                "lamp_current_raw": st.sampled_from([0, 4000]),
            },
        ),
        st.booleans(),
        st.sampled_from([1, 10, 13, 20, 70, 500]),
        st.integers(1, 40),
    )
    | st.tuples(st.just({}), st.just(True), st.just(10), st.integers(50, 120)),
    max_size=12,
)


@settings(max_examples=150)
@given(scenes=hours_of_faults)
def test_whatever_comes_together_and_however_late_every_invariant_holds(scenes: list):
    """As the exploration, but with all faults at once and with ticks of any length."""
    machine, was = Machine(Controller(quick_settings()), TICK_MS), Witness()
    for raw, run, dt_ms, times in scenes:
        now = letter("", run, **raw)
        machine.dt_ms = dt_ms
        for _ in range(times):
            before = machine.controller.condition, machine.controller.trip
            machine.step(now)
            witness = was.after(run, machine.inputs.switches, machine.outputs.hv_enable, dt_ms)
            witness = witness._replace(suspect=False)  # late looks may miss a disagreement
            assert check(before, machine, now, was, witness) is None
            was = witness


def story(bench: ChipBench) -> list[tuple]:
    """Start, beam, a door that opens, a new start: outputs of every tick, and the trip's time."""
    began_ms = bench.now_ms
    told = []
    for tick in range(5000):
        bench.command.run = 10 <= tick < 3000 or tick >= 3100
        bench.forced = OPEN if 2900 <= tick < 3000 else {}
        bench.tick()
        since_ms = diff(bench.controller.trip_ms, began_ms & MASK) if bench.outputs.trip else 0
        told.append((*bench.outputs.values(), since_ms))
    return told


@pytest.mark.parametrize("before_ms", [10, 40, 1000, 12_345, 29_000, 29_010, 31_015])
def test_a_run_across_the_wrap_of_the_counter_is_a_run_without_it(before_ms: int):
    told = story(ChipBench(start_ms=PERIOD_MS - before_ms))
    assert told == story(ChipBench())
    assert {values[STATE_AT] for values in told} == {OFF, PREHEAT, RAMP, BEAM, TRIPPED}
    assert max(values[-1] for values in told) == 29_000


# Saved and resumed.


@settings(max_examples=40)
@given(
    ticks=st.integers(0, 3200),
    fault=st.sampled_from([{}, OPEN, {"lamp_current_raw": 0}, {"fan_tach_raw": 0}]),
)
def test_a_run_saved_at_any_tick_continues_bit_for_bit(ticks: int, fault: dict[str, int]):
    """Through JSON, into a controller that has just been built."""
    bench, other = ChipBench(), ChipBench()
    for tick in range(ticks):
        bench.command.run = tick >= 10
        bench.tick()
    other.resume(bench.snapshot())
    assert other.snapshot() == bench.snapshot()
    for tick in range(300):
        for each in (bench, other):
            each.forced = fault if tick >= 100 else {}
            each.tick()
        assert other.outputs.values() == bench.outputs.values()
    assert other.controller.state() == bench.controller.state()


def test_the_state_is_all_that_a_controller_remembers():
    """An attribute that changes in a run and is not in the state would be lost."""
    bench, fresh = ChipBench(), ChipBench()
    bench.start()
    for part in ("", *Controller.LAWS):
        owner, new = (
            getattr(each.controller, part) if part else each.controller for each in (bench, fresh)
        )
        plain = {name for name, value in vars(owner).items() if not hasattr(value, "__dict__")}
        changed = {name for name in plain if vars(owner)[name] != vars(new)[name]}
        assert changed <= set(owner.STATE)
        assert changed or part == "interlocks"
