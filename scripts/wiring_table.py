"""Print the tables of pins from firmware/boards/board_table.py; docs/board/wiring.md has them.

python scripts/wiring_table.py
"""

from collections.abc import Callable, Mapping

from firmware.boards.board_table import ESP32, PICO
from hil.board_types import BOARD_TYPES

PAGE = "board/wiring.md"  # in docs/
# signal: direction as the board sees it, and where its wire goes
WIRES = {
    "generator_tx": ("out", "MAX3232, T1IN (serial generator)"),
    "generator_rx": ("in", "MAX3232, R1OUT (serial generator)"),
    "i2c_sda": ("both", "ADS1115 ×2, MCP4728, BME280; 2.2 kΩ to 3.3 V"),
    "i2c_scl": ("out", "the same; 2.2 kΩ to 3.3 V"),
    "chain_a": ("in", "opto-isolator, channel A; 4.7 kΩ to ground; 1 is closed"),
    "chain_b": ("in", "opto-isolator, channel B; 4.7 kΩ to ground; 1 is closed"),
    "generator_ok": ("in", "opto-isolator, fault contact; 4.7 kΩ to ground; 1 is healthy"),
    "hv_enable": ("out", "gate of K1's MOSFET; **4.7 kΩ to ground**; 1 closes K1"),
    "lamp": ("out", "430 Ω and the LED of the PhotoMOS relay; 1 is on"),
    "fan_tach": ("in", "tachometer; 10 kΩ to 3.3 V"),
    "fan_pwm": ("out", "gate of the fan's MOSFET; 10 kΩ to ground; 25 kHz, inverted"),
    "spi_miso": ("in", "SDO of both MAX31865; 10 kΩ to 3.3 V"),
    "head_cs": ("out", "CS of the MAX31865 of the head"),
    "spi_sck": ("out", "SCLK of both MAX31865"),
    "spi_mosi": ("out", "SDI of both MAX31865"),
    "mount_cs": ("out", "CS of the MAX31865 of the mount"),
    "lamp_sense": ("analog in", "10 kΩ from the 80.6 Ω resistor; clamp to 3.3 V"),
}
# Raspberry Pi Pico: position of GP0, GP1 ... on the 40-pin edge.
PICO_EDGE = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29)
PICO_ADC_EDGE = {26: 31, 27: 32, 28: 34}
DEVKIT_NAMES = {36: "VP", 39: "VN"}


def on_pico(pin: int) -> str:
    edge = PICO_ADC_EDGE[pin] if pin in PICO_ADC_EDGE else PICO_EDGE[pin]
    return f"GP{pin} | {edge}"


def on_esp32(pin: int) -> str:
    return f"GPIO{pin} | {DEVKIT_NAMES.get(pin, f'IO{pin}')}"


def on_board(pin: int | str) -> str:
    """A pin that is printed on the board under its own name."""
    return f"{pin} | {pin}"


# How the pins of a table are printed on its boards; others by their own names.
PRINTED = {id(PICO): ("edge", on_pico), id(ESP32): ("printed", on_esp32)}


def order(pin: int | str) -> tuple[str, int]:
    """As along the edge of the board."""
    return (pin[0], int(pin[1:])) if isinstance(pin, str) else ("", pin)


def table(title: str, printed: str, name: Callable[..., str], pins: Mapping) -> str:
    """One board's table in Markdown, in the order of its pins."""
    lines = [f"### {title}", "", f"| pin | {printed} | signal | direction | connected to |"]
    lines += ["|---|---|---|---|---|"]
    for signal in sorted(pins, key=lambda signal: order(pins[signal])):
        direction, where = WIRES[signal]
        lines.append(f"| {name(pins[signal])} | `{signal}` | {direction} | {where} |")
    return "\n".join(lines) + "\n"


def tables() -> str:
    """One table for all boards that share their pins."""
    titles: dict[int, list[str]] = {}
    pins = {id(board.pins): board.pins for board in BOARD_TYPES.values()}
    for board in BOARD_TYPES.values():
        titles.setdefault(id(board.pins), []).append(board.title)
    return "\n".join(
        table(", ".join(titles[key]), *PRINTED.get(key, ("printed", on_board)), pins[key])
        for key in pins
    )


if __name__ == "__main__":
    print(tables(), end="")
