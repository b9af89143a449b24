"""The tables of pins: nothing twice, nothing on a pin that can't do it, and the page shows them.

What the pins are is from the boards' own descriptions in MicroPython 1.25 (ports/*/boards) and from
the processors' data sheets. That each works as its signal, on its port, is in test_boards.py.
"""

from pathlib import Path

import pytest

from firmware.boards.board_table import ESP32, PYBOARD
from hil.board_types import BOARD_TYPES
from wiring_picture import PICTURES, pictures
from wiring_table import WIRES, tables

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "board" / "wiring.md").read_text(encoding="utf-8")
OUTPUTS = {name for name, (direction, _) in WIRES.items() if direction in ("out", "both")}
INTERRUPTS = ("chain_a", "chain_b", "fan_tach")

# Processor pins behind the names: PYBV11/pins.csv, PYBD_SF2/pins.csv
V11 = {
    **{"X1": "A0", "X2": "A1", "X3": "A2", "X4": "A3", "X5": "A4", "X6": "A5", "X7": "A6"},
    **{"X8": "A7", "X9": "B6", "X10": "B7", "X11": "C4", "X12": "C5", "Y1": "C6", "Y2": "C7"},
    **{"Y3": "B8", "Y4": "B9", "Y5": "B12", "Y6": "B13", "Y7": "B14", "Y8": "B15", "Y9": "B10"},
    **{"Y10": "B11", "Y11": "B0", "Y12": "B1"},
}
D = {
    **V11,
    **{"X9": "B8", "X10": "B9", "Y1": "A9", "Y2": "A10", "Y3": "B4", "Y4": "B5"},
    **{"Y7": "C2", "Y8": "C3"},
}


@pytest.mark.parametrize("pins", [kind.pins for kind in BOARD_TYPES.values()], ids=BOARD_TYPES)
def test_no_pin_has_two_signals(pins: dict):
    assert len(set(pins.values())) == len(pins) == len(WIRES)


def test_the_esp32_leaves_the_flash_the_console_and_the_boot_pins_alone():
    flash, console, strapping, wrover = {*range(6, 12)}, {1, 3}, {0, 2, 5, 12, 15}, {16, 17}
    assert set(ESP32.values()) & (flash | console | strapping | wrover) == set()


def test_the_esp32_drives_no_pin_that_is_an_input_only():
    assert all(ESP32[name] < 34 for name in OUTPUTS)


def test_the_esp32_has_no_interrupt_where_the_converter_makes_glitches():
    assert {36, 39} & {ESP32[name] for name in INTERRUPTS} == set()


def test_what_is_high_while_an_esp32_boots_energises_nothing():
    assert 14 not in (ESP32["hv_enable"], ESP32["lamp"], ESP32["fan_pwm"])


@pytest.mark.parametrize("names", [V11, D])
def test_the_pyboards_interrupts_are_on_lines_of_their_own(names: dict):
    lines = [names[PYBOARD[signal]][1:] for signal in INTERRUPTS]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("names", [V11, D])
def test_the_pyboards_enable_is_no_pin_with_a_pull_up_in_reset(names: dict):
    jtag = {"A13", "A14", "A15", "B3", "B4"}  # DS8626, table of pins: JTAG has pulls
    assert names[PYBOARD["hv_enable"]] not in jtag


def test_the_page_shows_the_tables_of_pins():
    assert tables() in PAGE


def test_the_pictures_are_what_their_script_draws():
    for name, content in pictures().items():
        assert (PICTURES / name).read_text(encoding="utf-8") == content
        assert f"pictures/{name}" in PAGE


def test_the_picture_shows_every_signal():
    assert [signal for signal in WIRES if f">{signal}<" not in pictures()["wiring.svg"]] == []


def test_the_page_says_that_nothing_was_built_and_that_the_chain_comes_first():
    for said in ("No such board has been built", "Lethal voltages", "no performance"):
        assert said in PAGE
