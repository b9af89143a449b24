"""Real time at the host's end: the twin follows the board, whatever the board leaves out."""

from typing import Any

import pytest

from firmware.controller import BEAM, RAMP, TRIPPED, Controller
from firmware.interlocks import NAMES
from firmware.link import frame
from firmware.link.real_time import grow
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import diff
from hil.link.link import LinkError
from hil.link.real_time import RealTimeLink, RealTimeShadow
from hil.link.shadow import make_safe
from hil.link.transports import Process
from hil.micropython.processes import command_of
from tests.kit.hosts import quick_settings, warm_world
from twin.world.firmware import LocalFirmware

BOARD_MS = 77_000  # the board's time at the start
PERIOD_MS = 10
TO_BEAM_MS = 6000


class Board:
    """A transport to a board that is no process: it ticks whenever the host waits for it.

    left_out : ticks that the board does not do
    unfed    : ticks done before the host's sample for them has come
    unheard  : ticks of which the host is not told
    late_ms  : by tick, how much after its time it began
    pause_ms : from its answer to the start until its first tick
    """

    def __init__(
        self,
        left_out: Any = (),
        unfed: Any = (),
        unheard: Any = (),
        late_ms: Any = (),
        pause_ms: int = 0,
    ):
        self.pause_ms = pause_ms
        self.left_out, self.unfed, self.unheard = left_out, unfed, unheard
        self.late_ms = dict(late_ms)
        self.tick = self.number = self.missed = 0
        self.controller = Controller(quick_settings())
        self.inputs, self.outputs, self.command = Inputs(), Outputs(), Command(0.0, 0.0)
        self.samples: list[tuple[int, int, bytes]] = []
        self._receiver = frame.Receiver()
        self._up = [frame.pack(frame.SAFE, 0, 0, frame.pack_outputs(Outputs()))]

    def write(self, data: bytes | bytearray) -> None:
        for kind, sequence, now_ms, payload in self._receiver.feed(bytes(data)):
            if kind == frame.SETTING:
                self._up.append(frame.pack(frame.DONE, sequence, now_ms, b""))
            elif kind == frame.START:
                frame.unpack_start(payload, self.outputs)
                held = frame.pack_outputs(self.outputs)
                told_ms = BOARD_MS - self.pause_ms
                self._up.append(frame.pack(frame.OUTPUTS_HELD, sequence, told_ms, held))
            elif kind == frame.STEP:
                self.samples.append((sequence, now_ms, payload))

    def read(self, timeout_s: float) -> bytes:
        while not self._up and self.samples:
            self._do()
            while self.tick in self.unfed:  # the board goes on without waiting
                self._do()
        return bytes(self._up.pop(0)) if self._up else b""

    def _do(self) -> None:
        tick, self.tick = self.tick, self.tick + 1
        if tick in self.left_out:
            self.missed += 1
            return
        now_ms = BOARD_MS + PERIOD_MS * tick + self.late_ms.get(tick, 0)
        sequence, meant_ms, payload = self.samples[-1]
        frame.unpack_step(payload, self.inputs, self.command)
        grow(self.inputs, diff(now_ms, meant_ms))
        self.controller.step(now_ms, self.inputs, self.outputs, self.command)
        self.number += 1
        if tick not in self.unheard:
            told = frame.pack_ticked(self.number, self.missed, self.outputs)
            self._up.append(frame.pack(frame.TICKED, sequence, now_ms, told))

    def wait(self) -> None: ...
    def description(self) -> str:
        return ""

    def close(self) -> None: ...


def followed(board: Board, ms: int = TO_BEAM_MS) -> tuple[Any, RealTimeShadow]:
    """A world that has followed this board from its switch-on into the beam."""
    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    link = RealTimeLink(board, settings, world.outputs, now_ms=begin_ms)
    shadow = RealTimeShadow(world.controller, link, peer_drives=True)
    world.controller = shadow
    world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
    world.run(begin_ms + ms)
    return world, shadow


