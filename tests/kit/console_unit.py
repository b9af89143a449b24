"""A unit with a console on the standard streams, for CPython and MicroPython: no hardware.

    micropython tests/kit/console_unit.py FOLDER

Every turn is a tick of 10 ms in which nothing is wrong. It ends with its standard input, or with
`reset` and `link`, which it prints.
"""

import select
import sys

sys.path.insert(0, ".")

from firmware.console.commands import START_TURNS, Commands
from firmware.console.console import Console
from firmware.controller import Controller
from firmware.settings import Settings
from firmware.signal_table import INPUTS, OUTPUTS
from firmware.signals import ALL_CLOSED, Command, Inputs, Outputs
from firmware.store import Store
from firmware.streams import standard_streams

LAMP_AT = [signal[0] for signal in OUTPUTS].index("lamp_on")


class UntilClosed:
    """A reader that ends the program where its stream ends."""

    def __init__(self, reader):
        self._reader = reader

    def read(self, size):
        got = self._reader.read(size)
        if not got:
            sys.exit(0)
        return got


def main(folder):
    settings = Settings()
    store = Store(folder)
    store.boot(settings)
    controller = Controller(settings)
    command = Command(settings.kv, settings.ma)
    inputs, outputs = Inputs(), Outputs()
    names = [signal[0] for signal in INPUTS]
    values = [0] * len(names)
    values[names.index("switches")] = ALL_CLOSED
    values[names.index("head_temperature_raw")] = 9500
    commands = Commands(
        settings, store, controller, command, inputs, outputs, {"board": "none"}, health
    )
    reader, writer, readable, writable = standard_streams()
    console = Console(commands, UntilClosed(reader), writer, readable, writable)
    idle = select.poll()
    idle.register(sys.stdin, select.POLLIN)
    now_ms = 0
    leave = None
    quiet = 0
    while leave is None:
        values[names.index("lamp_current_raw")] = 2000 * outputs.values()[LAMP_AT]
        inputs.load(values)
        controller.step(now_ms, inputs, outputs, command)
        leave = console.turn()
        now_ms += 10
        quiet = 0 if console.sending() else quiet + 1
        if quiet > 2 * START_TURNS:
            idle.poll(-1)
            quiet = 0
    print(leave)


def health():
    return ({"uptime_s": 1, "reset_cause": "power"},)


main(sys.argv[1])
