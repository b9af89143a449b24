"""The loop: on schedule, feeds the watchdog after good ticks only, ends in the safe state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.controller import BEAM, OFF, PREHEAT, Controller
from firmware.loop import TICK_MS, Schedule, run
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, Command, Outputs
from firmware.ticks import MASK, PERIOD_MS, diff
from tests.kit.on_micropython import PRECISIONS, printed_here, printed_on_micropython

SAFE = Outputs().values()


class Counter:
    """A tick counter and a sleep that may come back early, as an interrupt makes it do."""

    def __init__(self, start_ms: int = 0, early_ms: int = 0):
        self.now_ms = start_ms
        self.early_ms = early_ms

    def ticks_ms(self) -> int:
        return self.now_ms & MASK

    def sleep_ms(self, duration_ms: int) -> None:
        assert duration_ms > 0
        self.now_ms += max(1, duration_ms - self.early_ms)


class Ticks:
    """A clock that gives these times, and then None."""

    def __init__(self, count: int):
        self.times = iter(range(0, count * TICK_MS, TICK_MS))

    def next_tick(self):
        return next(self.times, None)


class Bench:
    """A board, and a watchdog, that keep what they were given. Fails at tick `fail_at`."""

    def __init__(self, fail_in: str = "", fail_at: int = 3, error: BaseException | None = None):
        self.fail_in, self.fail_at, self.error = fail_in, fail_at, error
        self.written: list[tuple] = []
        self.reads = self.steps = self.fed = 0

    def read(self, inputs) -> None:
        self.reads += 1
        self._maybe_fail("read", self.reads)

    def step(self, now_ms, inputs, outputs, command) -> None:
        """The bench is its own controller, too: one that always asks for full voltage."""
        self.steps += 1
        outputs.hv_enable = 1
        outputs.kv_program_raw = 4095
        self._maybe_fail("step", self.steps)

    def write(self, outputs) -> None:
        self._maybe_fail("write", len(self.written) + 1)
        self.written.append(outputs.values())

    def feed(self) -> None:
        self.fed += 1

    def _maybe_fail(self, where: str, count: int) -> None:
        if where == self.fail_in and count == self.fail_at and self.error is not None:
            error, self.error = self.error, None
            raise error

    def run(self, ticks: int = 10) -> None:
        run(self, self, Command(50.0, 1.0), Ticks(ticks), self)


@given(
    st.lists(st.integers(0, TICK_MS - 1), min_size=2, max_size=300),
    st.integers(0, MASK),
    st.integers(0, 9),
)
def test_ticks_begin_on_the_schedule_whatever_each_of_them_takes(durations, start_ms, early_ms):
    counter = Counter(start_ms, early_ms)
    schedule = Schedule(counter.ticks_ms, counter.sleep_ms)
    for number, duration_ms in enumerate(durations):
        now_ms = schedule.next_tick()
        assert counter.now_ms - start_ms == number * TICK_MS
        assert now_ms == (start_ms + number * TICK_MS) & MASK
        counter.now_ms += duration_ms
    assert (schedule.late, schedule.missed) == (0, 0)


def test_a_late_tick_is_counted_and_the_next_one_is_back_on_the_schedule():
    counter = Counter()
    schedule = Schedule(counter.ticks_ms, counter.sleep_ms)
    begun = []
    for duration_ms in (2, 13, 2, 2):
        begun.append(schedule.next_tick())
        counter.now_ms += duration_ms
    assert begun == [0, 10, 23, 30]
    assert (schedule.late, schedule.missed) == (1, 0)


def test_ticks_that_are_a_whole_period_late_are_left_out_not_made_up_for_in_a_burst():
    counter = Counter(PERIOD_MS - 20)
    schedule = Schedule(counter.ticks_ms, counter.sleep_ms)
    begun = []
    for duration_ms in (2, 47, 2, 2):
        begun.append(diff(schedule.next_tick(), PERIOD_MS - 20))
        counter.now_ms += duration_ms
    assert begun == [0, 10, 57, 60]
    assert (schedule.late, schedule.missed) == (1, 3)


def test_every_good_tick_feeds_the_watchdog_once_and_the_last_word_is_the_safe_state():
    bench = Bench()
    bench.run(ticks=10)
    assert bench.fed == 10
    assert len(bench.written) == 11
    assert bench.written[-2] != SAFE
    assert bench.written[-1] == SAFE


@pytest.mark.parametrize("where", ["read", "step", "write"])
@pytest.mark.parametrize("error", [ValueError, OSError, MemoryError, KeyboardInterrupt])
def test_an_exception_in_a_tick_leaves_the_safe_state_and_a_hungry_watchdog(where, error):
    bench = Bench(where, 3, error("broken"))
    with pytest.raises(error, match="broken"):
        bench.run()
    assert bench.fed == 2
    assert bench.written[-1] == SAFE
    assert len(bench.written) == 3


def test_a_safe_state_that_cannot_be_written_does_not_hide_what_went_wrong_first():
    class NoWayOut(Bench):
        def write(self, outputs) -> None:
            if self.reads > 2:
                raise OSError("the line is cut")

    bench = NoWayOut("step", 3, ValueError("the first cause"))
    with pytest.raises(ValueError, match="the first cause"):
        bench.run()
    assert bench.fed == 2


def test_without_a_watchdog_and_without_outputs_of_before_it_runs_too():
    bench = Bench()
    run(bench, bench, Command(50.0, 1.0), Ticks(3))
    assert bench.steps == 3


class HealthyBoard:
    """Contacts closed, a head at some 55 degC, fan and lamp as told; watches what is written."""

    def __init__(self, command: Command):
        self.command = command
        self.states: list[int] = []
        self.energised = 0
        self._fan = self._lamp = self._grid = self._kv = 0

    def read(self, inputs) -> None:
        inputs.switches = ALL_CLOSED
        inputs.head_temperature_raw = inputs.mount_temperature_raw = 9900
        inputs.room_pressure_raw = 101325
        inputs.fan_tach_raw = self._fan
        inputs.lamp_current_raw = 2000 if self._lamp else 0
        inputs.kv_monitor_raw = self._kv * 32767 // 4095
        inputs.ma_monitor_raw = max(0, self._grid - 2000) * 15  # a gun of some kind
        if len(self.states) == 1000:
            self.command.run = False
        if len(self.states) == 1100:
            self.command.run = True

    def write(self, outputs) -> None:
        _, self._lamp, self._kv, self._grid, filament, fan, state, _ = outputs.values()
        self._fan = fan * 5000 // 65535
        self.energised += any(outputs.values()[:4]) or filament > 0
        self.states.append(state)


def test_a_command_to_run_at_power_up_starts_nothing_until_it_is_given_again():
    command = Command(50.0, 0.98)
    command.run = True
    board = HealthyBoard(command)
    run(board, Controller(Settings()), command, Ticks(3000))
    assert set(board.states[:1100]) == {OFF}
    assert board.states[1101] == PREHEAT
    assert board.states[-2] == BEAM
    assert 1800 < board.energised <= 1900


FREE_RUNNING = """
from firmware.loop import Schedule
from firmware.ticks import MASK, PERIOD_MS
now_ms = PERIOD_MS - 500
def sleep_ms(duration_ms):
    global now_ms
    now_ms += duration_ms
schedule = Schedule(lambda: now_ms & MASK, sleep_ms)
state = 12345
for n in range(200):
    print(schedule.next_tick())
    state = (state * 75 + 74) % 65537
    now_ms += state % 13 if n % 20 else state % 60
print(schedule.late, schedule.missed)
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_schedule_crosses_the_wrap_on_micropython_as_it_does_here(precision):
    there = printed_on_micropython(precision, FREE_RUNNING)
    assert there == printed_here(FREE_RUNNING)
    assert "0 0" not in there[-1]
