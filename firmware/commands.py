"""What an operator can ask of the unit, one line each; firmware/console.py carries the lines.

An answer's last line begins with "ok" or "error". Settings are changed in a set of their own
while the beam is off, and take effect at the reset that follows their save. Nothing that is
stored starts the beam: that takes the word `run`, and the hardware chain's key.
"""

import json
import struct
import sys
from binascii import hexlify, unhexlify

import firmware
from firmware.autotune import REASONS, STAGES
from firmware.controller import OFF, TRIPPED
from firmware.interlocks import NAMES
from firmware.settings import LIMITS, Settings
from firmware.signals import TUNE_THERMAL
from firmware.telemetry import readings

RESET = "reset"
LINK = "link"
BITS_DIGITS = 16  # of a number given as the bits of its f64: 0x and so many digits
FLOAT_BITS = 32 if 16777216.0 + 1.0 == 16777216.0 else 64


class Commands:
    """The words and what they do.

    about  : dict of what `version` adds, such as {"board": "pico", "build": "1a2b3c4d"}
    health : () -> dict of what `status` adds, such as uptime_s, reset_cause, late, free_bytes
    leave  : RESET or LINK once the operator has asked for it; None until then
    """

    def __init__(
        self, settings, store, controller, command, inputs, outputs, about=None, health=dict
    ):
        self.leave: str | None = None
        self._settings = settings
        self._store = store
        self._controller = controller
        self._command = command
        self._inputs = inputs
        self._outputs = outputs
        self._about = about or {}
        self._health = health
        self._pending = {}  # set, but not saved
        self._saved = {}  # saved, but not in force before the reset
        self._reset_needed = False
        # word: (what answers it, fewest arguments, most arguments, how it is written)
        self._words: dict = {
            "help": (self._help, 0, 0, "help"),
            "version": (self._version, 0, 0, "version"),
            "status": (self._status, 0, 0, "status"),
            "get": (self._get, 0, 1, "get [NAME]"),
            "set": (self._set, 2, 2, "set NAME VALUE"),
            "check": (self._check, 0, 0, "check"),
            "save": (self._save, 0, 0, "save"),
            "discard": (self._discard, 0, 0, "discard"),
            "run": (self._run, 0, 2, "run [KV MA]"),
            "stop": (self._stop, 0, 99, "stop"),
            "tune": (self._tune, 0, 1, "tune [on|off]"),
            "reset": (self._reset, 0, 0, "reset"),
            "link": (self._link, 0, 0, "link"),
        }

    def answer(self, line: str):
        """The pieces of the answer to a line that is not empty, the last one with a line end.

        A long answer is made piece by piece, each when it is asked for.
        """
        words = line.split()
        known = self._words.get(words[0])
        if known is None:
            return ("error unknown command " + words[0][:20] + "; help lists them\n",)
        act, fewest, most, usage = known
        if not fewest <= len(words) - 1 <= most:
            return ("error write: " + usage + "\n",)
        try:
            said = act(*words[1:])
        except ValueError as error:
            return ("error " + str(error) + "\n",)
        return (said + "\n",) if isinstance(said, str) else said

    def _help(self):
        return "ok " + " | ".join(sorted([known[3] for known in self._words.values()]))

    def _version(self):
        implementation = sys.implementation
        release = ".".join([str(number) for number in implementation.version[:3]])
        said = {
            "firmware": firmware.__version__,
            "python": implementation.name + " " + release,
            "float_bits": FLOAT_BITS,
        }
        said.update(self._about)
        return "ok " + json.dumps(said)

    def _status(self):
        store = self._store
        said = readings(self._controller, self._inputs, self._outputs)
        said["stored"] = store.stored
        said["store"] = "; ".join(([store.reason] if store.reason else []) + store.notes)
        said["pending"] = len(self._pending)
        said["reset_needed"] = self._reset_needed
        said.update(self._health())
        return _object(said)

    def _get(self, name=None):
        if name is None:
            return self._all()
        _known(name)
        return "ok " + self._shown(name)

    def _all(self):
        for name, _, _ in LIMITS:
            yield self._shown(name) + "\n"
        yield "ok " + str(len(LIMITS)) + " settings\n"

    def _shown(self, name: str) -> str:
        """Name, value for the eye, bits of the value, and whether it is not yet in force."""
        mark = ""
        value = getattr(self._settings, name)
        if name in self._saved:
            value = self._saved[name]
            mark = " saved"
        if name in self._pending:
            value = self._pending[name]
            mark = " pending"
        bits = hexlify(struct.pack(">d", value)).decode()
        return name + " " + str(value) + " 0x" + bits + mark

    def _set(self, name, text):
        self._expect_beam_off()
        integer = isinstance(_known(name), int)
        value = _number(text)
        Settings().load({name: value})
        if integer and value == int(value):
            value = int(value)
        self._pending[name] = value
        return "ok " + self._shown(name)

    def _check(self):
        problem = self._wanted().problem()
        if problem:
            raise ValueError(problem[0] + ": " + problem[1])
        return "ok " + str(len(self._pending)) + " pending"

    def _save(self):
        self._expect_beam_off()
        reason = self._store.save(self._wanted())
        if reason:
            raise ValueError(reason)
        self._saved.update(self._pending)
        self._pending.clear()
        self._reset_needed = True
        return "ok save " + str(self._store.sequence) + ", takes effect at the next reset"

    def _discard(self):
        discarded = len(self._pending)
        self._pending.clear()
        return "ok " + str(discarded) + " discarded"

    def _run(self, *wanted):
        if len(wanted) == 1:
            raise ValueError("write: run [KV MA]")
        if self._reset_needed:
            raise ValueError("saved settings are not in force: reset first")
        if self._pending:
            raise ValueError("settings are pending: save and reset, or discard them first")
        if not self._store.stored:
            raise ValueError(
                "not set up: " + self._store.reason + "; set the settings, save, then reset"
            )
        controller = self._controller
        if controller.condition == TRIPPED and self._command.run:
            raise ValueError("tripped: " + NAMES.get(controller.trip, "") + "; stop first")
        if self._command.run:
            raise ValueError("already running")
        if controller.run_seen:
            raise ValueError("the tick has not seen the stop yet: send it again")
        settings = self._wanted()
        if wanted:
            settings.load({"kv": _number(wanted[0]), "ma": _number(wanted[1])})
            problem = settings.problem()
            if problem:
                raise ValueError(problem[0] + ": " + problem[1])
        self._command.kv = settings.kv
        self._command.ma = settings.ma
        self._command.run = True
        return f"ok starting, {settings.kv:g} kV {settings.ma:g} mA"

    def _stop(self, *_):
        self._command.run = False
        self._command.hold &= ~TUNE_THERMAL  # the next start is an ordinary one
        return "ok stopped"

    def _tune(self, word=None):
        """Begin an autotune with the beam, end it, or tell how far it is and what it has found."""
        if word == "on":
            if not self._settings.air_cooled:
                raise ValueError("air_cooled is 0: there is no fan to tune")
            self._command.hold |= TUNE_THERMAL
            return "ok tuning, while there is beam"
        if word == "off":
            self._command.hold &= ~TUNE_THERMAL
            return "ok not tuning"
        if word is not None:
            raise ValueError("write: tune [on|off]")
        tune = self._controller.autotune
        return _object(
            {
                "stage": STAGES[tune.stage],
                "progress": tune.progress(),
                "reason": REASONS[tune.reason],
                "found": tune.found(),
            }
        )

    def _reset(self):
        self._expect_beam_off()
        self.leave = RESET
        return "ok resetting"

    def _link(self):
        """The entry point answers, in frames."""
        self._expect_beam_off()
        self.leave = LINK
        return ()

    def _expect_beam_off(self) -> None:
        condition = self._controller.condition
        if condition == TRIPPED or (condition == OFF and not self._command.run):
            return
        raise ValueError("the beam is on: stop first")

    def _wanted(self):
        """The settings in force with what was saved and what is pending over them."""
        wanted = Settings()
        wanted.load(self._settings.values())
        wanted.load(self._saved)
        wanted.load(self._pending)
        return wanted


def _known(name: str):
    """The default of a setting; ValueError if there is none of that name."""
    defaults = Settings().values()
    if name not in defaults:
        raise ValueError("unknown setting " + name)
    return defaults[name]


def _number(text: str) -> float:
    """A decimal number, or 0x and the 16 hexadecimal digits of an f64."""
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


def _object(said: dict):
    """A JSON object, one member at a time."""
    lead = "ok {"
    for name in said:
        value = said[name]
        if not isinstance(value, float):
            text = json.dumps(value)
        elif value - value == 0:
            text = f"{value:.6g}"
        else:  # JSON knows neither infinite nor no number
            text = "null"
        yield lead + '"' + name + '": ' + text
        lead = ", "
    yield "}\n"
