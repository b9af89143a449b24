"""What a board does before anything else: enable and lamp low, bus free, programs at 0 V.

A reset in the middle of a transfer can leave a chip that waits for clocks and holds the data line
down, so that no start condition is possible: nine clocks, one of which it takes for a missing
acknowledgement, and a STOP let it go (NXP UM10204, revision 7, section 3.1.16).
"""

import time

import machine

I2C_HZ = 400000
I2C_TIMEOUT_US = 1000  # a transfer of the longest message takes 0.6 ms
CLOCKS = 9
HALF_US = 5


def make_safe(board) -> None:
    """Enable and lamp are low when it begins with the bus; a bus that stays dead is no error."""
    pin = machine.Pin
    board.enable = pin(board.pins["hv_enable"], pin.OUT, value=0)
    board.lamp = pin(board.pins["lamp"], pin.OUT, value=0)
    from firmware.drivers.mcp4728 import Mcp4728

    Mcp4728(free_bus(board)).configure()


def free_bus(board):
    """The I2C bus, opened after any chip that holds its data line down has let it go."""
    pin = machine.Pin
    name = board.pins["i2c_sda"]
    sda = pin(name, pin.IN, pin.PULL_UP)
    if not sda.value():
        scl = pin(board.pins["i2c_scl"], pin.OPEN_DRAIN, value=1)
        for _ in range(CLOCKS):
            scl.value(0)
            time.sleep_us(HALF_US)
            scl.value(1)
            time.sleep_us(HALF_US)
        scl.value(0)
        sda = pin(name, pin.OPEN_DRAIN, value=0)
        time.sleep_us(HALF_US)
        scl.value(1)
        time.sleep_us(HALF_US)
        sda.value(1)
    return board.i2c(I2C_HZ, I2C_TIMEOUT_US)
