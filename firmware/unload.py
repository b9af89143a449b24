"""Keeps a board's memory small: what was needed once leaves it again.

A collection takes as long as what is alive is large: 0.1 ms for each KB on an RP2040. Tables of
limits and meanings, and the words of an operator that are not said while there is beam, are
therefore loaded when they are asked for and dropped afterwards. What is dropped here may still be
imported: it comes anew.
"""

import sys

# In the order of dropping; nothing that stays may hold on to anything of these but copies.
PASSING = (
    "firmware.link.serve",
    "firmware.link.lockstep",
    "firmware.link.real_time",
    "firmware.link.session",
    "firmware.link.line",
    "firmware.link.state_items",
    "firmware.console.service",
    "firmware.store",
    "firmware.link.frame",
    "firmware.setting_table",
    "firmware.drivers.generator_table",
    "firmware.signal_table",
    "firmware.boards.unit",
    "firmware.boards.board_table",
)


def drop() -> None:
    """Let go of PASSING; the next collection frees what nobody holds."""
    for name in PASSING:
        module = sys.modules.pop(name, None)
        if module is not None:
            package, _, last = name.rpartition(".")
            delattr(sys.modules[package], last)
