"""Entry point of a unit: builds its parts, runs the loop, and leaves it in the safe state.

    import gc
    gc.threshold(4096)
    from firmware.boards.pico import board
    from firmware.start import main
    main(board)

which is the whole main.py of a board. The threshold keeps what is loaded close together: a
collection takes the longer the further up in memory anything is. Nothing that is stored starts
the beam.
"""

import gc
import sys
import time

import micropython

from firmware import unload as lean
from firmware.console import LINK, RESET
from firmware.console.commands import Commands
from firmware.console.console import Console
from firmware.controller import Controller
from firmware.loop import TICK_MS, Schedule, run
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.slack import Slack
from firmware.streams import standard_streams

WINDOW_MS = 1000  # before the watchdog is armed: time to press Ctrl-C, on every port
LINK_SILENCE_MS = 2000
REST_TICKS = 60
LOADING_BYTES = 4096  # as in main.py, see above


def main(board, build: str = "") -> None:
    """Run the unit on a board, one of those of firmware/boards.

    `build` names what has been flashed. Comes back on Ctrl-C only, with the watchdog let go.
    """
    leave = None
    while leave != RESET:
        time.sleep_ms(WINDOW_MS)
        leave = operate(board, build)
        if leave == LINK:
            link(board, build)
    board.reset()


def bare(board, build: str = "") -> None:
    """The same on a bare board, with no chips around it: the console answers, `link` included."""
    from firmware.boards.bare import Bare

    main(Bare(board), build)


def operate(board, build: str = ""):
    """One life of the loop; what the operator wants next, RESET or LINK."""
    settings = Settings()
    store = Stored(board.folder, settings)
    unit = board.make(settings)
    controller = Controller(settings)
    command = Command(settings.kv, settings.ma)
    inputs, outputs = Inputs(), Outputs()
    clock = Schedule(time.ticks_ms, time.sleep_ms, TICK_MS, time.ticks_us)
    about = {"board": board.name, "machine": sys.implementation._machine, "build": build}

    def health():
        yield {
            "uptime_s": slack.ticks * TICK_MS // 1000,
            "reset_cause": board.reset_cause(),
            "late": clock.late,
            "missed": clock.missed,
        }
        yield slack.worst()
        yield unit.health()

    commands = Commands(
        settings, store, controller, command, inputs, outputs, about, health, lean.drop
    )
    slack = Slack(clock, time.ticks_us, Console(commands, *standard_streams()))
    lean.drop()
    gc.threshold(-1)  # from here on collections are in the slack alone
    gc.collect()
    watchdog = board.watchdog()
    try:
        run(unit, controller, command, clock, watchdog, inputs, outputs, slack, True)
    except KeyboardInterrupt:  # any other exception is for the watchdog, which restarts the board
        rest(unit, inputs, watchdog, outputs.lamp_on, controller.lamp_kv_raw)
        raise
    rest(unit, inputs, watchdog, outputs.lamp_on, controller.lamp_kv_raw)
    return slack.leave


def rest(unit, inputs, watchdog, lamp_on, lamp_kv_raw: int) -> None:
    """Say the safe state until it has surely arrived, and only then let the watchdog go.

    One write can be lost on a bus, and a serial generator is told its set-points one by one.
    Ctrl-C is held off: one that comes before that leaves the watchdog armed.

    A lamp that is lit stays so until the end, and beyond it while a voltage is read.
    """
    micropython.kbd_intr(-1)
    safe = Outputs()
    for left in range(REST_TICKS, 0, -1):
        unit.read(inputs)
        present = inputs.kv_monitor_raw > lamp_kv_raw
        safe.lamp_on = 1 if present or (lamp_on and left > 1) else 0
        unit.write(safe)
        watchdog.feed()
        time.sleep_ms(TICK_MS)
    watchdog.release()
    micropython.kbd_intr(3)


class Stored:
    """What firmware.store.Store has found at boot; it is loaded again for a save."""

    def __init__(self, folder: str, settings):
        self._folder = folder
        self._note(self._boot(settings))

    def save(self, settings):
        """None, or why they are not saved."""
        store = self._boot(Settings())
        reason = store.save(settings)
        self._note(store)
        return reason

    def _boot(self, settings):
        from firmware.store import Store

        store = Store(self._folder)
        store.boot(settings)
        return store

    def _note(self, store) -> None:
        self.stored = store.stored
        self.reason = store.reason
        self.notes = store.notes
        self.sequence = store.sequence


def link(board, build: str = "") -> None:
    """The bench's frames on the serial line, until they end; no actuator is driven here."""
    gc.collect()
    gc.threshold(LOADING_BYTES)
    from firmware.link.serve import serve, session_over

    micropython.kbd_intr(-1)  # a frame may hold the byte of Ctrl-C
    try:
        guard = board.guard()
        serve(session_over(standard_streams(), LINK_SILENCE_MS, True, guard, build), settle)
    except Exception:
        pass  # no frame of ours, or settings that nothing can work with: back to the console
    finally:
        micropython.kbd_intr(3)
        gc.threshold(LOADING_BYTES)


def settle(schedule):
    """What collects garbage in the slack of a link's ticks; nothing else does from here on.

    None in lockstep, which has no schedule.
    """
    lean.drop()
    gc.threshold(-1)
    gc.collect()
    return Slack(schedule, time.ticks_us) if schedule else None
