"""The generators that a unit can have, by the number of settings.serial_generator.

To add one: its driver, a file in this folder with `make`, and a row here. The signature is
make(board, i2c, enable_pin, settings, model, interrupts); `make` returns the driver. See
firmware/boards/common.py for the methods of a board.
"""

# (model, highest tube voltage in kV, 0 where the settings alone limit it; module)
TABLE = (
    ("0-10 V", 0, "firmware.drivers.analog_generator"),
    ("uX50P50", 50, "firmware.drivers.spellman.generator"),
    ("SLM70P300", 70, "firmware.drivers.spellman.generator"),
)
