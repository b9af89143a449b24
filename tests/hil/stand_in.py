"""A firmware small enough to be flashed again and again: it says who it is, and nothing else."""

from pathlib import Path

START = """
import json
import select
import sys
import time

import firmware


def main(board, build):
    serve({"firmware": firmware.__version__, "board": board, "build": build})


def bench(board, build):
    serve({"firmware": firmware.__version__, "board": board, "build": build, "bench": True})


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
