"""The firmware under real MicroPython gives, tick by tick, the very outputs that it gives here."""

import random
import shutil
from typing import Any

import pytest

from firmware.controller import BEAM, OFF, PREHEAT, RAMP, TRIPPED
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signal_table import INPUTS
from firmware.signals import ALL_CLOSED, CHAIN_A, Command, Inputs, Outputs
from firmware.ticks import MASK
from hil.link.link import Peer
from hil.link.shadow import Difference, Shadow
from hil.link.transports import SOURCE
from hil.micropython.processes import command_of
from tests.kit.ramp import MINUTE_MS, beside, fill, ramp_world, run_at
from twin.world.firmware import LocalFirmware


def test_the_ramp_from_switch_on_into_its_first_minutes_is_the_same_to_the_count():
    world = ramp_world(pre_roll_ms=2 * MINUTE_MS)
    begin_ms = world.plant.now_ms
    with beside(world, "micropython") as shadow:
        world.run(3 * MINUTE_MS)
    assert shadow.first is None
    assert shadow.ticks == (3 * MINUTE_MS - begin_ms) // 10
    assert begin_ms & MASK > 3 * MINUTE_MS  # the tick counter has wrapped on the way
    assert shadow.condition == BEAM
    assert shadow.peer.counts.clean


@pytest.mark.parametrize("target", ["cpython", "micropython"])
def test_a_trip_and_the_new_start_after_it_are_the_same_to_the_count(target):
    world = ramp_world(pre_roll_ms=30_000)
    conditions = []

    def switches(value: int) -> None:
        world.plant.switches = value

    with beside(world, target) as shadow:
        world.every(1000, lambda now_ms: conditions.append(shadow.condition))
        world.at(-10_000, lambda: switches(ALL_CLOSED & ~CHAIN_A))
        world.at(-9_700, lambda: switches(ALL_CLOSED))
        world.run(-5_000)
        assert (shadow.condition, NAMES[shadow.controller.trip]) == (TRIPPED, "chain-a")
        run_at(world, 1000, False)
        run_at(world, 2000, True)
        world.run(20_000)
    assert shadow.first is None
    assert shadow.ticks == 5000
    steps = [b for a, b in zip([OFF, *conditions], conditions, strict=False) if a != b]
    assert [step for step in steps if step in (PREHEAT, BEAM, TRIPPED)] == [
        PREHEAT,
        BEAM,
        TRIPPED,
        PREHEAT,
        BEAM,
    ]


def test_a_plant_that_micropython_drives_goes_the_very_same_way():
    states = []
    for target in (None, "micropython"):
        world = ramp_world(pre_roll_ms=30_000)
        if target is None:
            world.run(30_000)
        else:
            with beside(world, target, peer_drives=True):
                world.run(30_000)
        plant = world.plant
        states.append((plant.kv, plant.ma, plant.heat.state(), plant.take_intensity()))
    assert states[0] == states[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_the_sensors_say_the_outputs_are_the_same_to_the_count(seed):
    """Any counts in their declared ranges, most of them plausible, with gaps in the time."""
    rng = random.Random(seed)
    settings, inputs, outputs = Settings(), Inputs(), Outputs()
    command = Command(settings.kv, settings.ma)
    healthy = {
        "switches": ALL_CLOSED,
        "kv_monitor_raw": 27000,
        "ma_monitor_raw": 16000,
        "lamp_current_raw": 2000,
        "fan_tach_raw": 5000,
        "head_temperature_raw": 9950,
        "mount_temperature_raw": 9200,
        "room_pressure_raw": 101325,
    }
    conditions = set()
    with Peer(command_of("micropython"), settings) as peer:
        shadow = Shadow(LocalFirmware(settings), peer)
        now_ms = MASK - 50_000
        for tick in range(20_000):
            cycle, phase = divmod(tick, 2000)
            if phase == 0:
                fill(inputs, **healthy)
                command.run = False
                command.hold = rng.choice((0, 0, 0, 1, 2, 4, 7))
                command.kv, command.ma = rng.uniform(0, 60), rng.uniform(0, 2)
            elif phase == 10:
                command.run = True
            elif rng.random() < 0.02 and (cycle % 2 or phase > 1200):
                name, _, low, high, *_ = rng.choice(INPUTS)
                near = healthy.get(name, max(low, 0)) + rng.randint(-20, 20) * (name != "switches")
                wild = rng.random() < 0.1
                value = rng.randint(low, high) if wild else min(max(near, low), high)
                fill(inputs, **{name: value})
            # A voltage that nothing enabled, or no current, would trip each cycle at once.
            usual = rng.random() > 0.001
            kv_raw = rng.randint(26900, 27100) if usual else rng.randint(0, 32767)
            live = {"kv_monitor_raw": kv_raw if outputs.values()[0] else 0}
            grid_raw = outputs.values()[3]
            if grid_raw:
                live["ma_monitor_raw"] = max(0, grid_raw - 2000) * rng.randint(14, 16)
            fill(inputs, **live)
            now_ms = (now_ms + rng.choice((10, 10, 10, 10, 11, 37))) & MASK
            shadow.step(now_ms, inputs, outputs, command)
            conditions.add(shadow.condition)
    assert shadow.first is None
    assert conditions == {OFF, PREHEAT, RAMP, BEAM, TRIPPED}


@pytest.mark.parametrize(
    "setting",
    [
        "grid_ma_per_v",
        "filament_preheat_a",
        "head_kp_w_per_k",
        "fan_g1_w_per_k",
        "kv_slew_kv_per_s",
    ],
)
def test_one_per_cent_in_one_setting_of_the_peer_is_seen(setting):
    world: Any = ramp_world(pre_roll_ms=30_000)
    other = 1.01 * world.controller.settings.values()[setting]
    with beside(world, "micropython", **{setting: other}) as shadow:
        world.run(0)
    assert isinstance(shadow.first, Difference)
    assert shadow.first.here != shadow.first.there
    assert max(shadow.worst.values()) > 0


def test_one_per_cent_in_a_gain_of_the_peers_source_is_seen(tmp_path):
    shutil.copytree(SOURCE / "firmware", tmp_path / "firmware")
    law = tmp_path / "firmware" / "laws" / "emission.py"
    text = law.read_text()
    assert "FAST_GAIN = 0.2 " in text
    law.write_text(text.replace("FAST_GAIN = 0.2 ", "FAST_GAIN = 0.202 "))
    world = ramp_world(pre_roll_ms=30_000)
    with beside(world, "micropython", source=tmp_path) as shadow:
        world.run(0)
    assert shadow.first is not None
    assert shadow.first.signal == "grid_program_raw"


def test_the_beam_never_starts_by_itself_when_the_first_frame_already_says_run():
    inputs, command = Inputs(), Command(50.0, 0.98)
    fill(inputs, switches=ALL_CLOSED)
    command.run = True
    with Peer(command_of("micropython"), Settings()) as peer:
        for tick in range(1000):
            outputs = peer.exchange(10 * tick, inputs, command)
            assert outputs.values()[:5] == (0, 0, 0, 0, 0)
