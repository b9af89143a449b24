"""An example of bench tests, see docs/bench/bench-tests.md. Run it with

pytest hil/rig/examples --tube-target in-process --tube-report bench.html
"""

import pytest

from hil.rig.faults import RigFaults
from hil.rig.rig import Rig


@pytest.mark.high_voltage
def test_the_beam_comes_and_stays(rig: Rig) -> None:
    rig.start()
    rig.record("beam after", rig.run_until("beam", within_s=10), "s")
    rig.run(5)
    current = rig.measure("ma", seconds=2)
    assert current.mean == pytest.approx(rig.command.ma * rig.value("trim"), rel=0.01)
    assert current.rms_percent < 1.0


@pytest.mark.high_voltage
@pytest.mark.parametrize("channel", ["chain-a", "chain-b"])
def test_an_open_chain_switches_off_at_once(rig: Rig, faults: RigFaults, channel: str) -> None:
    rig.start()
    rig.run_until("beam")
    with faults.make(channel):
        rig.record("off after", rig.run_until("tripped", within_s=0.1), "s")
    assert rig.trip == channel
    assert not rig.energised


@pytest.mark.high_voltage
def test_the_current_comes_back_after_a_disturbance(rig: Rig) -> None:
    rig.start()
    rig.run_until("beam")
    rig.run(5)
    before = rig.measure("ma", seconds=1).mean
    rig.disturb("emission", 0.95)
    rig.run(2)
    assert rig.measure("ma", seconds=1).mean == pytest.approx(before, rel=0.005)


def test_nothing_is_energised_until_it_is_asked_for(rig: Rig) -> None:
    rig.run(5)
    assert rig.state == "off"
    assert not rig.energised
