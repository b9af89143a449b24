"""A board on a serial line."""

from pathlib import Path

from hil.link.transports import Transport, open_link
from hil.targets.linked import Linked
from twin.files.errors import InputError


class SerialPort(Linked):
    """A board on a serial line, named by its device or pyserial URL."""

    switches_high_voltage = True
    what = "a board on a serial line"

    def __init__(self, url: str):
        self.name = url

    def missing(self) -> str | None:
        if "://" in self.name or Path(self.name).exists() or self.name.upper().startswith("COM"):
            return None
        return f"no port {self.name}; plug the board in, or see `tubetwin targets`"

    def transport(self) -> Transport:
        try:
            return open_link(self.name)
        except InputError as error:
            raise InputError(str(error).replace("--port ", "--target ", 1)) from None
