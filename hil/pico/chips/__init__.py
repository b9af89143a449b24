"""Models of the chips around the controller, register by register, after their data sheets.

Their interface is bytes, so that a bus of Python objects (bus.py) and the bus peripheral of an
emulated microcontroller can both drive them. Callables give the measured values, `now_us()` the
time. A conversion samples at its end; call `advance()` before the measured values change, so that
a conversion that has ended gets the old value.
"""
