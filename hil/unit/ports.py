"""The serial ports of this computer, and which of them can be boards with MicroPython."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files.errors import InputError

# USB vendors of boards with MicroPython and their own USB. Many instruments contain bridges from
# USB to a UART: nothing is sent to such a port unless the user names it.
VENDORS = {0x2E8A: "Raspberry Pi", 0xF055: "MicroPython", 0x303A: "Espressif"}
# A Pico or Pico 2 whose boot loader appears as a drive.
BOOT_LOADERS = {("2e8a", "0003"): "a Pico (RP2040)", ("2e8a", "000f"): "a Pico 2 (RP2350)"}
USB_DEVICES = Path("/sys/bus/usb/devices")  # of Linux
PROBES = {(0x2E8A, 0x0004), (0x2E8A, 0x000C)}  # Raspberry Pi's debug probes


@dataclass(frozen=True)
class Port:
    """One serial port. url: for pyserial; vendor: "" if it is not in VENDORS."""

    url: str
    what: str
    vendor: str
    serial_number: str


def ports() -> list[Port]:
    """All serial ports of this machine on USB."""
    from serial.tools.list_ports import comports

    return [_port(one) for one in sorted(comports()) if one.vid is not None]


def _port(one: Any) -> Port:
    vendor = "" if (one.vid, one.pid) in PROBES else VENDORS.get(one.vid, "")
    what = f"{one.description or one.product or '?'} ({one.vid:04x}:{one.pid or 0:04x})"
    return Port(one.device, what, vendor, one.serial_number or "")


def find_port(name: str) -> Port:
    """The port `name`; "auto" is the only port of a board.

    Raises InputError for "auto" if there is no board or several.
    """
    found = ports()
    if name != "auto":
        named = [port for port in found if port.url == name]
        return named[0] if named else Port(name, "", "", "")
    boards = [port for port in found if port.vendor]
    if len(boards) == 1:
        return boards[0]
    if boards:
        names = ", ".join(f"{port.url} ({port.vendor})" for port in boards)
        raise InputError(f"--port auto: several boards: {names}; name one of them")
    others = ", ".join(port.url for port in found)
    raise InputError(
        "--port auto: no board with MicroPython on USB"
        + (f" (not opened: {others})" if others else "")
        + "; plug one in or name a --port; docs/board/flashing.md describes how to put "
        "MicroPython on a board"
    )


def find_again(port: Port) -> str:
    """The URL of a board after a reset: the system may have given its port another name."""
    if port.serial_number:
        for one in ports():
            if one.serial_number == port.serial_number and one.vendor == port.vendor:
                return one.url
    return port.url


def boot_loaders() -> list[str]:
    """Boards in their boot loader, which wait for MicroPython; only Linux lists them."""
    found = []
    for device in sorted(USB_DEVICES.glob("*/idVendor")):
        try:
            ids = [device.with_name(name).read_text().strip() for name in ("idVendor", "idProduct")]
        except OSError:
            continue
        found.append(BOOT_LOADERS.get((ids[0], ids[1]), ""))
    return [name for name in found if name]
