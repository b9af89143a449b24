"""The slack after a tick: the collector has it when there is room, the console otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.slack import BUDGET_US, COLLECT_TICKS, FIRST_COLLECT_US, PATIENCE_TICKS, Slack
from firmware.ticks import MASK, PERIOD_MS

PERIOD_US = 10_000


class Bench:
    """Clock, collector and console; a tick and a collection take as long as a test says."""

    def __init__(self, start_us: int = 0, console: bool = True):
        self.us = start_us
        self.began_us = 0  # what Slack asks its clock for
        self.collect_us = 3000
        self.console_us = 0
        self.done: list[str] = []
        self.leave: str | None = None
        self.slack = Slack(self, self.ticks_us, self if console else None, self.collect)

    def ticks_us(self) -> int:
        return self.us & MASK

    def collect(self) -> None:
        self.done.append("collect")
        self.us += self.collect_us

    def turn(self) -> str | None:
        """The console's."""
        self.done.append("console")
        self.us += self.console_us
        return self.leave

    def tick(self, took_us: int = 2000) -> bool:
        begin_us = self.us
        self.began_us = self.ticks_us()
        self.us += took_us
        leaving = self.slack.turn()
        self.us = max(self.us, begin_us + PERIOD_US)
        return leaving

    def ticks(self, count: int, took_us: int = 2000) -> list[str]:
        """What is done in each of them."""
        self.done = []
        for _ in range(count):
            self.tick(took_us)
        return self.done


def test_after_so_many_ticks_the_collector_runs_and_the_console_has_all_other_turns():
    round_of_turns = ["console"] * (COLLECT_TICKS - 1) + ["collect"]
    assert Bench().ticks(5 * COLLECT_TICKS) == 5 * round_of_turns


def test_a_tick_that_leaves_no_room_for_it_is_not_followed_by_a_collection():
    bench = Bench()
    bench.ticks(COLLECT_TICKS)  # now it is known to take 3 ms
    long_us = BUDGET_US - bench.collect_us
    assert set(bench.ticks(COLLECT_TICKS + 5, long_us)) == {"console"}
    assert bench.ticks(1, long_us - 1) == ["collect"]  # the first that leaves it
    assert bench.slack.worst()["forced"] == 0


def test_until_it_has_been_measured_a_collection_is_taken_to_need_some_milliseconds():
    bench = Bench()
    assert set(bench.ticks(COLLECT_TICKS, BUDGET_US - FIRST_COLLECT_US)) == {"console"}
    assert bench.ticks(1, BUDGET_US - FIRST_COLLECT_US - 1) == ["collect"]


def test_what_fits_is_judged_by_the_last_collection():
    bench = Bench()
    bench.collect_us = 500
    bench.ticks(COLLECT_TICKS)
    assert bench.ticks(COLLECT_TICKS, 8000)[-1] == "collect"
    bench.collect_us = 6000
    bench.ticks(COLLECT_TICKS, 8000)
    assert set(bench.ticks(COLLECT_TICKS, 8000)) == {"console"}


def test_a_collection_that_never_fits_is_forced_when_patience_ends_and_is_counted():
    bench = Bench()
    done = bench.ticks(3 * PATIENCE_TICKS, BUDGET_US)
    assert [at + 1 for at, what in enumerate(done) if what == "collect"] == [
        PATIENCE_TICKS,
        2 * PATIENCE_TICKS,
        3 * PATIENCE_TICKS,
    ]
    assert bench.slack.worst()["forced"] == 3


@pytest.mark.parametrize("start_us", [0, PERIOD_MS - 15_000, PERIOD_MS - 193_000])
def test_the_longest_times_are_measured_though_the_counter_wraps(start_us):
    bench = Bench(start_us)
    for took_us in [1000, 7000, *[2000] * (COLLECT_TICKS - 3), 2500]:
        bench.tick(took_us)
    bench.collect_us = 4000
    bench.ticks(COLLECT_TICKS, 1500)
    assert bench.slack.worst() == {
        "worst_tick_us": 7000,
        "worst_collect_us": 4000,
        "worst_busy_us": 7000,
        "forced": 0,
    }


def test_tick_and_collection_count_together_and_the_console_does_not():
    bench = Bench()
    bench.ticks(COLLECT_TICKS, 4500)
    assert bench.slack.worst()["worst_busy_us"] == 4500 + bench.collect_us
    bench.console_us = 5000
    bench.ticks(1, 1000)
    assert bench.slack.worst()["worst_busy_us"] == 1000


def test_the_longest_times_restart_after_they_have_been_read():
    bench = Bench()
    bench.ticks(PATIENCE_TICKS, 9500)
    first = bench.slack.worst()
    assert first["worst_tick_us"] == 9500 and first["forced"] == 1
    assert set(bench.slack.worst().values()) == {0}
    bench.tick(100)
    assert bench.slack.worst()["worst_tick_us"] == 100
    assert bench.slack.ticks == PATIENCE_TICKS + 1  # which is not forgotten


@pytest.mark.parametrize("word", ["reset", "link"])
def test_what_the_console_wants_of_the_entry_point_is_passed_on(word):
    bench = Bench()
    assert not bench.tick()
    bench.leave = word
    assert bench.tick()
    assert bench.slack.leave == word


def test_a_word_that_comes_in_the_turn_of_a_collection_waits_for_the_next():
    bench = Bench()
    bench.ticks(COLLECT_TICKS - 1)
    bench.leave = "reset"
    assert not bench.tick()
    assert bench.tick()


def test_without_a_console_it_collects_and_never_leaves():
    bench = Bench(console=False)
    assert bench.ticks(3 * COLLECT_TICKS) == ["collect"] * 3
    assert not bench.tick()
    assert bench.slack.leave is None


@given(
    st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 12_000)), min_size=1, max_size=400),
    st.integers(0, MASK),
)
def test_whatever_ticks_and_collections_take_the_rules_hold(durations, start_us):
    bench = Bench(start_us)
    since, need_us, forced, busy_us = 0, FIRST_COLLECT_US, 0, 0
    for tick_us, collect_us in durations:
        bench.collect_us = collect_us
        (done,) = bench.ticks(1, tick_us)
        since += 1
        if done == "collect":
            room = tick_us + need_us < BUDGET_US
            assert since >= COLLECT_TICKS and (room or since == PATIENCE_TICKS)
            forced += not room
            since, need_us = 0, collect_us
            tick_us += collect_us
        assert since < PATIENCE_TICKS
        busy_us = max(busy_us, tick_us)
    worst = bench.slack.worst()
    assert (worst["forced"], worst["worst_busy_us"]) == (forced, busy_us)
    assert worst["worst_tick_us"] == max(tick_us for tick_us, _ in durations)
