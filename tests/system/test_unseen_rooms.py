"""Rooms that nobody chose: any plausible laboratory, drawn at random."""

import numpy as np
import pytest

from tests.kit.jobs import job, outcomes
from twin.scenarios.scenario import Room, Scenario

STEEPEST_C_PER_H = 5.0
STEP_C = 4.0
PRESSURE_SWING_HPA = 20.0


def random_room(number: int, hours: float = 3.0) -> Scenario:
    """A room between 15 and 35 degC: slopes up to 5 degC/h, a step of 4 K, weather of 20 hPa."""
    rng = np.random.default_rng(number)
    time_h, room_c = [0.0], [float(rng.uniform(16.0, 34.0))]
    step_at_h = rng.uniform(0.3, 0.8) * hours
    while time_h[-1] < hours:
        if time_h[-1] < step_at_h <= time_h[-1] + 0.5:
            time_h += [step_at_h, step_at_h + 1.0 / 60.0]
            jump_c = STEP_C if room_c[-1] < 25.0 else -STEP_C
            room_c += [room_c[-1], room_c[-1] + jump_c]
        longer_h = float(rng.uniform(0.2, 0.9))
        slope = float(rng.uniform(-STEEPEST_C_PER_H, STEEPEST_C_PER_H))
        time_h.append(time_h[-1] + longer_h)
        room_c.append(float(np.clip(room_c[-1] + slope * longer_h, 15.0, 35.0)))
    swing = np.interp(time_h, [0.0, time_h[-1] / 2, time_h[-1]], rng.permutation([0.0, 1.0, 0.4]))
    return Scenario(
        name=f"room-{number}",
        title="drawn at random",
        duration_h=hours,
        start="warm",
        ambient=Room(
            time_h=tuple(time_h),
            temperature_c=tuple(room_c),
            pressure_hpa=tuple((1003.0 + PRESSURE_SWING_HPA * swing).tolist()),
            humidity_percent=tuple(rng.uniform(20.0, 70.0, len(time_h)).tolist()),
        ),
    )


@pytest.mark.slow
def test_rooms_drawn_at_random_hold_to_the_bars(request):
    count = request.config.getoption("--rooms")
    results = outcomes({str(n): job(random_room(n), seed=n) for n in range(count)})
    missed = {
        name: outcome.summary()
        for name, outcome in results.items()
        if outcome.trips or outcome.frames.true.rms_percent > 0.05 or not outcome.passed
    }
    assert not missed
