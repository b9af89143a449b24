"""The declaration of what crosses the seam is consistent in itself."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL, DAC_FULL, FAN_FULL
from firmware.controller import STATES
from firmware.interlocks import NAMES
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import (
    ALL_CLOSED,
    CHAIN_A,
    CHAIN_B,
    GENERATOR_OK,
    HOLD_COMPENSATION,
    HOLD_EMISSION,
    HOLD_THERMAL,
    Command,
    Inputs,
    Outputs,
)

RECORDS = pytest.mark.parametrize(("record", "table"), [(Inputs, INPUTS), (Outputs, OUTPUTS)])
SIGNALS = pytest.mark.parametrize("signal", [*INPUTS, *OUTPUTS], ids=lambda signal: signal[0])
HIGHEST = {signal[0]: signal[3] for signal in (*INPUTS, *OUTPUTS)}


def test_no_two_signals_share_a_name():
    names = [signal[0] for signal in (*INPUTS, *OUTPUTS)]
    assert len(names) == len(set(names))


@SIGNALS
def test_the_ends_of_a_range_fit_the_bytes_of_its_signal(signal: tuple):
    name, unit, low, high, code, meaning, _ = signal
    assert low < high
    assert unit and meaning
    for value in (low, high):
        assert struct.unpack("<" + code, struct.pack("<" + code, value)) == (value,), name


@SIGNALS
def test_a_signal_in_counts_says_so_in_its_name(signal: tuple):
    if signal[1] == "count":
        assert signal[0].endswith("_raw")
    if signal[1] == "ms":
        assert signal[0].endswith("_age_ms")


def test_the_converters_full_scales_are_the_ends_of_their_ranges():
    assert HIGHEST["kv_monitor_raw"] == HIGHEST["head_temperature_raw"] == ADC_FULL
    assert HIGHEST["kv_program_raw"] == HIGHEST["grid_program_raw"] == DAC_FULL
    assert HIGHEST["fan_program_raw"] == FAN_FULL


def test_states_and_causes_of_trips_fit_their_signals():
    assert len(STATES) - 1 <= HIGHEST["state"]
    assert max(NAMES) <= HIGHEST["trip"]
    assert HIGHEST["switches"] == ALL_CLOSED


@pytest.mark.parametrize(
    "bits",
    [(CHAIN_A, CHAIN_B, GENERATOR_OK), (HOLD_THERMAL, HOLD_EMISSION, HOLD_COMPENSATION)],
)
def test_each_of_the_bits_is_one_bit_of_its_own(bits: tuple[int, ...]):
    assert sorted(bits) == [1, 2, 4]


@RECORDS
def test_a_new_record_is_all_zero_which_is_the_safe_state(record, table):
    assert set(record().values()) == {0}


@RECORDS
@given(data=st.data())
def test_values_come_out_as_they_went_in(record, table, data: st.DataObject):
    ranges = [st.integers(signal[2], signal[3]) for signal in table]
    values = data.draw(st.tuples(*ranges))
    filled = record()
    filled.load(values)
    assert filled.values() == values
    for signal, value in zip(table, values, strict=True):
        assert getattr(filled, signal[0]) == value


@pytest.mark.parametrize("record", [Inputs(), Outputs(), Command(50.0, 0.98)])
def test_a_misspelt_signal_is_an_error_and_not_a_new_attribute(record):
    with pytest.raises(AttributeError):
        record.kv_montior_raw = 1


def test_a_new_command_asks_for_no_beam():
    command = Command(50.0, 0.98)
    assert command.run is False
    assert command.hold == 0
