"""JUnit XML as continuous-integration servers read it, whole or not at all."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.runs.junit import Case, check_junit, write_junit
from twin.files.errors import InputError


def test_each_suite_counts_its_cases_and_failures(tmp_path: Path):
    cases = [
        Case("a.ramp", "verdict", "", 1.5, {"rms_true_percent": 0.015, "target": "a"}),
        Case("a.ramp", "4 s: off"),
        Case("b.ramp", "verdict", "not held", 2.0),
    ]
    write_junit(tmp_path / "j.xml", cases)
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    counts = [(s.get("name"), s.get("tests"), s.get("failures")) for s in root]
    assert counts == [("a.ramp", "2", "0"), ("b.ramp", "1", "1")]
    assert [float(suite.get("time", "")) for suite in root] == [1.5, 2.0]
    properties = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert properties == {"rms_true_percent": "0.015", "target": "a"}
    assert [failure.get("message") for failure in root.iter("failure")] == ["not held"]


def test_any_text_makes_well_formed_xml(tmp_path: Path):
    story = 'a <b> & "c" \x00\x1b[31m µ°\nsecond line'
    write_junit(tmp_path / "j.xml", [Case("<s>", "n & m", story, 0.0, {"p\x01"[:1]: "\x07"})])
    failure = next(ElementTree.parse(tmp_path / "j.xml").getroot().iter("failure"))
    assert failure.text == 'a <b> & "c" ??[31m µ°\nsecond line'


def test_what_can_not_be_written_is_one_line_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(InputError, match="--junit"):
        write_junit(tmp_path / "no" / "j.xml", [Case("s", "n")])
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="--junit"):
        write_junit(tmp_path / "folder", [Case("s", "n")])
    for path in (tmp_path / "no" / "j.xml", tmp_path / "folder"):
        with pytest.raises(InputError, match="--junit"):
            check_junit(path)
    check_junit(tmp_path / "j.xml")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
