"""The way out of firmware/start.py is long enough for a generator that is told piece by piece."""

import pytest

from firmware.signals import Outputs
from tests.firmware.test_source_rules import ROOT
from tests.kit.spellman_rig import TICK_MS, Rig

MODELS = ("uX50P50", "SLM70P300")


def rest_ticks() -> int:
    """As start.py says, which imports what only a board has."""
    lines = (ROOT / "firmware" / "start.py").read_text("utf-8").splitlines()
    [line] = [line for line in lines if line.startswith("REST_TICKS = ")]
    return int(line.split("=")[1])


@pytest.mark.parametrize("model", MODELS)
def test_after_the_ticks_of_rest_no_set_point_and_no_program_is_left(model):
    rig = Rig(model)
    rig.switch_on()
    rig.outputs = Outputs()
    rig.run(TICK_MS)
    left = [rig.generator.set_points[at] for at in (10, 12, 13)]
    assert any(left)  # one write of the safe state is not enough
    rig.run(rest_ticks() * TICK_MS)
    assert [rig.generator.set_points[at] for at in (10, 12, 13)] == [0, 0, 0]
    assert rig.is_on() == (0, False)
    assert rig.dac.channels[:3] == [0, 0, 0]
