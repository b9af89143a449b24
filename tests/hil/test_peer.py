"""A peer that dies, hangs, babbles or is left alone: an error with its story, never a hang."""

import pytest

from firmware.settings import Settings
from firmware.signals import ALL_CLOSED, Command, Inputs, Outputs
from hil.lockstep import Peer, PeerError
from hil.targets import TARGETS, command_of
from tests.hil.ramp import fill
from twin.errors import InputError

SAFE = Outputs().values()


def micropython(source: str) -> list[str]:
    return [command_of("micropython")[0], "-c", source]


def fan_at(count: int) -> Outputs:
    outputs = Outputs()
    fill(outputs, fan_program_raw=count)
    return outputs


@pytest.mark.parametrize("target", TARGETS)
def test_the_outputs_of_before_the_first_step_are_held_and_the_last_word_is_the_safe_state(target):
    held = fan_at(20_000)
    with Peer(command_of(target), Settings(), held) as peer:
        assert peer.exchange(0, Inputs(), Command(50.0, 0.98)).values() == held.values()
        assert peer.hang_up().values() == SAFE


def test_a_line_that_falls_silent_ends_in_the_safe_state():
    with Peer([*command_of("micropython"), "500"], Settings(), fan_at(20_000)) as peer:
        assert peer.receive().values() == SAFE
        with pytest.raises(PeerError, match="is gone, exit status 0"):
            peer.receive()


@pytest.mark.parametrize("target", TARGETS)
def test_an_exception_in_a_tick_ends_in_the_safe_state_and_is_told(target):
    settings, inputs = Settings(), Inputs()
    settings.fan_exponent = 0.0
    fill(inputs, switches=ALL_CLOSED, head_temperature_raw=11_000)
    with Peer(command_of(target), settings, fan_at(20_000)) as peer:
        with pytest.raises(PeerError, match=r"(?s)exit status 1.*ZeroDivisionError") as told:
            for tick in range(1000):
                last = peer.exchange(10 * tick, inputs, Command(50.0, 0.98)).values()
        assert "firmware/thermal.py" in str(told.value)
        assert last == SAFE


def test_a_setting_that_does_not_exist_is_told():
    settings = Settings()
    settings.warp_factor = 9.0  # type: ignore[attr-defined]
    with pytest.raises(PeerError, match="unknown setting warp_factor"):
        Peer(command_of("micropython"), settings)


def test_a_peer_that_dies_says_why():
    with pytest.raises(PeerError, match=r"(?s)exit status 1.*no such thing"):
        Peer(micropython("raise ValueError('no such thing')"), Settings())


def test_a_peer_that_hangs_is_not_waited_for():
    with pytest.raises(PeerError, match=r"no answer within 0\.2 s"):
        Peer(micropython("while True: pass"), Settings(), timeout_s=0.2)


def test_a_peer_that_babbles_is_not_listened_to_for_ever():
    babble = "import sys\nwhile True: sys.stdout.buffer.write(b'warp drive \\0')"
    with pytest.raises(PeerError, match=r"no answer within 1 s, \d+ damaged frames"):
        Peer(micropython(babble), Settings(), timeout_s=1.0)


def test_a_program_that_is_not_there_is_an_ordinary_error():
    with pytest.raises(FileNotFoundError):
        Peer(["/nowhere/micropython"], Settings())


def test_a_peer_that_answers_twice_or_to_another_frame_is_caught():
    start = "from firmware.lockstep import *\nfrom firmware.frame import *\n"
    start += "link = standard_streams(9999)\nlink.prepare(Settings(), Outputs())\n"
    late = start + "link.next_tick()\nlink._now_ms -= 10\nlink.write(Outputs())\nlink.next_tick()"
    with (
        Peer(micropython(late), Settings()) as peer,
        pytest.raises(PeerError, match="90 ms to number 1, 100 ms"),
    ):
        peer.exchange(100, Inputs(), Command(50.0, 0.98))


def test_an_interpreter_that_is_missing_is_named_with_its_mend(monkeypatch):
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", "/nowhere/micropython")
    with pytest.raises(InputError, match="TUBETWIN_MICROPYTHON"):
        command_of("micropython")
    with pytest.raises(ValueError, match="no target"):
        command_of("pdp-11")
