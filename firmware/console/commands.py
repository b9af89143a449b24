"""The operator's commands to the unit, one line each; console.py carries the lines.

An answer's last line begins with "ok" or "error". This file has the words that are answered with
the beam on. All others are in service.py, which is loaded only while the beam is off. No stored
value starts the beam: only the word `run` does, with the key of the hardware chain.
"""

import json
import struct
import sys
from binascii import hexlify

import firmware
from firmware.controller import OFF, TRIPPED
from firmware.readings import operation, surroundings
from firmware.signals import TUNE_THERMAL

START_TURNS = 5  # service.py takes ticks to load: the monitors' ages must be small again
FLOAT_BITS = 32 if 16777216.0 + 1.0 == 16777216.0 else 64


class Commands:
    """The words and their functions.

    about  : dict of additions to `version`, such as {"board": "pico", "build": "1a2b3c4d"}
    health : () -> dicts of additions to `status`, one after the other: uptime_s, reset_cause, late
    forget : called after a word of service.py, to free its memory
    leave  : RESET or LINK once the operator has asked for it; None until then

    pending, saved : settings that are set but not saved, and saved but not in force
    """

    def __init__(
        self,
        settings,
        store,
        controller,
        command,
        inputs,
        outputs,
        about=None,
        health=tuple,
        forget=None,
    ):
        self.leave: str | None = None
        self.settings = settings
        self.store = store
        self.controller = controller
        self.command = command
        self.pending: dict = {}
        self.saved: dict = {}
        self.reset_needed = False
        self._turns_to_start = 0
        self._inputs = inputs
        self._outputs = outputs
        self._about = about or {}
        self._health = health
        self._forget = forget
        # word: (what answers it, fewest arguments, most arguments, how it is written)
        self._words: dict = {
            "version": (self._version, 0, 0, "version"),
            "status": (self._status, 0, 0, "status"),
            "get": (self._get, 0, 1, "get [NAME]"),
            "stop": (self._stop, 0, 99, "stop"),
            "tune": (self._tune, 0, 1, "tune [on|off]"),
        }

    def answer(self, line: str):
        """Return the pieces of the answer to a line that is not empty, the last one with a line
        end.

        A long answer is made piece by piece, each on request.
        """
        words: list = line.split()
        known = self._words.get(words[0])
        if known is not None:
            return self._acted(known, words)
        if not self.is_beam_off():
            said = "the beam is on: stop first; until then " + ", ".join(sorted(self._words))
            return ("error " + said + "\n",)
        from firmware.console import service

        known = service.WORDS.get(words[0])
        if known is None:
            return ("error unknown command " + words[0][:20] + "; help lists them\n",)
        words.insert(1, self)
        try:
            return self._acted(known, words, 1)
        finally:
            if self._forget is not None:
                self._forget()

    def turn(self) -> None:
        """Call once after each tick: starts a requested beam after START_TURNS. The turns are
        counted, not the bytes that the host reads: nothing starts late.
        """
        if self._turns_to_start > 0:
            self._turns_to_start -= 1
            if self._turns_to_start == 0:
                self.command.run = True

    def start_soon(self, kv: float, ma: float) -> None:
        """Request the beam, START_TURNS from now; `stop` cancels the request."""
        self.command.kv = kv
        self.command.ma = ma
        self._turns_to_start = START_TURNS

    def usages(self) -> list:
        """Return the usage of the words answered here."""
        return [known[3] for known in self._words.values()]

    def is_beam_off(self) -> bool:
        condition = self.controller.condition
        if self._turns_to_start > 0:
            return False
        return condition == TRIPPED or (condition == OFF and not self.command.run)

    def shown(self, name: str) -> str:
        """Return name, readable value, bits of the value, and True if the value is not yet in
        force."""
        mark = ""
        value = getattr(self.settings, name)
        if name in self.saved:
            value = self.saved[name]
            mark = " saved"
        if name in self.pending:
            value = self.pending[name]
            mark = " pending"
        bits = hexlify(struct.pack(">d", value)).decode()
        return name + " " + str(value) + " 0x" + bits + mark

    def _acted(self, known: tuple, words: list, given: int = 0):
        act, fewest, most, usage = known
        if not fewest <= len(words) - 1 - given <= most:
            return ("error write: " + usage + "\n",)
        try:
            said = act(*words[1:])
        except ValueError as error:
            return ("error " + str(error) + "\n",)
        return (said + "\n",) if isinstance(said, str) else said

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
        """Yield one piece after the other: all at once would take longer than the slack of a
        tick."""
        controller, inputs, outputs = self.controller, self._inputs, self._outputs
        yield from in_pieces(operation(controller, inputs, outputs), "ok {", "")
        yield from in_pieces(surroundings(inputs, outputs), ", ", "")
        store = self.store
        notes = [store.reason] if store.reason else []
        said = {"stored": store.stored, "store": "; ".join(notes + store.notes)}
        said["pending"] = len(self.pending)
        said["reset_needed"] = self.reset_needed
        yield from in_pieces(said, ", ", "")
        for said in self._health():
            yield from in_pieces(said, ", ", "")
        yield "}\n"

    def _get(self, name=None):
        if name is None:
            return self._all()
        if name not in self.settings.values():
            raise ValueError("unknown setting " + name)
        return "ok " + self.shown(name)

    def _all(self):
        names = sorted(self.settings.values())
        for name in names:
            yield self.shown(name) + "\n"
        yield "ok " + str(len(names)) + " settings\n"

    def _stop(self, *_):
        self._turns_to_start = 0
        self.command.run = False
        self.command.hold &= ~TUNE_THERMAL  # the next start is one without autotune
        return "ok stopped"

    def _tune(self, word=None):
        """Start an autotune with the next beam, stop it, or report its results so far."""
        if word == "on":
            if not self.is_beam_off():
                raise ValueError("the beam is on: stop first")
            if not self.settings.air_cooled:
                raise ValueError("air_cooled is 0: there is no fan to tune")
            self.controller.tuner.load_law()  # with the beam on loading takes too long
            self.command.hold |= TUNE_THERMAL
            return "ok tuning, once there is beam"
        if word == "off":
            self.command.hold &= ~TUNE_THERMAL
            return "ok not tuning"
        if word is not None:
            raise ValueError("write: tune [on|off]")
        law = self.controller.tuner.law
        if law is None:
            return 'ok {"stage": "idle", "progress": 0, "reason": "", "found": {}}'
        from firmware.laws.autotune import DONE, REASONS, STAGES  # loaded already, like the law

        said = {"stage": STAGES[law.stage], "progress": law.progress()}
        said["reason"] = REASONS[law.reason]
        said["found"] = law.found()
        said["answer"] = list(law.answer) if law.stage == DONE else []
        return in_pieces(said)


def in_pieces(said: dict, lead: str = "ok {", end: str = "}\n"):
    """Yield a JSON object, one member at a time, or a part of one."""
    for name in said:
        value = said[name]
        if not isinstance(value, float):
            text = json.dumps(value)
        elif value - value == 0:
            text = f"{value:.6g}"
        else:  # JSON has neither infinity nor NaN
            text = "null"
        yield lead + '"' + name + '": ' + text
        lead = ", "
    if end:
        yield end
