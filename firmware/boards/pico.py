"""Raspberry Pi Pico and Pico W (RP2040)."""

from firmware.boards.board_table import PICO
from firmware.boards.rp2 import Board

WATCHDOG_CONTROL = 0x40058000  # RP-008371-DS, section 4.7.6

board = Board("pico", PICO, WATCHDOG_CONTROL)
