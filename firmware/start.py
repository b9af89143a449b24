"""Entry point of a unit: builds its parts, runs the loop, and leaves it in the safe state.

    from firmware.boards.pico import board
    from firmware.start import main
    main(board)

which is the whole main.py of a board. Nothing that is stored starts the beam.
"""

import gc
import sys
import time

import micropython

from firmware.commands import LINK, RESET, Commands
from firmware.console import Console, standard_streams
from firmware.controller import Controller
from firmware.lockstep import serve
from firmware.lockstep import standard_streams as link_streams
from firmware.main import TICK_MS, Schedule, run, uninterrupted
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.slack import Slack
from firmware.store import Store

WINDOW_MS = 1000  # before the watchdog is armed: time to press Ctrl-C, on every port
LINK_SILENCE_MS = 2000


def main(board, build: str = "") -> None:
    """Run the unit on a board, one of those of firmware/boards.

    `build` names what has been flashed. Comes back on Ctrl-C only, with the watchdog let go.
    """
    leave = None
    while leave != RESET:
        time.sleep_ms(WINDOW_MS)
        leave = operate(board, build)
        if leave == LINK:
            link()
    board.reset()


def operate(board, build: str = ""):
    """One life of the loop; what the operator wants next, RESET or LINK."""
    settings = Settings()
    store = Store(board.folder)
    store.boot(settings)
    unit = board.make(settings)
    controller = Controller(settings)
    command = Command(settings.kv, settings.ma)
    inputs, outputs = Inputs(), Outputs()
    clock = Schedule(time.ticks_ms, time.sleep_ms, TICK_MS, time.ticks_us)
    about = {"board": board.name, "machine": sys.implementation._machine, "build": build}

    def health() -> dict:
        return {
            "uptime_s": slack.ticks * TICK_MS // 1000,
            "reset_cause": board.reset_cause(),
            "late": clock.late,
            "missed": clock.missed,
            "worst_tick_us": slack.worst_tick_us,
            "worst_busy_us": slack.worst_busy_us,
            "worst_collect_us": slack.worst_collect_us,
            "free_bytes": gc.mem_free(),
        }

    commands = Commands(settings, store, controller, command, inputs, outputs, about, health)
    slack = Slack(clock, time.ticks_us, Console(commands, *standard_streams()))
    gc.collect()
    watchdog = board.watchdog()
    try:
        run(unit, controller, command, clock, watchdog, inputs, outputs, slack)
    except KeyboardInterrupt:  # any other exception is for the watchdog, which restarts the board
        uninterrupted(watchdog.release)
        raise
    watchdog.release()
    return slack.leave


def link() -> None:
    """The bench's frames on the serial line until it falls silent; no actuator is driven here."""
    micropython.kbd_intr(-1)  # a frame may hold the byte of Ctrl-C
    try:
        serve(link_streams(LINK_SILENCE_MS))
    except ValueError:
        pass  # no frame of ours: back to the console
    finally:
        micropython.kbd_intr(3)
