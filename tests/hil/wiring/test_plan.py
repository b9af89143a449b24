"""Wiring plans: the built-in ones agree with the firmware and the twin, and errors are found."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import benches_table
from firmware.boards.board_table import PICO
from firmware.drivers.fan import HIGHEST_RPM
from firmware.signal_table import INPUTS, OUTPUTS
from hil.pico.chips import rack
from hil.pico.chips.mcp4728 import REFERENCE_V
from hil.wiring.parts import RANGES
from hil.wiring.plan import PLANS, builtin_plans, load_plan
from twin.files.errors import InputError
from twin.world.faults import CONTACTS, FAULTS

ROOT = Path(__file__).parents[3]
SIGNALS = [signal[0] for signal in (*INPUTS, *OUTPUTS)]


@pytest.mark.parametrize("name", builtin_plans())
def test_a_built_in_plan_carries_each_signal_of_the_declaration(name: str):
    plan = load_plan(name)
    carried = [signal for wire in plan.wire for signal in wire.signals]
    assert set(carried) == set(SIGNALS)
    assert all(carried.count(signal) == 1 for signal in SIGNALS if signal != "switches")
    for contact in CONTACTS:
        assert plan.wire_of("switches", contact).contact in ("", contact)


def test_there_are_a_line_and_an_emulation():
    assert set(builtin_plans()) >= {"link", "emulated-pico"}


def test_over_the_link_every_fault_of_the_seam_can_be_made():
    plan = load_plan("link")
    assert set(plan.faults) == set(FAULTS)
    assert {fault.by for fault in plan.faults.values()} == {"seam"}
    assert {wire.by for wire in plan.wire} == {"frame"}


def test_the_emulated_pico_is_wired_as_the_chips_are():
    """The description on one side, hil/pico/chips/rack.py and the board's pins on the other."""
    plan = load_plan("emulated-pico")
    addresses = {name: chip.address for name, chip in plan.chips.items() if chip.bus == "i2c"}
    assert addresses == {
        "kv_adc": rack.KV_ADDRESS,
        "ma_adc": rack.MA_ADDRESS,
        "dac": rack.DAC_ADDRESS,
        "air": rack.AIR_ADDRESS,
    }
    selects = {name: chip.select for name, chip in plan.chips.items() if chip.bus == "spi"}
    assert selects == {"head": "head_cs", "mount": "mount_cs"}
    places = {
        "kv_monitor_raw": ("kv_adc", 0, rack.VOLTS_PER_COUNT),
        "ma_monitor_raw": ("ma_adc", 0, rack.VOLTS_PER_COUNT),
        "filament_monitor_raw": ("ma_adc", 1, rack.VOLTS_PER_COUNT),
        "generator_temperature_raw": ("ma_adc", 2, rack.LM35_VOLTS_PER_CENTI),
        "grid_program_raw": ("dac", rack.GRID, REFERENCE_V / 4096),
        "kv_program_raw": ("dac", rack.KV, REFERENCE_V / 4096),
        "filament_program_raw": ("dac", rack.FILAMENT, REFERENCE_V / 4096),
        "head_temperature_raw": ("head", 0, 400.0 / rack.RATIO_COUNTS),
        "mount_temperature_raw": ("mount", 0, 400.0 / rack.RATIO_COUNTS),
    }
    for signal, (chip, channel, per_count) in places.items():
        wire = plan.wire_of(signal)
        assert (wire.chip, wire.channel) == (chip, channel), signal
        assert wire.per_count == pytest.approx(per_count), signal
    pins = {
        "hv_enable": "hv_enable",
        "lamp_on": "lamp",
        "lamp_current_raw": "lamp_sense",
        "fan_program_raw": "fan_pwm",
        "fan_tach_raw": "fan_tach",
    }
    assert {signal: plan.wire_of(signal).pin for signal in pins} == pins
    contacts = {"chain-a": "chain_a", "chain-b": "chain_b", "generator": "generator_ok"}
    assert {one: plan.wire_of("switches", one).pin for one in CONTACTS} == contacts
    assert all(wire.pin in PICO for wire in plan.wire if wire.pin)


def test_what_the_fan_reaches_is_what_the_declaration_and_the_driver_can_hold():
    low, high = load_plan("emulated-pico").wire_of("fan_tach_raw").reaches or (0, 0)
    assert 0 <= low < high <= HIGHEST_RPM == RANGES["fan_tach_raw"][1]


def test_a_name_that_is_not_built_in_is_named_with_those_that_are():
    with pytest.raises(InputError, match=r"wiring plan 'lnk': not built in; choose .*link"):
        load_plan("lnk")


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """A built-in plan with one change, as a user's own file."""
    text = (PLANS / "emulated-pico.toml").read_text()
    assert text.count(old) >= 1, old
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_a_users_own_file_is_as_good(tmp_path: Path):
    plan = load_plan(changed(tmp_path, "title = ", "title = "))
    assert plan.name == "mine"
    assert plan.wire == load_plan("emulated-pico").wire


