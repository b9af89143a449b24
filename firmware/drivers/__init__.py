"""Drivers of the chips around the controller, one file each.

They get objects with the interface of machine.I2C, SPI, Pin, PWM and ADC and never import machine.
A bus error never leaves a driver as an exception: a method returns False, and attributes keep the
last good raw value.
"""
