"""Unload modules that are not needed any more, to keep collections short. A collection takes 0.1 ms
on an RP2040 for each KB in use. Tables of limits and meanings, and the operator's words that are
not answered with beam, are therefore loaded on request and dropped afterwards. A later import loads
the module again.
"""

import sys

# In the order of dropping; modules that stay may keep only copies of their content.
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
    """Drop PASSING; the next collection frees the memory that is no longer referenced."""
    for name in PASSING:
        module = sys.modules.pop(name, None)
        if module is not None:
            package, _, last = name.rpartition(".")
            delattr(sys.modules[package], last)
