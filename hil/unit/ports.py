"""Which serial ports can be boards with MicroPython."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files.errors import InputError

# USB vendors whose boards run MicroPython with a port of their own. Bridges from USB to a UART are
# in all sorts of instruments: those ports are asked nothing unless they are named.
VENDORS = {0x2E8A: "Raspberry Pi", 0xF055: "MicroPython", 0x303A: "Espressif"}
# A Pico or Pico 2 that shows itself as a drive.
BOOT_LOADERS = {("2e8a", "0003"): "a Pico (RP2040)", ("2e8a", "000f"): "a Pico 2 (RP2350)"}
USB_DEVICES = Path("/sys/bus/usb/devices")  # of Linux
PROBES = {(0x2E8A, 0x0004), (0x2E8A, 0x000C)}  # Raspberry Pi's debug probes


@dataclass(frozen=True)
class Port:
    """url : what pyserial opens; vendor: "" if it is none whose boards run MicroPython."""

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


def find_port(wanted: str) -> Port:
    """The port named `wanted`; "auto" is the only one of a board. InputError if it is not clear."""
    found = ports()
    if wanted != "auto":
        named = [port for port in found if port.url == wanted]
        return named[0] if named else Port(wanted, "", "", "")
    boards = [port for port in found if port.vendor]
    if len(boards) == 1:
        return boards[0]
    if boards:
        names = ", ".join(f"{port.url} ({port.vendor})" for port in boards)
        raise InputError(f"--port auto: there are several boards: {names}; name one of them")
    others = ", ".join(port.url for port in found)
    raise InputError(
        "--port auto: there is no board with MicroPython on USB"
        + (f" (not asked: {others})" if others else "")
        + "; plug one in or name a --port; docs/board/flashing.md says how "
        "MicroPython gets onto a board"
    )


def find_again(port: Port) -> str:
    """Where a board is after a reset: the system may have given it another name."""
    if port.serial_number:
        for one in ports():
            if one.serial_number == port.serial_number and one.vendor == port.vendor:
                return one.url
    return port.url


def boot_loaders() -> list[str]:
    """Boards that wait for MicroPython, as far as the system lets it be known."""
    found = []
    for device in sorted(USB_DEVICES.glob("*/idVendor")):
        try:
            ids = [device.with_name(name).read_text().strip() for name in ("idVendor", "idProduct")]
        except OSError:
            continue
        found.append(BOOT_LOADERS.get((ids[0], ids[1]), ""))
    return [name for name in found if name]
