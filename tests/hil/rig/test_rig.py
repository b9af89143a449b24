"""The rig of bench tests, on the firmware in this process."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.signals import Inputs, Outputs
from hil.link.link import LinkError
from hil.rig.job import bench_job
from hil.rig.recorder import KEPT
from hil.rig.report import thinned
from hil.rig.rig import Rig
from twin.files.errors import InputError
from twin.recording.reader import load
from twin.runs.pace import Pace
from twin.runs.run import build_world
from twin.world.faults import Faults
from twin.world.world import World


def bench(**options: Any) -> Rig:
    return Rig(build_world(bench_job()), **options)


def with_beam() -> Rig:
    rig = bench()
    rig.start()
    rig.run_until("beam")
    return rig


def test_a_start_right_after_power_up_brings_the_beam_and_says_when():
    rig = bench()
    rig.start()
    took_s = rig.run_until("beam")
    assert (rig.state, rig.trip, rig.energised) == ("beam", "", True)
    assert rig.states == [
        (0.0, "off"),
        (0.1, "preheat"),
        (pytest.approx(2.05), "ramp"),
        (pytest.approx(rig.now_s - 0.01), "beam"),
    ]
    assert took_s == pytest.approx(rig.now_s - 0.11)


def test_nothing_is_energised_before_a_start_and_after_a_stop():
    rig = bench()
    rig.run(3)
    assert (rig.state, rig.energised) == ("off", False)
    rig.start()
    rig.run_until("beam")
    rig.stop()
    assert rig.run_until("off") == pytest.approx(0.01)
    assert not rig.energised


def test_a_second_start_changes_nothing_while_the_beam_is_on():
    rig = with_beam()
    now_s = rig.now_s
    rig.start()
    assert rig.now_s == now_s
    rig.run(1)
    assert rig.state == "beam"


def test_a_start_after_a_trip_restarts():
    rig = with_beam()
    with rig.faults.make("generator"):
        rig.run_until("tripped")
    assert rig.trip == "generator"
    rig.start()
    rig.run_until("beam")
    assert rig.trip == ""


def test_a_start_that_is_refused_asks_the_unit_for_nothing():
    rig = bench(refusal="no beam here")
    with pytest.raises(InputError, match=r"^no beam here$"):
        rig.start()
    rig.run(1)
    assert (rig.command.run, rig.now_s, rig.state) == (False, 1.0, "off")


def test_what_does_not_come_in_time_is_told_as_a_story():
    rig = bench()
    rig.start()
    with pytest.raises(AssertionError) as told:
        rig.run_until("beam", within_s=2.5)
    assert rig.now_s == pytest.approx(0.11 + 2.5)
    first, *story = str(told.value).splitlines()
    assert first == "the unit is in 'ramp', not in 'beam' within 2.5 s"
    assert story[0] == "  states  off 0.00 s, preheat 0.10 s, ramp 2.05 s"
    assert "kV" in story[1] and "high voltage enabled" in story[1]
    assert story[2:] == ["  faults  none", "  target  in-process, lockstep"]


def test_a_trip_ends_the_wait_and_is_told_with_its_cause_and_its_time():
    rig = with_beam()
    rig.run(1)
    rig.faults.make("chain-b")
    at_s = rig.now_s
    with pytest.raises(AssertionError) as told:
        rig.run_until(lambda: rig.ma > 1e6, within_s=60)
    assert rig.now_s == pytest.approx(at_s + 0.01)
    assert f"tripped by 'chain-b' at {at_s:.2f} s" in str(told.value)
    assert "faults  chain-b" in str(told.value)


def test_anything_can_be_waited_for():
    rig = with_beam()
    took_s = rig.run_until(lambda: rig.ma > 0.5)
    assert rig.ma > 0.5
    assert 0.0 < took_s < 10.0
    assert rig.run_until(lambda: rig.ma > 0.4) == 0.0


def test_a_mean_is_that_of_what_was_there_in_each_tick():
    rig, other = with_beam(), with_beam()
    seen = []
    for _ in range(150):
        other.run(0.01)
        seen.append(other.world.plant.kv)
    spread = rig.measure("kv", 1.5)
    assert (spread.count, spread.low, spread.high) == (150, min(seen), max(seen))
    assert spread.mean == pytest.approx(sum(seen) / 150, rel=1e-12)
    assert rig.values[0] == ("kv mean", spread.mean, "kV")
    assert rig.values[1] == ("kv rms", spread.rms_percent, "%")


def test_the_intensity_is_measured_second_by_second():
    rig, other = with_beam(), with_beam()
    rig.run(6)
    other.run(6)
    other.world.plant.take_intensity()
    other.run(3)
    spread = rig.measure("intensity", 3)
    assert spread.count == 3
    assert spread.mean == pytest.approx(other.world.plant.take_intensity() / 300, rel=1e-12)
    assert 0.5 < spread.mean < 1.5


def test_raw_counts_and_what_the_operator_asks_for_are_there_too():
    rig = with_beam()
    assert rig.inputs.switches == rig.value("switches") == 7
    assert rig.outputs.hv_enable == rig.value("hv_enable") == 1
    before_kv = rig.measure("kv", 1).mean
    rig.command.kv = 40.0
    rig.run(3)
    assert rig.measure("kv", 1).mean == pytest.approx(before_kv * 40.0 / 50.0, rel=0.01)


def test_a_value_of_the_same_name_gets_a_number():
    rig = bench()
    for value in (1, 2, 3):
        rig.record("time", value, "s")
    assert rig.values == [("time", 1, "s"), ("time 2", 2, "s"), ("time 3", 3, "s")]


def test_a_fault_lasts_as_long_as_its_block_even_if_that_fails():
    rig = bench()
    with pytest.raises(ZeroDivisionError), rig.faults.make("stuck", "switches", 3):
        rig.run(0.1)
        assert (rig.faults.active, rig.inputs.switches) == (("stuck switches",), 3)
        raise ZeroDivisionError
    rig.run(0.1)
    assert (rig.faults.active, rig.inputs.switches) == ((), 7)


def test_a_fault_that_the_target_can_not_make_is_refused():
    class FewFaults(Faults):
        KINDS = ("chain-a",)

    world = build_world(bench_job())
    world.faults = FewFaults(world.inputs)
    rig = Rig(world)
    assert rig.faults.possible == ("chain-a",)
    with pytest.raises(InputError, match="fault fan: this target can't make it"):
        rig.faults.make("fan")
    assert rig.faults.active == ()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda rig: rig.run(-1), "give a number of seconds, 0 or more"),
        (lambda rig: rig.run(float("nan")), "give a number of seconds"),
        (lambda rig: rig.run(float("inf")), "give a number of seconds"),
        (lambda rig: rig.run_until("baem"), "choose off, preheat, ramp, beam, tripped"),
        (lambda rig: rig.measure("kv", 0.001), "give 0.01 s or more"),
        (lambda rig: rig.measure("intensity", 0.3), "give 1 s or more"),
        (lambda rig: rig.measure("head_temp", 1), "did you mean head_temperature_c?"),
        (lambda rig: rig.value("kvv"), "did you mean kv"),
        (lambda rig: rig.value("intensity"), "use measure"),
        (lambda rig: rig.value("now_ms"), "not known"),
        (lambda rig: rig.disturb("emision", 0.9), "choose emission"),
        (lambda rig: rig.disturb("emission", 0.0), "give a number above 0"),
        (lambda rig: rig.disturb("emission", float("nan")), "give a number above 0"),
        (lambda rig: rig.faults.make("chain-c"), "choose chain-a"),
        (lambda rig: rig.faults.make("stuck", "switches", 900), "reads from 0 to 7"),
    ],
)
def test_nonsense_is_one_line_and_no_time_passes(act: Callable[[Rig], object], said: str):
    rig = bench()
    with pytest.raises(InputError) as refused:
        act(rig)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert rig.now_s == 0.0


@settings(max_examples=30)
@given(st.floats(0.0, 0.3))
def test_time_passes_to_the_nearest_tick(seconds: float):
    rig = bench()
    rig.run(seconds)
    assert abs(rig.now_s - seconds) <= 0.005 + 1e-9
    assert rig.world.plant.now_ms % 10 == 0


def test_the_end_of_a_test_switches_off():
    rig = with_beam()
    rig.make_safe()
    assert (rig.command.run, rig.energised) == (False, False)


def test_a_unit_that_does_not_switch_off_is_found_out():
    class Welded:
        """Firmware whose stop does nothing."""

        def __init__(self, controller: Any):
            self._controller = controller

        def __getattr__(self, name: str) -> Any:
            return getattr(self._controller, name)

        def step(self, now_ms: int, inputs: Inputs, outputs: Any, command: Any) -> None:
            command.run = True
            self._controller.step(now_ms, inputs, outputs, command)

    rig = with_beam()
    rig.world.controller = Welded(rig.world.controller)
    with pytest.raises(AssertionError, match="still enabled 1 s after the stop"):
        rig.make_safe()


def test_of_a_firmware_that_has_fallen_silent_nothing_more_is_asked():
    class Gone:
        condition = 0

        def step(self, *_: object) -> None:
            raise LinkError("silent")

    rig: Any = with_beam()
    assert rig.energised
    rig.world.controller = Gone()
    with pytest.raises(LinkError):
        rig.run(1)
    at_s = rig.now_s
    rig.make_safe()
    assert (rig.now_s, rig.command.run) == (at_s, False)
    assert not rig.energised  # the twin's tube, that is; the board's outputs are its own affair


def test_after_any_other_error_the_beam_is_switched_off_all_the_same():
    rig = with_beam()

    def fail() -> None:
        raise ZeroDivisionError

    rig.world.at(rig.world.plant.now_ms + 50, fail)
    with pytest.raises(ZeroDivisionError):
        rig.run(1)
    assert rig.energised
    rig.make_safe()
    assert not rig.energised


def test_in_real_time_the_wall_clock_is_waited_for_and_lateness_counted():
    rig = bench(rate=1.0)
    clock = [0.0]
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    rig.pace = Pace(1.0, lambda: clock[0], wait)
    rig.run(0.5)
    assert clock[0] == pytest.approx(0.5)
    assert len(waits) == 25
    assert rig.pace.overruns == 0
    clock[0] += 1.0
    rig.run(0.02)
    assert rig.pace.overruns == 1


def test_a_unit_that_answers_late_is_waited_for():
    class Console(World):
        """Its state is known only when somebody asks, and 50 ms later."""

        condition = property(lambda self: 0)

        def ask(self, answer: Callable[[int, str], None]) -> None:
            self.at(self.plant.now_ms + 50, lambda: answer(self.controller.condition, ""))

    made = build_world(bench_job())
    rig = Rig(Console(made.plant, made.controller, made.command))
    rig.start()
    at_s = rig.now_s
    assert rig.state == "preheat"
    assert rig.now_s == pytest.approx(at_s + 0.05)
    assert rig.run_until("ramp") == pytest.approx(1.94, abs=0.12)
    rig.run_until("beam")
    with pytest.raises(AssertionError, match="in 'beam', not in 'off'"):
        rig.run_until("off", within_s=1)  # although that is what is seen without asking


def test_what_the_tube_did_is_kept_ten_times_a_second_and_can_be_read_back(tmp_path: Path):
    rig = with_beam()
    rig.run(1.234)
    recorder = rig.recorder
    assert list(recorder.seconds) == pytest.approx(
        [0.1 * at for at in range(int(10 * rig.now_s) + 1)]
    )
    recorder.save(tmp_path / "recording.h5", {"target": "in-process"})
    assert recorder.seconds[-1] == rig.now_s  # how it was at the end comes last
    recording = load(tmp_path / "recording.h5")
    assert set(recording.columns) == set(KEPT)
    for name in KEPT:
        assert list(recording.columns[name]) == list(recorder[name])
    assert list(recording.now_ms) == [round(1000 * second) for second in recorder.seconds]
    assert recording.parameters["target"] == "in-process"


def test_a_steady_room_goes_on_beyond_its_scenario():
    rig = bench()
    rig.run(60)
    assert rig.world.plant.room_c == 18.0


def test_a_room_that_changes_ends_with_its_scenario():
    job = bench_job("ramp")
    assert job.scenario.duration_h == 5.5
    world = build_world(job)
    world.plant.now_ms = world.env._now = 3600 * 5500 - 50
    rig = Rig(world)
    with pytest.raises(InputError, match="the room is described for 19800 s"):
        rig.run(0.1)


def test_settings_of_a_test_come_on_top_of_the_scenarios():
    chosen = bench_job(preheat_ms=500).settings()
    assert chosen.preheat_ms == 500
    assert chosen.kv_slew_kv_per_s == bench_job().settings().kv_slew_kv_per_s == 50


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"preheat": 1}, "unknown setting preheat"), ({"kv": -5.0}, "setting kv: ")],
)
def test_settings_that_can_not_be_are_refused(changed: dict[str, float], said: str):
    with pytest.raises(InputError) as refused:
        bench_job(**changed)  # type: ignore[arg-type]
    assert str(refused.value).removeprefix("settings: ").startswith(said)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300),
    st.integers(min_value=2, max_value=100),
)
def test_a_thinned_curve_keeps_its_extremes(values: list[float], most: int):
    seconds = [0.1 * at for at in range(len(values))]
    times, kept = thinned(seconds, values, most)
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert times == sorted(times) and (times[0], times[-1]) == (seconds[0], seconds[-1])
    assert len(times) == len(kept) <= most


def test_the_records_of_the_seam_are_the_worlds_own():
    rig = bench()
    assert isinstance(rig.inputs, Inputs)
    assert isinstance(rig.outputs, Outputs)


def test_a_story_names_the_cause_of_a_trip_that_nobody_waited_for():
    rig = with_beam()
    rig.faults.make("chain-a")
    rig.run(3)
    assert re.search(r"beam \d\.\d\d s, tripped \d\.\d\d s by 'chain-a'\n", rig.description())
