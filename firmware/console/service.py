"""The operator's commands while the beam is off: settings, start, reset and link. Settings are
changed in a separate set and take effect at the reset after their save.
"""

import gc
import struct
from binascii import unhexlify

from firmware.console import LINK, RESET
from firmware.controller import TRIPPED
from firmware.interlocks import NAMES
from firmware.settings import Settings
from firmware.signals import TUNE_THERMAL

BITS_DIGITS = 16  # digits after 0x of a number given as the bits of its f64


def show_help(unit):
    usages = unit.usages() + [known[3] for known in WORDS.values()]
    return "ok " + " | ".join(sorted(usages))


def put(unit, name, text):
    integer = isinstance(_known(name), int)
    value = _number(text)
    Settings().load({name: value})
    if integer and value == int(value):
        value = int(value)
    unit.pending[name] = value
    return "ok " + unit.shown(name)


def check(unit):
    problem = _wanted(unit).problem()
    if problem:
        raise ValueError(problem[0] + ": " + problem[1])
    return "ok " + str(len(unit.pending)) + " pending"


def save(unit):
    reason = unit.store.save(_wanted(unit))
    if reason:
        raise ValueError(reason)
    unit.saved.update(unit.pending)
    unit.pending.clear()
    unit.reset_needed = True
    return "ok save " + str(unit.store.sequence) + ", takes effect at the next reset"


def discard(unit):
    discarded = len(unit.pending)
    unit.pending.clear()
    return "ok " + str(discarded) + " discarded"


def run(unit, *wanted):
    if len(wanted) == 1:
        raise ValueError("write: run [KV MA]")
    if unit.reset_needed:
        raise ValueError("saved settings are not in force: reset first")
    if unit.pending:
        raise ValueError("settings are pending: save and reset, or discard them first")
    if not unit.store.stored:
        raise ValueError(
            "not set up: " + unit.store.reason + "; set the settings, save, then reset"
        )
    controller = unit.controller
    if controller.condition == TRIPPED and unit.command.run:
        raise ValueError("tripped: " + NAMES.get(controller.trip, "") + "; stop first")
    if unit.command.run:
        raise ValueError("already running")
    if controller.run_seen:
        raise ValueError("the tick has not seen the stop yet: send it again")
    settings = _wanted(unit)
    if wanted:
        settings.load({"kv": _number(wanted[0]), "ma": _number(wanted[1])})
        problem = settings.problem()
        if problem:
            raise ValueError(problem[0] + ": " + problem[1])
    unit.start_soon(settings.kv, settings.ma)
    tuning = " with autotune" if unit.command.hold & TUNE_THERMAL else ""
    return f"ok starting, {settings.kv:g} kV {settings.ma:g} mA{tuning}"


def memory(unit):
    """Report the heap. Reads every block of it: 12 ms on an RP2040."""
    count = getattr(gc, "mem_free", None)
    if count is None:
        raise ValueError("this Python does not count its memory")
    gc.collect()
    return "ok " + str(count()) + " bytes free"


def reset(unit):
    unit.leave = RESET
    return "ok resetting"


def link(unit):
    """Leave for the link: the entry point then answers in frames."""
    unit.leave = LINK
    return ()


def _wanted(unit):
    """Return the settings in force, replaced by the saved and by the pending ones."""
    wanted = Settings()
    wanted.load(unit.settings.values())
    wanted.load(unit.saved)
    wanted.load(unit.pending)
    return wanted


def _known(name: str):
    """Return the default of a setting. Raises ValueError if the name is unknown."""
    defaults = Settings().values()
    if name not in defaults:
        raise ValueError("unknown setting " + name)
    return defaults[name]


def _number(text: str) -> float:
    """Parse a decimal number, or 0x and the 16 hexadecimal digits of an f64."""
    if text[:2] == "0x":
        if len(text) != 2 + BITS_DIGITS:
            raise ValueError(text + " is not 0x and 16 digits")
        return struct.unpack(">d", unhexlify(text[2:]))[0]
    value = None
    if not [character for character in text if character not in "0123456789+-.eE"]:
        try:
            value = float(text)
        except ValueError:
            pass
    if value is None:
        raise ValueError(text + " is not a number such as 0.98")
    return value


# word: (what answers it, fewest arguments, most arguments, how it is written)
WORDS: dict = {
    "help": (show_help, 0, 0, "help"),
    "set": (put, 2, 2, "set NAME VALUE"),
    "check": (check, 0, 0, "check"),
    "save": (save, 0, 0, "save"),
    "discard": (discard, 0, 0, "discard"),
    "run": (run, 0, 2, "run [KV MA]"),
    "memory": (memory, 0, 0, "memory"),
    "reset": (reset, 0, 0, "reset"),
    "link": (link, 0, 0, "link"),
}
