"""The types of board that the firmware supports, read from firmware/boards/board_table.py."""

from collections.abc import Mapping
from typing import NamedTuple

from firmware.boards.board_table import TABLE


class BoardType(NamedTuple):
    """One type of board.

    name     : name of its file in firmware/boards
    title    : name for people
    port     : port of MicroPython
    platform : MicroPython's sys.platform
    chip     : regular expression, found in sys.implementation._machine of every suitable board
    machine  : regular expression, found there on boards that --board auto accepts
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
