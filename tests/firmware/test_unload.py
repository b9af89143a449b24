"""What a board needs once leaves its memory, leaves nothing behind, and comes back when asked for.

In processes of their own: dropping modules is not for the interpreter that runs the tests.
"""

import sys

import pytest

from firmware.unload import PASSING
from hil.micropython.interpreters import find_micropython
from tests.kit.on_micropython import PRECISIONS, printed_by, printed_here

# Everything that a unit has loaded when it has started, on a `machine` that is not touched.
LOADED = """
import gc
import sys

class Module:
    pass

sys.modules["machine"] = Module()
from firmware import unload as lean
from firmware.link import serve as lockstep
from firmware.boards import board_table, unit
from firmware.link.session import Session
from firmware.link import lockstep as one_tick, real_time
from firmware.console.commands import Commands
from firmware.controller import Controller
from firmware.link.frame import Receiver, pack
from firmware.settings import Settings
from firmware.signals import Command, Inputs, Outputs
from firmware.store import Store
from firmware.console import service

def left():
    found = [name for name in lean.PASSING if name in sys.modules]
    for name in lean.PASSING:
        package, _, last = name.rpartition(".")
        if hasattr(sys.modules[package], last):
            found.append(name)
    return found
"""

LEAVES = (
    LOADED
    + """
Settings()
print(len(left()))
lean.drop()
print(left())
lean.drop()  # with nothing there
print(left())
print([name for name in ("firmware.settings", "firmware.signals", "firmware.boards")
       if name not in sys.modules])
"""
)

WORKS = (
    LOADED
    + """
import os
lean.drop()
settings = Settings()
print(settings.problem(), left())
lean.drop()
settings.load({"kv": 1000.0})
print(settings.problem()[0])
lean.drop()
settings = Settings()
settings.load({"kv": 48.5})
from firmware.store import Store
print(Store(FOLDER).save(settings))
lean.drop()
from firmware.store import Store
settings = Settings()
store = Store(FOLDER)
store.boot(settings)
print(store.stored, store.sequence, settings.kv)
lean.drop()
controller = Controller(settings)
command, inputs, outputs = Command(50.0, 1.0), Inputs(), Outputs()
controller.step(0, inputs, outputs, command)
commands = Commands(settings, store, controller, command, inputs, outputs, forget=lean.drop)
for line in ("help", "set kv 49", "check", "get kv", "discard", "run", "stop"):
    lines = "".join(list(commands.answer(line))).split("\\n")
    print(lines[-2].split()[0], left())
for now_ms in range(10, 2000, 10):
    controller.step(now_ms, inputs, outputs, command)
print(outputs.state, outputs.hv_enable, left())

# A link, whose code the unit loads when it is asked for one.
lean.drop()
from firmware.link.frame import START, STEP, pack, pack_start, pack_step
from io import BytesIO
from firmware.link.line import Line
from firmware.link.serve import begin, parts, prepare
from firmware.link.session import Session
command.run = True
inputs.room_pressure_raw = 98765
frames = pack(START, 1, 0, pack_start(False, 9999, outputs))
frames += pack(STEP, 2, 70, pack_step(inputs, command))
lean.drop()
out = BytesIO()
line = Line(BytesIO(frames), out, lambda wait_ms: True, lambda: True)
session = Session(line, lambda: 0, 9999)
seen, held = Inputs(), Outputs()
start = prepare(session, Settings(), held)
board, clock = parts(session, start[0], held)
begin(session, clock, controller, held)
print(start, clock.next_tick())
lean.drop()
board.read(seen)
board.write(held)
print(seen.room_pressure_raw, board.command.run, len(out.getvalue()), clock.next_tick(), left())
"""
)

GIVES_BACK = (
    LOADED
    + """
del board_table, unit, pack, Receiver, Session, Store, service, lockstep, one_tick, real_time
def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
before = used()
lean.drop()
print(before - used())
found = []
for _ in range(20):
    from firmware.boards import unit
    from firmware.store import Store
    from firmware.console import service
    del unit, Store, service
    lean.drop()
    found.append(used())
print(max(found[1:]) - min(found[1:]))
"""
)

INTERPRETERS = ["cpython", *PRECISIONS]


def printed(interpreter: str, source: str) -> list[str]:
    path = sys.executable if interpreter == "cpython" else find_micropython(interpreter).absolute()
    return printed_by(path, source)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_nothing_of_it_is_left_in_the_modules_and_their_packages(interpreter: str):
    loaded, *after = printed(interpreter, LEAVES)
    assert int(loaded) == 2 * len(PASSING)  # the control: all of it was there, by both ways
    assert after == ["[]", "[]", "[]"]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_everything_still_works_afterwards(interpreter: str, tmp_path):
    done = printed(interpreter, f"FOLDER = {str(tmp_path)!r}\n{WORKS}")
    assert done[0] == (
        "None ['firmware.setting_table', 'firmware.drivers.generator_table', "
        "'firmware.setting_table', 'firmware.drivers.generator_table']"
    )
    assert done[1:4] == ["kv", "None", "True 1 48.5"]
    assert done[4:11] == ["ok []"] * 7
    # On the link: a sign and two answers, 27 bytes each.
    assert done[11:] == ["0 0 []", "(False, {}) 70", "98765 True 81 None []"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_its_memory_comes_back_and_asking_again_and_again_takes_none(precision: str):
    given_back, grown = map(int, printed(precision, GIVES_BACK))
    print(f"{precision}: {given_back} bytes given back, {grown} apart in 20 times")
    assert given_back > 10_000
    assert grown < 500


def test_here_the_live_modules_are_not_dropped():
    """The control of the rule that the tests keep: a drop would part the live modules."""
    source = LOADED + "before = sys.modules['firmware.store']\nlean.drop()\n"
    source += "import firmware.store\nprint(before is firmware.store)"
    assert printed_here(source) == ["False"]
