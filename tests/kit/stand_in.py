"""A firmware small enough to be flashed again and again: it reports only its identity."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hil.flash.image import MAIN, Image, compile_tree, make_image
from hil.flash.slots import Ready
from hil.micropython.interpreters import find_micropython

START = """
import json
import select
import sys
import time

import firmware


def main(board, build):
    serve({"firmware": firmware.__version__, "board": board, "build": build})


def bare(board, build):
    serve({"firmware": firmware.__version__, "board": board, "build": build, "bare": True})


def serve(about):
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    line = ""
    while True:
        time.sleep_ms(10)
        while poll.poll(0):
            byte = sys.stdin.read(1)
            if byte == "":
                return
            if byte != "\\n":
                line += byte
                continue
            if not line:
                continue
            if line == "version":
                print("ok", json.dumps(about))
            elif line == "status":
                print("ok", json.dumps({"state": firmware.state}))
            else:
                print("error unknown command")
            line = ""
"""


def stand_in(folder: Path, version: str, state: str = "off", start: str = START) -> Path:
    """Write it into a folder; the folder."""
    (folder / "boards").mkdir(parents=True, exist_ok=True)
    files = {
        "__init__.py": f'__version__ = "{version}"\nstate = "{state}"\n',
        "start.py": start,
        "boards/__init__.py": "",
        "boards/pico.py": 'board = "pico"\n',
        "boards/pico2.py": 'board = "pico2"\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def stand_ins(folder: Path) -> dict[str, Path]:
    """Several of them by name."""
    crash = START.replace("serve({", "raise_({", 1)
    return {
        "old": stand_in(folder / "old", "1"),
        "new": stand_in(folder / "new", "2"),
        "busy": stand_in(folder / "busy", "3", state="ramp"),
        "broken": stand_in(folder / "broken", "4", start="import nothing_of_that_name\n"),
        "crashing": stand_in(folder / "crashing", "5", start=crash),
    }


def image_of(tree: Path) -> Image:
    return make_image(compile_tree(tree), "pico", source=tree)


def installed(image: Image, slot: str = "a", number: int = 1) -> dict[str, bytes]:
    """The files of a board on which an image has been flashed."""
    files = {f"{slot}/{path}": content for path, content in image.files.items()}
    ready = str(Ready(number, image.build)).encode()
    return {"main.py": MAIN, f"{slot}/ready": ready, **files}


def started_from(files: Mapping[str, bytes], folder: Path) -> str:
    """What main.py prints that starts from these files, on a real MicroPython, asked `version`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    interpreter = str(find_micropython("single").absolute())
    done = subprocess.run(
        [interpreter, "main.py"], cwd=folder, input="version\n", capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def build_in(said: str) -> str:
    found = re.search(r'"build": "([\w-]+)"', said)
    return found[1] if found else said