def test_a_board_that_keeps_its_time_is_followed_tick_by_tick():
    board = Board()
    _, shadow = followed(board)
    assert (shadow.first, shadow.ticks, board.number) == (None, 600, 600)
    assert shadow.condition == BEAM
    assert shadow.peer.counts.overruns.count == 0


def test_late_ticks_are_followed_exactly_and_are_no_overruns_nor_a_shift_in_time():
    board = Board(late_ms={tick: 1 + tick % 19 for tick in range(50, 600, 7)})
    _, shadow = followed(board)
    assert (shadow.first, shadow.condition) == (None, BEAM)
    assert shadow.peer.counts.overruns.count == 0
    assert board.tick == shadow.ticks == 600
    assert max(diff(meant_ms, BOARD_MS) for _, meant_ms, _ in board.samples) == 5990


def test_a_first_tick_that_is_late_puts_no_later_sample_too_far_ahead():
    """As when the telling of the very first ones is lost, and the next begins late."""
    board = Board(late_ms={0: 8, 1: 8, 2: 5})
    _, shadow = followed(board)
    assert shadow.condition == BEAM
    meant = [diff(meant_ms, BOARD_MS) for _, meant_ms, _ in board.samples]
    assert meant[1:4] == [18, 28, 35]
    assert meant[4:] == [PERIOD_MS * tick for tick in range(4, 600)]


def test_for_ticks_that_the_board_left_out_the_outputs_hold_and_the_twin_keeps_up():
    left_out = {300, 301, 302, 450}
    board = Board(left_out=left_out)
    world, shadow = followed(board)
    assert shadow.first is None
    assert shadow.ticks == board.number == 600 - len(left_out)
    assert shadow.condition == BEAM
    begun_ms = world.plant.now_ms - TO_BEAM_MS
    assert (world.plant.now_ms - begun_ms) // PERIOD_MS == board.tick == 600


def test_ticks_without_a_fresh_sample_are_overruns_with_their_size_and_still_exact():
    _, shadow = followed(Board(unfed=[301, 302, 303, 400]))
    counts = shadow.peer.counts
    assert shadow.first is None
    assert counts.overruns.count == 4
    assert counts.overruns.worst_ms == 30
    assert [late_ms for _, late_ms in counts.overruns.first] == [10, 20, 30, 10]


def test_a_tape_of_real_time_is_of_what_the_board_used_and_replays_to_the_count():
    """Late ticks, some left out, some without a fresh sample: not what the world meant for them."""
    board = Board(left_out={40, 41}, unfed={100, 101, 230}, late_ms={60: 3, 61: 7, 300: 9})
    tape: list[tuple[Any, ...]] = []
    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    held = world.outputs.values()
    link = RealTimeLink(board, settings, world.outputs, now_ms=begin_ms)
    shadow = world.controller = RealTimeShadow(world.controller, link, peer_drives=True)
    shadow.on_tick = lambda now_ms, inputs, command, outputs: tape.append(
        (now_ms, inputs.values(), (command.run, command.kv, command.ma), outputs.values())
    )
    world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
    world.run(begin_ms + TO_BEAM_MS)
    assert link.counts.overruns.count > 0
    assert len(tape) == board.number
    again, inputs, outputs = Controller(settings), Inputs(), Outputs()
    outputs.load(held)
    for now_ms, values, (run, kv, ma), told in tape:
        command = Command(kv, ma)
        command.run = run
        inputs.load(values)
        again.step(now_ms, inputs, outputs, command)
        assert outputs.values() == told
    assert shadow.condition == BEAM


def test_six_ticks_without_a_sample_are_a_trip_on_both_sides():
    _, shadow = followed(Board(unfed=list(range(501, 508))))
    assert shadow.first is None
    assert (shadow.condition, NAMES[shadow.trip]) == (TRIPPED, "stale-monitors")


def test_answers_lost_on_the_line_are_counted_and_said_to_be_guessed():
    _, shadow = followed(Board(unheard={100, 200, 201}))
    assert shadow.peer.counts.gaps == 3
    assert shadow.peer.counts.lost == 3
    assert shadow.guessed == 3


