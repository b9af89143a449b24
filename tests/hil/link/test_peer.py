"""A peer that dies, hangs, babbles or is left alone: an error with its story, never a hang."""

import pytest

from firmware.controller import BEAM, OFF
from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, Command, Inputs, Outputs
from hil.link.link import Link, LinkError, Peer
from hil.link.shadow import make_safe
from hil.link.transports import Process
from hil.micropython.processes import INTERPRETERS, command_of
from tests.kit.ramp import beside, fill, ramp_world
from twin.files.errors import InputError

SAFE = Outputs().values()
START_BY_HAND = """
from firmware.link.serve import *
session, outputs = session_over(standard_streams(), 9999), Outputs()
prepare(session, Settings(), outputs)
link, clock = parts(session, False, outputs)
begin(session, clock, Controller(Settings()), outputs)
"""


SERVE = """
from firmware.link import serve
from firmware.streams import standard_streams
serve.serve(serve.session_over(standard_streams(), 1000))
"""


def micropython(source: str) -> list[str]:
    return [command_of("micropython")[0], "-c", source]


def fan_at(count: int) -> Outputs:
    outputs = Outputs()
    fill(outputs, fan_program_raw=count)
    return outputs


@pytest.mark.parametrize("target", INTERPRETERS)
@pytest.mark.parametrize("pty", [True, False])
def test_the_outputs_of_before_the_first_step_are_held_and_the_last_word_is_the_safe_state(
    target, pty
):
    held = fan_at(20_000)
    with Link(Process(command_of(target), pty), Settings(), held) as peer:
        assert peer.exchange(0, Inputs(), Command(50.0, 0.98)).values() == held.values()
        assert peer.hang_up().values() == SAFE


def test_a_line_that_falls_silent_ends_in_the_safe_state():
    with Peer(command_of("micropython"), Settings(), fan_at(20_000), silence_ms=300) as peer:
        peer.transport.wait()
        with pytest.raises(LinkError, match="has ended, in the safe state, exit status 0"):
            peer.exchange(0, Inputs(), Command(50.0, 0.98))
        assert peer.outputs.values() == SAFE


@pytest.mark.parametrize("target", INTERPRETERS)
def test_an_exception_in_a_tick_ends_in_the_safe_state_and_is_reported(target):
    settings, inputs = Settings(), Inputs()
    settings.fan_exponent = 0.0
    fill(inputs, switches=ALL_CLOSED, head_temperature_raw=11_000)
    with Peer(command_of(target), settings, fan_at(20_000)) as peer:
        with pytest.raises(LinkError, match=r"(?s)exit status 1.*ZeroDivisionError") as told:
            for tick in range(1000):
                peer.exchange(10 * tick, inputs, Command(50.0, 0.98))
        assert "firmware/laws/thermal.py" in str(told.value)
        assert peer.outputs.values() == SAFE


def test_a_shadow_whose_peer_is_lost_leaves_nothing_energised():
    world = ramp_world(pre_roll_ms=30_000)
    with beside(world, "micropython", peer_drives=True) as shadow:
        world.run(-5_000)
        assert shadow.condition == BEAM and world.plant.hv_enable
        assert isinstance(shadow.peer.transport, Process)
        shadow.peer.transport.kill()
        with pytest.raises(LinkError, match="is gone, exit status -9"):
            world.run(0)
        make_safe(world)
        assert world.outputs.values() == SAFE
        assert (world.plant.hv_enable, world.plant.kv_program_raw) == (0, 0)
        assert shadow.condition == OFF


def test_a_setting_that_does_not_exist_is_reported():
    settings = Settings()
    settings.warp_factor = 9.0  # type: ignore[attr-defined]
    with pytest.raises(LinkError, match="refuses: unknown setting warp_factor, exit status 1"):
        Peer(command_of("micropython"), settings)