EMULATED = [
    ('signals = ["hv_enable"]', 'signals = ["hv_enabled"]', "did you mean hv_enable"),
    ('signals = ["state", "trip"]', 'signals = ["state"]', "nothing carries trip; add a wire"),
    ('"state", "trip"', '"state", "trip", "lamp_on"', "lamp_on is wired twice"),
    ('contact = "chain-b"', 'contact = "chain-a"', "switches chain-a is wired twice"),
    ('contact = "chain-b"', 'contact = "door"', "choose chain-a, chain-b, generator"),
    ('contact = "chain-a"\n', "", "is wired twice"),
    ('pin = "chain_a"', 'pin = "chain_c"', "not a pin of pico; did you mean chain_b"),
    ('pin = "lamp"\n', 'pin = "hv_enable"\n', "pin hv_enable already carries hv_enable"),
    ('pin = "lamp"\n', 'pin = "head_cs"\n', "already carries a chip's select"),
    ('chip = "kv_adc"', 'chip = "kv_dac"', "not in [chips]; did you mean kv_adc"),
    ('chip = "kv_adc"', 'chip = "ma_adc"', "chip ma_adc 0 already carries"),
    ('chip = "kv_adc"', 'chip = "dac"', "kv_monitor_raw goes to the firmware, MCP4728 does not"),
    ('chip = "dac"', 'chip = "ma_adc"', "goes from the firmware, ADS1115 does not"),
    ("channel = 2", "channel = 4", "ADS1115 has channels 0 to 3"),
    ("address = 0x49", "address = 0x48", "has the place of kv_adc"),
    ("address = 0x49", "address = 200", "must be at most 127"),
    ('model = "BME280"', 'model = "BMP280"', "not a chip; known here: ADS1115"),
    ('bus = "i2c", address = 0x48', 'bus = "i2c"', "chips.kv_adc.address: is missing"),
    ('select = "mount_cs"', 'select = "head_cs"', "has the place of head"),
    ("span = [0, 2.048]", "span = [0, 1.024]", "are 0 to 16384 counts, not 0 to 32767"),
    ("span = [0, 2.048]", "span = [0.1, 2.048]", "are 1600 to 32768 counts"),
    ("span = [0, 2.048]\n", "", "wire[3].span: is missing; per_count needs it"),
    ("per_count = 62.5e-6", "per_count = 0", "must be above 0"),
    ("reaches = [200, 12500]", "reaches = [200, 12501]", "is outside -4000 to 12500 counts"),
    ("reaches = [200, 12500]", "", "counts, not -4000 to 12500"),
    ('board = "pico"\n', "", "board: is missing"),
    ('board = "pico"', 'board = "arduino"', "unknown"),
    ('by = "firmware"', 'by = "frame"', "link: is missing"),
    ('by = "firmware"', 'by = "magic"', "'magic' is unknown"),
    ('by = "firmware"', 'by = "box"', "'box' is unknown"),
    ("chain-a = { by", "door = { by", "is not a fault"),
    ('by = "pin", pin = "chain_a"', 'by = "seam"', "seam needs all signals in wire frames"),
    ('by = "pin", pin = "chain_a"', 'by = "pin"', "pin: is missing; pin needs it"),
    ('pin = "chain_a" }', 'pin = "door" }', "'door' is not a pin"),
    ('chips = ["head"]', 'chips = ["hat"]', "not in [chips]"),
    ('chips = ["head"]', 'chips = ["head"], pin = "lamp"', "is not used with off-bus"),
    ("title =", "titel =", "did you mean title"),
]


@pytest.mark.parametrize(("old", "new", "said"), EMULATED)
def test_what_contradicts_itself_is_one_line_at_its_place(tmp_path, old, new, said):
    path = changed(tmp_path, old, new)
    with pytest.raises(InputError) as error:
        load_plan(path)
    text = str(error.value)
    assert said in text
    assert text.startswith(f"{path}:")
    assert "\n" not in text


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.text(max_size=4), max_size=3),
)


def as_toml(value: Any) -> str:
    if value is None:
        return "{ }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(one):08X}" for one in value if one.isprintable()) + '"'
    return repr(value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.integers(0, 260), value=VALUES)
def test_any_value_anywhere_is_taken_or_refused_in_one_line(tmp_path, line, value):
    lines = (PLANS / "emulated-pico.toml").read_text().splitlines()
    assert len(lines) > 150
    at = line % len(lines)
    key, is_entry, _ = lines[at].partition(" = ")
    lines[at] = f"{key} = {as_toml(value)}" if is_entry else lines[at]
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines))
    try:
        load_plan(path)
    except InputError as error:
        assert "\n" not in str(error)


def test_the_page_shows_the_faults_of_the_descriptions():
    page = (ROOT / "docs" / "bench" / "benches.md").read_text(encoding="utf-8")
    assert benches_table.table() in page