@pytest.mark.parametrize("pause_ms", [0, 178])
def test_a_trip_is_told_by_the_worlds_clock_however_long_the_board_takes_to_begin(pause_ms: int):
    board = Board(pause_ms=pause_ms)
    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    link = RealTimeLink(board, settings, world.outputs, now_ms=begin_ms)
    world.controller = RealTimeShadow(world.controller, link, peer_drives=True)
    world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
    world.at(begin_ms + 1500, lambda: setattr(world.plant, "switches", 0))
    world.run(begin_ms + 2000)
    assert world.condition == TRIPPED
    assert abs(diff(world.trip_ms, begin_ms + 1500)) <= 2 * PERIOD_MS


def test_a_firmware_here_that_is_another_one_is_seen():
    """The control: an exact comparison finds one per cent in a setting."""
    settings = quick_settings()
    world: Any = warm_world(settings)
    world.controller.settings.filament_preheat_a *= 1.01
    board = Board()
    link = RealTimeLink(board, settings, world.outputs, now_ms=world.plant.now_ms)
    shadow = world.controller = RealTimeShadow(
        LocalFirmware(quick_settings(filament_preheat_a=1.01 * settings.filament_preheat_a)), link
    )
    world.at(world.plant.now_ms + 500, lambda: setattr(world.command, "run", True))
    world.run(world.plant.now_ms + 3000)
    assert shadow.first is not None


class Silent(Board):
    def read(self, timeout_s: float) -> bytes:
        return b"" if self.tick >= 500 else super().read(timeout_s)


def test_a_board_that_falls_silent_is_an_error_and_leaves_the_plant_safe(monkeypatch):
    monkeypatch.setattr("hil.link.real_time.TIMEOUT_S", 0.05)
    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    link = RealTimeLink(Silent(), settings, world.outputs, now_ms=begin_ms, timeout_s=0.05)
    world.controller = RealTimeShadow(world.controller, link, peer_drives=True)
    world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
    world.run(begin_ms + 4900)
    assert world.plant.hv_enable
    with pytest.raises(LinkError, match=r"no answer within 0\.05 s"):
        world.run(begin_ms + TO_BEAM_MS)
    make_safe(world)
    assert (world.plant.hv_enable, world.plant.grid_program_raw) == (0, 0)


@pytest.mark.parametrize("target", ["cpython", "micropython"])
def test_a_process_with_its_own_clock_is_followed_exactly_and_its_state_is_ours(target):
    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    process = Process(command_of(target))
    with RealTimeLink(process, settings, world.outputs, now_ms=begin_ms) as link:
        shadow = world.controller = RealTimeShadow(world.controller, link, peer_drives=True)
        world.at(begin_ms + 200, lambda: setattr(world.command, "run", True))
        world.run(begin_ms + 1000)
        assert shadow.first is None
        counts = link.ask_counts()
        assert counts.firmware["ticks"] + counts.firmware["missed"] >= 100
        assert link.hang_up().values() == Outputs().values()


@pytest.mark.parametrize("drives", [False, True])
def test_a_state_taken_to_another_process_goes_on_bit_for_bit(drives):
    from hil.link.link import Peer
    from hil.link.shadow import Shadow

    settings = quick_settings()
    world = warm_world(settings)
    begin_ms = world.plant.now_ms
    world.at(begin_ms + 500, lambda: setattr(world.command, "run", True))
    world.run(begin_ms + 4500)
    assert world.condition >= RAMP
    state = world.controller.state()
    with Peer(command_of("micropython"), settings, world.outputs, state=state) as peer:
        assert peer.state() == state
        shadow = world.controller = Shadow(world.controller, peer, drives)
        world.run(begin_ms + TO_BEAM_MS)
        assert (shadow.first, shadow.condition) == (None, BEAM)
        assert shadow.state() == peer.state() == shadow.controller.state()