def test_a_peer_that_dies_says_why():
    with pytest.raises(LinkError, match=r"(?s)is gone, exit status 1.*no such thing"):
        Peer(micropython("raise ValueError('no such thing')"), Settings())


def test_a_peer_that_hangs_is_not_waited_for():
    with pytest.raises(LinkError, match=r"no answer within 0\.2 s"):
        Peer(micropython("while True: pass"), Settings(), timeout_s=0.2)


def test_a_peer_that_reads_nothing_more_is_not_waited_for():
    """Not even in a write: what does not fit on the line is lost."""
    asleep = START_BY_HAND + "import time\ntime.sleep(60)\n"
    with Peer(micropython(asleep), Settings(), timeout_s=0.5, resend_s=0.0001) as peer:
        with pytest.raises(LinkError, match=r"no answer within 0\.5 s"):
            peer.exchange(0, Inputs(), Command(50.0, 0.98))
        for _ in range(1000):
            peer.send(0, Inputs(), Command(50.0, 0.98))


def test_a_peer_that_babbles_is_not_listened_to_for_ever():
    babble = "import sys\nwhile True: sys.stdout.buffer.write(b'warp drive \\0')"
    with pytest.raises(LinkError, match=r"no answer within 1 s, \d+ damaged frames"):
        Peer(micropython(babble), Settings(), timeout_s=1.0)


def test_a_program_that_is_not_there_is_an_ordinary_error():
    with pytest.raises(FileNotFoundError):
        Peer(["/nowhere/micropython"], Settings())


def test_an_answer_to_another_frame_is_none():
    late = START_BY_HAND + "clock.next_tick()\nsession.now_ms -= 10\nlink.write(outputs)\n"
    late += "clock.next_tick()"
    with Peer(micropython(late), Settings(), timeout_s=0.5, resend_s=9.0) as peer:
        with pytest.raises(LinkError, match=r"no answer within 0\.5 s"):
            peer.exchange(100, Inputs(), Command(50.0, 0.98))
        assert peer.counts.out_of_order == 1


def test_an_answer_that_comes_again_is_counted_and_not_taken():
    twice = START_BY_HAND + "for tick in range(3):\n"
    twice += "    clock.next_tick()\n    link.write(outputs)\n    link.write(outputs)\n"
    with Peer(micropython(twice), Settings()) as peer:
        for tick in range(3):
            peer.exchange(10 * tick, Inputs(), Command(50.0, 0.98))
        assert peer.counts.late == 2
        assert peer.counts.out_of_order == 0


def test_a_missing_interpreter_is_named_with_its_fix(monkeypatch):
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", "/nowhere/micropython")
    with pytest.raises(InputError, match="TUBETWIN_MICROPYTHON"):
        command_of("micropython")
    with pytest.raises(ValueError, match="not an interpreter"):
        command_of("pdp-11")


CHANGED_TABLES = {
    "one signal less": "t.OUTPUTS = t.OUTPUTS[:-1]",
    "two signals of equal size swapped": "i = t.INPUTS\nt.INPUTS = i[:1] + (i[2], i[1]) + i[3:]",
    "another range": "o = t.OUTPUTS\nt.OUTPUTS = o[:2] + (o[2][:3] + (1023,) + o[2][4:],) + o[3:]",
}


@pytest.mark.parametrize("change", CHANGED_TABLES.values(), ids=CHANGED_TABLES)
def test_a_firmware_with_another_table_of_signals_is_refused(change):
    """Also one whose frames have the same size: only the checksum finds it."""
    other = f"import firmware.signal_table as t\n{change}\n{SERVE}"
    with pytest.raises(LinkError, match=r"refuses: the host has another table of signals.*flash"):
        Peer(micropython(other), Settings())


def test_a_firmware_with_the_same_table_is_not_refused():
    """The control."""
    with Peer(micropython(SERVE), Settings()) as peer:
        peer.exchange(0, Inputs(), Command(50.0, 0.98))
