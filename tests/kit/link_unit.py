"""A unit with a console and a link on its standard streams, as a board has them: no hardware.

    micropython tests/kit/link_unit.py FOLDER

As console_unit.py, but `link` hands the line over to frames, and the console comes back after
them. Its reads wait for all that they ask for, as those of a board do.
"""

import sys
import time

sys.path.insert(0, ".")

from firmware.console import LINK
from firmware.console.commands import Commands
from firmware.console.console import Console
from firmware.controller import Controller
from firmware.link.serve import clocks, serve, session_over
from firmware.loop import TICK_MS, Schedule
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.store import Store
from firmware.streams import standard_streams

SILENCE_MS = 1000


def console(folder):
    """Until the word `link`, or the end of the line."""
    settings = Settings()
    store = Store(folder)
    store.boot(settings)
    controller = Controller(settings)
    command, inputs, outputs = Command(settings.kv, settings.ma), Inputs(), Outputs()
    commands = Commands(settings, store, controller, command, inputs, outputs, {"board": "none"})
    talk = Console(commands, *standard_streams())
    clock = Schedule(clocks()[0], lambda wait_ms: time.sleep(0.001 * wait_ms), TICK_MS)
    leave = None
    while leave is None:
        controller.step(clock.next_tick(), inputs, outputs, command)
        leave = talk.turn()
    return leave


while console(sys.argv[1]) == LINK:
    try:
        serve(session_over(standard_streams(), SILENCE_MS, True))
    except Exception as error:
        print(repr(error), file=sys.stderr)
