"""Raspberry Pi Pico 2 and Pico 2 W (RP2350)."""

from firmware.boards.board_table import PICO
from firmware.boards.rp2 import Board

WATCHDOG_CONTROL = 0x400D8000  # RP-008373-DS, section 12.9.7

board = Board("pico2", PICO, WATCHDOG_CONTROL)
