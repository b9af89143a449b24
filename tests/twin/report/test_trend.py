"""What is drawn of a recording: the right frames, the right mean, nothing lost by thinning."""

import numpy as np
import pytest

from twin.recording.recorder import Column, Recorder
from twin.report.trend import load_trend

COLUMNS = (
    Column("now_ms", "ms", "simulated time"),
    Column("kv", "kV", "tube voltage"),
    Column("intensity", "1", "relative intensity, mean of the second"),
)


def record(path, intensity, first_s=0, kv=50.0, frame_s=60):
    """Record one intensity per second from `first_s` on, and the frames from 0 on."""
    with Recorder(path, COLUMNS, {}) as recorder:
        for index, value in enumerate(intensity):
            recorder.append((1000 * (first_s + index + 1), kv, value))
        scored = np.asarray(intensity[-first_s:] if first_s else intensity)
        for index in range(len(scored) // frame_s):
            true = scored[index * frame_s : (index + 1) * frame_s].mean()
            recorder.frame(1000 * frame_s * index, true, 2e6 * true)  # in counts
        recorder.close()
    return path


def test_intensity_is_in_per_cent_from_its_own_mean(tmp_path):
    path = record(tmp_path / "run.nxs", [0.8] * 600 + [1.2] * 600)
    trend = load_trend(path, ["kv"])
    for curve in (trend.true, trend.measured):
        np.testing.assert_allclose(curve.mid, [-20.0] * 10 + [20.0] * 10)
    np.testing.assert_allclose(trend.true.now_ms[:2], [30_000, 90_000])
    assert trend.rms_percent == pytest.approx(20.0)


def test_warm_up_is_drawn_but_not_scored(tmp_path):
    path = record(tmp_path / "run.nxs", [0.5] * 300 + [1.0] * 600, first_s=-300)
    trend = load_trend(path, ["kv"], scored_frames=10)
    assert trend.first_ms == -299_000
    assert trend.scored_ms == 0
    assert trend.rms_percent == 0.0
    assert trend.second.mid[0] == pytest.approx(-50.0)
    assert trend.second.mid[-1] == pytest.approx(0.0)


def test_only_the_last_frames_are_scored_when_more_were_recorded(tmp_path):
    path = record(tmp_path / "run.nxs", [0.5] * 600 + [1.0] * 600)
    trend = load_trend(path, ["kv"], scored_frames=10)
    assert trend.scored_ms == 600_000
    assert len(trend.true.mid) == 10
    assert trend.rms_percent == 0.0


def test_after_a_trip_the_mean_is_that_of_the_beam_before_it(tmp_path):
    path = record(tmp_path / "run.nxs", [1.0] * 630 + [0.0] * 570)
    trend = load_trend(path, ["kv"], 20, None, 630_000.0)
    assert trend.steady(trend.true).range() == (0.0, 0.0)
    assert trend.true.mid[-1] == -100.0
    frames = [1.0] * 10 + [0.5] + [0.0] * 9
    assert trend.rms_percent == pytest.approx(100.0 * np.std(frames) / np.mean(frames))


def test_a_long_run_is_thinned_without_losing_a_spike(tmp_path):
    intensity = np.ones(50_000)
    intensity[31_234] = 1.5
    trend = load_trend(record(tmp_path / "run.nxs", intensity, frame_s=10), ["kv"])
    assert trend.second.range()[1] == pytest.approx(50.0, abs=0.1)
    assert trend.true.range()[1] == pytest.approx(5.0, abs=0.1)
    assert max(len(trend.second.mid), len(trend.true.mid)) <= 1200


def test_a_channel_that_was_not_recorded_is_empty(tmp_path):
    trend = load_trend(record(tmp_path / "run.nxs", [1.0] * 60), ["kv", "fan_percent"])
    assert trend.channel("kv")
    assert not trend.channel("fan_percent")
    assert np.isnan(trend.channel("fan_percent").range()).all()
