"""The kinds of board that there is firmware for, as a computer sees them.

The table is firmware/boards/board_table.py.
"""

from collections.abc import Mapping
from typing import NamedTuple

from firmware.boards.board_table import TABLE


class BoardType(NamedTuple):
    """One kind of board.

    name     : that of its file in firmware/boards
    title    : what people call it
    port     : the port of MicroPython
    platform : MicroPython's sys.platform
    chip     : regular expression, found in sys.implementation._machine of every board that will do
    machine  : the same, for boards that are taken without being named
    pins     : signal -> pin
    """

    name: str
    title: str
    port: str
    platform: str
    chip: str
    machine: str
    pins: Mapping[str, int | str]


BOARD_TYPES = {row[0]: BoardType(*row) for row in TABLE}
