"""What the firmware does not believe: readings that lie, in a beam that is regulated.

Each row is an input that a tube survived badly before there was a second opinion: what trips,
within which time, and what the tube saw until then, by the plant's own (true) values.
"""

from typing import Any, NamedTuple

import pytest

from firmware.controller import BEAM, TRIPPED
from tests.kit.quick_runs import REGULATED_S, START, begun
from tests.twin.world.test_faults import step_of
from twin.runs.run import Run
from twin.world.faults import Fault


class Seen(NamedTuple):
    """What a fault came to: its trip or "", after how long (s), and the largest true values."""

    cause: str
    after_s: float
    power_w: float
    kv: float
    head_c: float


def seen(*faults: Fault, for_s: float = 60.0) -> Seen:
    """Faults in a regulated beam, until the first trip."""
    run = begun(START, *map(step_of, faults), end_s=REGULATED_S + for_s)
    return watched(run)


def watched(run: Run) -> Seen:
    plant = run.world.plant
    power_w = kv = head_c = 0.0
    while plant.now_ms < run.job.end_ms and run.world.condition != TRIPPED:
        run.go_on(plant.now_ms + 10)
        power_w, kv = max(power_w, plant.kv * plant.ma), max(kv, plant.kv)
        head_c = max(head_c, plant.heat.head_c)
    trips: list[dict[str, Any]] = run.end().trips
    if not trips:
        return Seen("", 0.0, power_w, kv, head_c)
    return Seen(trips[0]["cause"], trips[0]["time_s"] - REGULATED_S, power_w, kv, head_c)


def test_a_current_monitor_that_stands_still_trips_before_the_power_has_risen_far():
    """It went to 186 W for ten minutes."""
    found = seen(Fault("stuck", "ma_monitor_raw", 15800))
    assert found.cause == "current-frozen"
    assert found.after_s < 3.0
    assert found.power_w < 65.0


@pytest.mark.parametrize("raw", [9971, 9909])
def test_a_head_sensor_that_stands_still_trips_before_the_head_is_hot(raw: int):
    """The head went to 41 and 66 degC with the fan at its ends."""
    run = begun(START, step_of(Fault("stuck", "head_temperature_raw", raw)), end_s=1200.0)
    found = watched(run)
    assert found.cause in ("head-frozen", "heat-balance")
    assert found.after_s < 600.0
    assert found.head_c < 62.0


@pytest.mark.parametrize(
    ("kind", "signal", "raw"),
    [
        ("stuck", "mount_temperature_raw", 32767),
        ("stuck", "mount_temperature_raw", 0),
        ("offset", "room_pressure_raw", -30000),
        ("stuck", "generator_temperature_raw", 12500),
    ],
)
def test_a_slow_reading_that_cannot_be_true_holds_the_trim(kind: str, signal: str, raw: int):
    """They moved the trim to its limits: 0.43 to 1.65 % rms."""
    run = begun(START, step_of(Fault(kind, signal, raw)), end_s=60.0)
    run.go_on(1000 * int(REGULATED_S) + 50)
    before = run.world.trim
    run.go_on(run.job.end_ms)
    assert run.world.trim == before
    assert run.world.condition == BEAM
    name = signal.split("_")[0]
    assert run.world.readings()["doubts"] == name
    assert run.end().trips == []


def test_a_single_damaged_reading_of_the_head_trips_nothing():
    """A reading is there for half a second; the delay was 200 ms."""
    step = step_of(Fault("stuck", "head_temperature_raw", 32767), for_s=0.5)
    run = begun(START, step)
    run.go_on(run.job.end_ms)
    assert run.end().trips == []


@pytest.mark.parametrize("rpm", [4999, 65535])
def test_a_fan_that_turns_faster_than_programmed_trips(rpm: int):
    found = seen(Fault("stuck", "fan_tach_raw", rpm))
    assert found.cause == "fan"
    assert 5.0 <= found.after_s <= 5.3
