"""The Pico's real image on an emulated RP2040: it starts when told to, trips, and never by itself.

The runs are those of tests/kit/emulated_runs.py; times are the emulated board's own.
"""

from itertools import groupby, pairwise

import pytest

from firmware.controller import BEAM
from firmware.slack import COLLECT_TICKS
from hil.micropython.interpreters import find_micropython
from tests.kit.hosts import FAULT_MS, OPEN_MS
from tests.kit.on_micropython import printed_by
from tests.kit.same_bits import PROGRAM

TICK_LIMIT_US = 6000
LINK_TICK_LIMIT_US = 7000
FREE_BYTES = 40 * 1024
HARD_INTERRUPT_US = 50.0
COLLECTION_US = 8000  # what a period with a collection takes at the least


@pytest.mark.emulated("hosts")
def test_main_py_boots_from_the_file_system_and_finds_all_its_chips(emulated):
    said = emulated("hosts")["after"]
    assert said["stored"]
    assert 40.0 < said["head_temperature_c"] < 70.0
    assert 15.0 < said["mount_temperature_c"] < 60.0
    assert 10.0 < said["room_temperature_c"] < 35.0
    assert 900.0 < said["room_pressure_hpa"] < 1100.0
    assert 10.0 < said["room_humidity_percent"] < 90.0
    assert 15.0 < said["generator_temperature_c"] < 60.0
    assert said["fan_rpm"] > 100


@pytest.mark.emulated("hosts")
def test_a_tick_takes_less_than_6_ms_with_the_beam_on(emulated):
    courses = groupby(emulated("hosts")["statuses"], key=lambda one: one["state"])
    beams = [list(said) for state, said in courses if state == "beam"]
    assert len(beams) == 2
    assert len(beams[0]) > 1
    for one in beams[0] + beams[1]:
        assert 0 < one["worst_tick_us"] < TICK_LIMIT_US
        assert one["worst_collect_us"] > 0  # the collector has run, in the slack
        assert one["worst_busy_us"] < 10_000  # and never made a tick late
        assert one["forced"] == 0
    for said in beams:
        assert said[-1]["late"] == said[0]["late"]  # nor has a status


@pytest.mark.emulated("hosts")
def test_more_than_40_kb_stay_free(emulated):
    ok, free_bytes, *_ = emulated("hosts")["memory"].split()
    assert ok == "ok"
    assert int(free_bytes) > FREE_BYTES


@pytest.mark.emulated("hosts")
def test_the_first_cause_is_told_and_a_new_start_needs_a_stop(emulated):
    found = emulated("hosts")
    assert found["after"]["trip"] == "generator"
    assert found["lines"] == [
        "ok starting, 50 kV 0.98 mA",
        "ok stopped",
        "ok starting, 50 kV 0.98 mA",
    ]


@pytest.mark.emulated("hosts")
def test_the_chain_acts_by_interrupt_and_the_fault_contact_by_polling(emulated):
    offs = [ms for ms, high in emulated("hosts")["enabled"] if not high]
    assert 1.0 < 1e3 * (offs[0] - OPEN_MS) <= HARD_INTERRUPT_US
    assert 0.0 < offs[1] - FAULT_MS <= 20.0


@pytest.mark.emulated("latency")
def test_pin_to_pin_it_takes_less_than_50_us_with_buses_and_collector_busy(emulated):
    found = emulated("latency")
    assert len(found["latency_us"]) > 10
    assert max(found["latency_us"]) <= HARD_INTERRUPT_US
    assert min(found["latency_us"]) > 1.0  # it was measured
    assert found["high_again"] == 0  # not even for a moment, while the chain is open
    assert 1.0 < found["switching_on_us"] <= HARD_INTERRUPT_US


@pytest.mark.emulated("watchdog")
def test_a_firmware_that_hangs_is_reset_in_the_safe_state_and_stays_there(emulated):
    found = emulated("watchdog")
    assert found["hung"]
    assert found["resets"] == 1
    assert 400.0 <= found["reset_after_ms"] <= 600.0
    assert [high for _, high in found["enabled"]] == [True, False]
    assert found["enabled"][-1][0] <= found["reset_after_ms"]
    assert found["after"]["state"] == "off"
    assert found["after"]["reset_cause"].startswith("watchdog")


@pytest.mark.emulated("watchdog")
def test_nothing_starts_without_a_command_after_a_power_cycle(emulated):
    found = emulated("watchdog")
    assert found["after_power_cycle"]["state"] == "off"
    assert found["after_power_cycle"]["reset_cause"].startswith("power")
    assert found["kv"] < 0.1


@pytest.mark.emulated("link")
def test_in_real_time_over_the_link_no_tick_is_left_out_and_none_lacks_its_sample(emulated):
    found = emulated("link")
    assert (found["condition"], found["worst_difference"]) == (BEAM, 0)
    assert (found["missed"], found["overruns"], found["corrupt"]) == (0, 0, 0)
    assert max(found["late_ms"][1:]) <= 3  # after a collection


@pytest.mark.emulated("link")
def test_a_whole_tick_over_the_link_takes_less_than_7_ms_but_for_collections(emulated):
    found = emulated("link")
    ticks = [took_us for took_us in found["busy_us"] if took_us < COLLECTION_US]
    # Above the 6 ms of the other ticks since the link is line, session, clock and board: 6.6 ms
    # were measured (5.8 before). A regression that is to be brought back, of a period of 10 ms.
    assert 1000 < max(ticks) < LINK_TICK_LIMIT_US
    assert 1 <= len(found["busy_us"]) - len(ticks) <= 1 + len(found["busy_us"]) // COLLECT_TICKS


@pytest.mark.emulated("link")
def test_a_line_that_drops_within_a_frame_stops_no_tick_and_ends_the_beam_within_100_ms(emulated):
    after = emulated("link")["after"]
    times = [0, *(at_ms for at_ms, *_ in after)]
    assert max(late - soon for soon, late in pairwise(times)) < 20
    assert after[0][1]  # the beam was on
    safe_ms = next(at_ms for at_ms, energised, _ in after if not energised)
    assert safe_ms <= 100
    assert {(energised, trip) for at_ms, energised, trip in after if at_ms >= safe_ms} == {
        (False, "stale-monitors")
    }


@pytest.mark.slow
@pytest.mark.emulated("bits")
def test_the_emulated_rp2040_and_the_32_bit_build_compute_the_same_bits(emulated, pytestconfig):
    ticks = pytestconfig.getoption("ticks")
    there = emulated("bits")["lines"]
    here = printed_by(find_micropython("single"), PROGRAM.replace("TICKS", str(ticks)))
    assert there[: len(here)] == here
    assert len(here) == ticks // 500


def test_the_hash_tells_one_bit_of_one_constant():
    changed = PROGRAM.replace("1.234e-3", "1.2340001e-3").replace("TICKS", "1000")
    program = PROGRAM.replace("TICKS", "1000")
    single = find_micropython("single")
    assert printed_by(single, program) == printed_by(single, program)
    assert printed_by(single, program)[-1] != printed_by(single, changed)[-1]
