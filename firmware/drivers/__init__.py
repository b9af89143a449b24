"""Drivers of the chips around the controller, one file each.

They get objects with the interface of machine.I2C, SPI, Pin, PWM and ADC and never import machine.
What a bus does wrong never leaves them as an exception: a method says False, and attributes keep
the last good raw value.
"""
