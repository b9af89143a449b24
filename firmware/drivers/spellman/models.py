"""The differences between Spellman's generators: command numbers, answers, full scales.

Full scales belong to one build: compare them with the scaling tables of your generator's manual.
Sources: docs/board/generators.md.
"""


class UX50P50:
    """uX, 50 kV, 50 W. Heats the filament; needs no remote mode."""

    HIGH_VOLTAGE = 99
    RESET = 52
    REMOTE = 0  # no such command
    LIMIT = 13  # filament current limit; 0 where there is no filament supply
    PREHEAT = 12
    # Command of the request, fields in its answer, and which of them (from 1 on; 0: none) are
    # tube voltage, emission current, filament current, temperature of the high-voltage board.
    MONITORS: tuple = ((20, 7, 3, 4, 5, 7),)
    KV_FULL = 50.0
    MA_FULL = 2.0
    FILAMENT_FULL_A = 10.0
    KV_MONITOR_FULL = 50.0
    MA_MONITOR_FULL = 2.4
    FILAMENT_MONITOR_FULL_A = 3.6
    TEMPERATURE_FULL_C = 300.0


class SLM70P300(UX50P50):
    """SLM, 70 kV, 300 W: a high-voltage module without filament supply or known thermometer.

    That its monitors have the full scales of its programs is an assumption.
    """

    HIGH_VOLTAGE = 98
    RESET = 31
    REMOTE = 99
    LIMIT = 0
    PREHEAT = 0
    MONITORS = ((60, 1, 1, 0, 0, 0), (61, 1, 0, 1, 0, 0))
    KV_FULL = 70.0
    MA_FULL = 4.28
    KV_MONITOR_FULL = 70.0
    MA_MONITOR_FULL = 4.28


MODELS = {"uX50P50": UX50P50, "SLM70P300": SLM70P300}
