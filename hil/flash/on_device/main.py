"""main.py of the board, put there by `tubetwin flash`: starts the newest firmware that is whole.

The folders a and b hold one firmware each. The file `ready` is the last thing written to one and
the first thing removed from it: NUMBER BUILD whole. If the newest can't be imported, the other is.
"""

import gc
import sys


def number(slot: str) -> int:
    """Which of the firmwares ever flashed this is; 0 if it is not whole."""
    try:
        with open(slot + "/ready") as file:
            count, _, end = file.read().split()
        return int(count) if end == "whole" else 0
    except (OSError, ValueError):
        return 0


def imported(slot: str) -> bool:
    """Import the firmware in a slot; if that fails, nothing is left of it."""
    sys.path.insert(0, slot)
    try:
        import unit  # type: ignore[import-not-found]  # noqa: F401

        return True
    except Exception as error:
        print("the firmware in", slot, "can't be imported:", repr(error))
    sys.path.remove(slot)
    for name in list(sys.modules):
        if name == "unit" or name.split(".")[0] == "firmware":
            del sys.modules[name]
    gc.collect()
    return False


def start() -> None:
    for slot in sorted("ab", key=number, reverse=True):
        if number(slot) and imported(slot):
            sys.modules["unit"].run()
            return
    print("there is no whole firmware on this board: use `tubetwin flash`")


start()
