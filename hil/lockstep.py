"""The firmware in another process, tick by tick beside the one in this process.

`Peer` is that process: one frame to it, one answer back, with a time limit. `Shadow` is a
controller for twin.world.World that steps the firmware here and the peer on the same inputs and
compares all their outputs in every tick.
"""

import os
import select
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType

import firmware
from firmware.compensation import Compensation
from firmware.controller import Controller
from firmware.frame import (
    OUTPUTS_HELD,
    SETTING,
    START,
    STEP,
    Receiver,
    pack,
    pack_outputs,
    pack_setting,
    pack_step,
    unpack_outputs,
)
from firmware.settings import Settings
from firmware.signal_table import OUTPUTS
from firmware.signals import Command, Inputs, Outputs

TIMEOUT_S = 10.0
STDERR_TAIL_BYTES = 2000
CHUNK_BYTES = 4096
SOURCE = Path(firmware.__file__).resolve().parents[1]
NAMES = tuple(signal[0] for signal in OUTPUTS)
STATE_AT, TRIP_AT = NAMES.index("state"), NAMES.index("trip")


class PeerError(Exception):
    """The firmware at the other end died, fell silent or answered nonsense."""


class Peer:
    """A process that runs the firmware in lockstep. Use it in a `with` statement.

    command   : its command line, see hil/targets.py
    settings  : handed over before the first step
    outputs   : what the actuators hold before the first step; all 0 if not given
    timeout_s : longest wait for any answer; PeerError beyond it
    source    : folder that holds the firmware package; that of this process if not given

    PeerError carries what the process last said on its standard error.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: Settings,
        outputs: Outputs | None = None,
        timeout_s: float = TIMEOUT_S,
        source: Path = SOURCE,
    ):
        self.command = list(command)
        self.timeout_s = timeout_s
        self.outputs = Outputs()
        self.receiver = Receiver()
        self._sequence = 0
        self._now_ms = 0
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            cwd=source,  # which is where both Pythons look first
        )
        assert self._process.stdin and self._process.stdout
        self._to = self._process.stdin
        self._from = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        try:
            self._begin(settings, outputs or Outputs())
        except BaseException:
            self.close()
            raise

    def exchange(self, now_ms: int, inputs: Inputs, command: Command) -> Outputs:
        """One tick on the peer. The record returned is the same object each time."""
        self.send(now_ms, inputs, command)
        return self.receive()

    def send(self, now_ms: int, inputs: Inputs, command: Command) -> None:
        """The first half of `exchange`: the peer begins to calculate."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._now_ms = now_ms
        self._write(pack(STEP, self._sequence, now_ms, pack_step(inputs, command)))

    def receive(self) -> Outputs:
        """The second half of `exchange`: wait for the answer."""
        kind, sequence, now_ms, payload = self._next_frame()
        if (kind, sequence, now_ms) != (OUTPUTS_HELD, self._sequence, self._now_ms):
            raise self._error(
                f"answered kind {kind}, number {sequence}, {now_ms} ms to number "
                f"{self._sequence}, {self._now_ms} ms"
            )
        unpack_outputs(payload, self.outputs)
        return self.outputs

    def hang_up(self) -> Outputs:
        """Close this end of the line and take the peer's last word: what it leaves behind."""
        self._to.close()
        return self.receive()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._to.close()
        self._process.kill()
        self._process.wait()
        self._from.close()
        self._stderr.close()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, settings: Settings, outputs: Outputs) -> None:
        for name, value in settings.values().items():
            self._write(pack(SETTING, 0, 0, pack_setting(name, value)))
        self._write(pack(START, 0, 0, pack_outputs(outputs)))
        self.receive()

    def _write(self, frame: bytearray) -> None:
        try:
            self._to.write(frame)
        except BrokenPipeError:
            raise self._gone() from None

    def _next_frame(self) -> tuple[int, int, int, bytes]:
        deadline_s = monotonic() + self.timeout_s
        while True:
            left_s = deadline_s - monotonic()
            if left_s <= 0.0 or not self._poll.poll(1000.0 * left_s):
                raise self._error(f"gave no answer within {self.timeout_s:g} s")
            chunk = os.read(self._from.fileno(), CHUNK_BYTES)
            if not chunk:
                raise self._gone()
            frames = self.receiver.feed(chunk)
            if len(frames) > 1:
                raise self._error(f"gave {len(frames)} answers to one frame")
            if frames:
                return frames[0]

    def _gone(self) -> PeerError:
        try:
            return self._error(f"is gone, exit status {self._process.wait(self.timeout_s)}")
        except subprocess.TimeoutExpired:
            return self._error("has closed its end of the line")

    def _error(self, what: str) -> PeerError:
        """An error that says what happened and what the process said last."""
        if self.receiver.corrupt:
            what += f", {self.receiver.corrupt} damaged frames"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_TAIL_BYTES))
        said = self._stderr.read().decode(errors="replace").strip()
        return PeerError(f"{' '.join(self.command)} {what}" + (f":\n{said}" if said else ""))


@dataclass(frozen=True)
class Difference:
    """The first place where the two firmwares part."""

    tick: int
    now_ms: int
    signal: str
    here: int
    there: int


class Shadow:
    """A controller that is two: the firmware in this process and the one in the peer.

    Both see the same inputs and command. The outputs of the one here drive the plant, or those
    of the peer if `peer_drives`; each keeps its own outputs in memory, as on its own hardware.

    ticks : how many were compared
    first : the first Difference, or None
    worst : the largest difference of each output signal so far, in counts
    """

    def __init__(self, controller: Controller, peer: Peer, peer_drives: bool = False):
        self.controller = controller
        self.peer = peer
        self.peer_drives = peer_drives
        self.ticks = 0
        self.first: Difference | None = None
        self.worst = dict.fromkeys(NAMES, 0)
        self._here = Outputs()
        self._here.load(peer.outputs.values())

    @property
    def condition(self) -> int:
        """The state that drives the plant, see firmware/controller.py."""
        if self.peer_drives:
            return self.peer.outputs.values()[STATE_AT]
        return self.controller.condition

    @property
    def trip(self) -> int:
        """Of the firmware that drives the plant, too."""
        if self.peer_drives:
            return self.peer.outputs.values()[TRIP_AT]
        return self.controller.trip

    @property
    def trip_ms(self) -> int:
        """When the firmware here tripped."""
        return self.controller.trip_ms

    @property
    def compensation(self) -> Compensation:
        """That of the firmware here."""
        return self.controller.compensation

    def step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        """One tick of both. PeerError if the peer is lost."""
        here = self._here
        self.peer.send(now_ms, inputs, command)
        self.controller.step(now_ms, inputs, here, command)
        there = self.peer.receive()
        ours, theirs = here.values(), there.values()
        if ours != theirs:
            self._compare(now_ms, ours, theirs)
        self.ticks += 1
        outputs.load(theirs if self.peer_drives else ours)

    def _compare(self, now_ms: int, ours: tuple[int, ...], theirs: tuple[int, ...]) -> None:
        for name, here, there in zip(NAMES, ours, theirs, strict=True):
            if here != there:
                self.worst[name] = max(self.worst[name], abs(here - there))
                if self.first is None:
                    self.first = Difference(self.ticks, now_ms, name, here, there)
