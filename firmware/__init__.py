"""Control firmware for an air-cooled microfocus X-ray tube (CPython and MicroPython)."""

__version__ = "0.1.0"
