"""Bench tests of your own; docs/bench-tests.md. Run them with

pytest hil/examples --tube-target in-process --tube-report bench.html
"""

import pytest

from hil.rig import Rig
from hil.rig_faults import RigFaults


@pytest.mark.high_voltage
def test_the_beam_comes_and_stays(twin: Rig) -> None:
    twin.start()
    twin.record("beam after", twin.run_until("beam", within_s=10), "s")
    twin.run(5)
    current = twin.measure("ma", seconds=2)
    assert current.mean == pytest.approx(twin.command.ma * twin.value("trim"), rel=0.01)
    assert current.rms_percent < 1.0


@pytest.mark.high_voltage
@pytest.mark.parametrize("channel", ["chain-a", "chain-b"])
def test_an_open_chain_switches_off_at_once(twin: Rig, faults: RigFaults, channel: str) -> None:
    twin.start()
    twin.run_until("beam")
    with faults.make(channel):
        twin.record("off after", twin.run_until("tripped", within_s=0.1), "s")
    assert twin.trip == channel
    assert not twin.energised


@pytest.mark.high_voltage
def test_the_current_comes_back_after_a_disturbance(twin: Rig) -> None:
    twin.start()
    twin.run_until("beam")
    twin.run(5)
    before = twin.measure("ma", seconds=1).mean
    twin.disturb("emission", 0.95)
    twin.run(2)
    assert twin.measure("ma", seconds=1).mean == pytest.approx(before, rel=0.005)


def test_nothing_is_energised_until_it_is_asked_for(twin: Rig) -> None:
    twin.run(5)
    assert twin.state == "off"
    assert not twin.energised
