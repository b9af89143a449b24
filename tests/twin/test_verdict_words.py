"""The verdict of a run: decided once, worded once."""

import math

import pytest

from twin.verdict_words import decide

FAN = {"fan_min_percent": 15.0, "fan_max_percent": 93.0, "fan_left_percent": 7.0}
HELD = {
    "passed": True,
    "limit_percent": 0.19,
    "rms_true_percent": 0.0145,
    "rms_measured_percent": 0.108,
    "tube_temperature_rms_k": 0.019,
    "trips": [],
    "frames": 330,
    "simulated_s": 19800.0,
}
TRIP = {"time_s": 900.0, "cause": "over-temperature"}
MET = {"at_s": 10.0, "expect": "beam", "met": True, "found": "beam", "found_at_s": 10.0}
NOT_MET = {**MET, "expect": "off", "met": False}
CHECK = {**HELD, "frames": 0, "rms_true_percent": math.nan, "rms_measured_percent": math.nan}


@pytest.mark.parametrize(
    ("change", "word", "sentence"),
    [
        ({}, "HELD", "Intensity varied by less than 0.19 % rms over 5.5 h."),
        (
            {"passed": False, "rms_measured_percent": 0.1904},
            "NOT HELD",
            "Intensity varied by 0.1904 % rms over 5.5 h.",
        ),
        (
            {"passed": False, "rms_true_percent": 1.9},
            "NOT HELD",
            "Intensity varied by 1.9 % rms, 10 times the limit, over 5.5 h.",
        ),
        (
            {"passed": False, "rms_true_percent": math.nan, "rms_measured_percent": None},
            "NOT HELD",
            "There was no beam over 5.5 h.",
        ),
        (
            {"passed": False, "trips": [TRIP]},
            "TRIPPED",
            "The firmware switched the beam off after 15 min: over-temperature.",
        ),
        (
            {"passed": False, "frames": 1},
            "TOO SHORT",
            "Too short to judge: it takes at least two frames.",
        ),
        ({"expectations": [MET]}, "PASSED", None),
        ({"expectations": [MET, NOT_MET], "passed": False}, "FAILED", None),
    ],
)
def test_each_kind_of_run_has_its_word_and_its_sentence(change, word, sentence):
    verdict = decide({**HELD, **change})
    assert verdict.word == word
    assert verdict.sign == ("✓" if word in ("HELD", "PASSED") else "✗")
    if sentence:
        assert verdict.in_one_line == f"{word}: {sentence}"


def test_the_figures_are_in_words_with_units():
    verdict = decide(HELD, head_c=54.9, fan=FAN)
    assert dict(verdict.lines) == {
        "intensity": "0.015 % rms true, 0.108 % rms measured; "
        "limit 0.19 % rms over 5.5 h, 330 frames",
        "tube head": "54.90 °C, 0.019 K rms; fan 15-93 %, smallest margin 7 %",
    }


def test_a_tube_without_a_fan_has_no_word_on_one():
    verdict = decide(HELD, head_c=35.0, fan=None)
    assert "fan" not in str(verdict)
    assert verdict.fan_margin == ""


def test_a_figure_on_the_console_is_never_rounded_onto_the_limit():
    verdict = decide({**HELD, "passed": False, "rms_measured_percent": 0.190004})
    assert "0.190004 % rms measured" in dict(verdict.lines)["intensity"]


def test_what_was_not_met_and_what_was_not_expected_is_named():
    trips = [{**TRIP, "expected": False}, {**TRIP, "cause": "chain-a", "expected": True}]
    verdict = decide(
        {**CHECK, "passed": False, "expectations": [MET, NOT_MET], "trips": trips}, judged=False
    )
    assert verdict.lines == (
        ("expected", "1 of 2 met"),
        ("not met", "at 10 s: off; found at 10 s: beam"),
        ("tripped", "over-temperature at 900.00 s, not expected"),
    )
    assert verdict.in_one_line == (
        "FAILED: 1 of 2 expectations were met, and a trip was not expected: over-temperature."
    )
    assert verdict.gauge() is None


def test_the_gauge_has_both_figures_beside_the_limit():
    gauge = decide({**HELD, "rms_true_percent": 0.38, "passed": False}).gauge()
    assert gauge is not None
    assert [(bar.name, bar.text) for bar in gauge.bars] == [
        ("true", "0.38 %"),
        ("measured", "0.108 %"),
    ]
    assert gauge.bars[0].part == pytest.approx(2.0 * gauge.limit_part)
    assert max(bar.part for bar in gauge.bars) < 1.0
