"""A tick log holds every tick to the bit, and no other recording is accepted as one."""

import random
from pathlib import Path

import pytest

from firmware.settings import Settings
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import Command, Inputs, Outputs
from hil.runs.replay import replay
from hil.runs.tick_log import LoggedFirmware, TickLog, open_tick_log
from hil.targets.in_process import InProcess
from tests.kit.hosts import quick_settings
from tests.kit.ramp import fill
from twin.files.errors import InputError
from twin.world.firmware import LocalFirmware

ABOUT = {"target": "in-process", "seed": 3}


def any_tick(rng: random.Random) -> tuple[Inputs, Command, Outputs]:
    """Any counts in their declared ranges, their ends most of all."""
    inputs, outputs = Inputs(), Outputs()
    for record, table in ((inputs, INPUTS), (outputs, OUTPUTS)):
        ends = {s[0]: rng.choice((s[2], s[3], rng.randint(s[2], s[3]))) for s in table}
        fill(record, **ends)
    command = Command(rng.uniform(0, 60), rng.uniform(0, 2))
    command.run, command.hold = rng.random() < 0.5, rng.randint(0, 15)
    return inputs, command, outputs


def fields(command: Command) -> tuple[float, ...]:
    return command.run, command.kv, command.ma, command.hold


def record(path: Path, ticks: int, settings: Settings | None = None) -> None:
    """A tick log of a firmware that sees a closed chain and is told to start."""
    settings = settings or quick_settings()
    inputs, outputs, command = Inputs(), Outputs(), Command(settings.kv, settings.ma)
    outputs.load((0, 0, 0, 0, 0, 20_000, 0, 0))
    fill(inputs, switches=7, lamp_current_raw=2000, head_temperature_raw=9950)
    with TickLog(path, settings, outputs, ABOUT) as tick_log:
        logged = LoggedFirmware(LocalFirmware(settings), tick_log)
        for tick in range(ticks):
            command.run = tick > 10
            logged.step(10 * tick, inputs, outputs, command)
        tick_log.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_recorded_is_played_to_the_bit(tmp_path: Path, seed: int):
    rng = random.Random(seed)
    ticks = [(10 * at - 50, *any_tick(rng)) for at in range(5000)]
    settings, held = quick_settings(kv=47.3), ticks[0][3]
    with TickLog(tmp_path / "tick_log.h5", settings, held, ABOUT) as tick_log:
        for now_ms, inputs, command, outputs in ticks:
            tick_log.tick(now_ms, inputs, command, outputs)
        tick_log.close()
    with open_tick_log(tmp_path / "tick_log.h5") as found:
        assert found.ticks == len(ticks)
        assert found.settings.values() == settings.values()
        assert [type(v) for v in found.settings.values().values()] == [
            type(v) for v in settings.values().values()
        ]
        assert found.held.values() == held.values()
        assert found.about == ABOUT
        for (now_ms, inputs, command, outputs), played in zip(ticks, found.play(), strict=True):
            assert played[0] == now_ms
            assert played[1].values() == inputs.values()
            assert fields(played[2]) == fields(command)
            assert played[3] == outputs.values()


def test_nothing_is_there_before_the_tape_is_closed(tmp_path: Path):
    with TickLog(tmp_path / "tick_log.h5", Settings(), Outputs(), ABOUT) as tick_log:
        tick_log.tick(0, Inputs(), Command(0.0, 0.0), Outputs())
        assert not (tmp_path / "tick_log.h5").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_taped_firmware_is_the_firmware_still(tmp_path: Path):
    controller = LocalFirmware(Settings())
    with TickLog(tmp_path / "tick_log.h5", Settings(), Outputs(), ABOUT) as tick_log:
        logged = LoggedFirmware(controller, tick_log)
        assert logged.condition == controller.condition
        assert (logged.trip, logged.trip_ms, logged.trim) == (0, 0, controller.trim)
        assert logged.state() == controller.state()
        records = Inputs(), Outputs()
        assert logged.readings(*records) == controller.readings(*records)


def test_a_replay_finds_every_output_the_same(tmp_path: Path):
    record(tmp_path / "tick_log.h5", 500)
    found = replay(tmp_path / "tick_log.h5", InProcess(), quiet=True)
    assert (found.ticks, found.first) == (500, None)
    assert "500 ticks on in-process: every output is the same" in found.words()


def test_a_replay_names_the_first_difference_and_the_largest(tmp_path: Path):
    """The negative control: the tick log of a filament that is heated a little differently."""
    record(tmp_path / "tick_log.h5", 500)
    other = quick_settings(filament_preheat_a=0.99 * quick_settings().filament_preheat_a)

    class Other(InProcess):
        def firmware(self, settings, held):
            return super().firmware(other, held)

    found = replay(tmp_path / "tick_log.h5", Other(), quiet=True)
    assert found.first is not None
    assert found.first.signal == "filament_program_raw"
    assert found.first.there > found.first.here
    assert found.worst["filament_program_raw"] > 0
    assert found.worst["hv_enable"] == 0
    assert "first difference in tick" in found.words()
    assert found.summary()["first"]["signal"] == "filament_program_raw"


def test_only_so_many_ticks_are_replayed(tmp_path: Path):
    record(tmp_path / "tick_log.h5", 500)
    assert replay(tmp_path / "tick_log.h5", InProcess(), ticks=7, quiet=True).ticks == 7
    assert replay(tmp_path / "tick_log.h5", InProcess(), ticks=9999, quiet=True).ticks == 500


def test_what_is_no_tape_is_one_line(tmp_path: Path):
    from twin.recording.recorder import Column, Recorder

    with pytest.raises(InputError, match="no such recording"), open_tick_log(tmp_path / "none.h5"):
        pass
    (tmp_path / "text.h5").write_text("warp drive")
    with pytest.raises(InputError, match=r"text\.h5"), open_tick_log(tmp_path / "text.h5"):
        pass
    with Recorder(tmp_path / "run.h5", [Column("now_ms", "ms", "")], {}) as recorder:
        recorder.close()
    with pytest.raises(InputError, match="not a tick log"), open_tick_log(tmp_path / "run.h5"):
        pass
    record(tmp_path / "empty.h5", 0)
    with pytest.raises(InputError, match="tick log is empty"), open_tick_log(tmp_path / "empty.h5"):
        pass


def test_a_tape_of_another_firmware_is_refused_by_what_differs(tmp_path: Path):
    import h5py

    record(tmp_path / "tick_log.h5", 5)
    with h5py.File(tmp_path / "tick_log.h5", "r+") as file:
        channels = file["entry/instrument/channels"]
        channels.move("fan_tach_raw", "warp_raw")
    with (
        pytest.raises(InputError, match=r"other signals \(fan_tach_raw, warp_raw\)"),
        open_tick_log(tmp_path / "tick_log.h5"),
    ):
        pass
