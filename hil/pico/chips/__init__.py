"""Models of the chips around the controller, register by register, after their data sheets.

They speak bytes, so that a bus of Python objects (bus.py) and an emulated microcontroller's bus
peripheral can both drive them; what they measure comes from callables, the time from `now_us()`.
A conversion samples when it ends; call `advance()` before the measured values change, so that one
which ended before that keeps the old value.
"""
