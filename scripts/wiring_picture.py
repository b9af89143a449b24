"""Draw docs/pictures/wiring.svg and docs/pictures/chain.svg, the pictures of docs/board/wiring.md.

python scripts/wiring_picture.py
"""

from pathlib import Path

from chain_drawing import chain
from drawing import Sheet

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
BOARD_LEFT, BOARD_RIGHT = 600, 770
# Signals on the two sides of the board, by their heights.
LEFT = {
    "chain_a": 120,
    "chain_b": 195,
    "head_cs": 290,
    "spi_sck": 350,
    "spi_mosi": 370,
    "spi_miso": 390,
    "mount_cs": 450,
    "fan_pwm": 560,
    "fan_tach": 650,
    "lamp": 740,
    "lamp_sense": 830,
}
RIGHT = {
    "hv_enable": 140,
    "generator_ok": 215,
    "i2c_sda": 490,
    "i2c_scl": 510,
    "generator_tx": 770,
    "generator_rx": 800,
}


def wiring() -> str:
    """The controller and everything that is wired to it."""
    sheet = Sheet(1560, 960, "The controller and what is wired to it")
    sheet.box(BOARD_LEFT, 80, BOARD_RIGHT - BOARD_LEFT, 800, "board", "")
    middle = (BOARD_LEFT + BOARD_RIGHT) / 2
    sheet.text(middle, 102, "controller board", anchor="middle", bold=True)
    sheet.text(middle, 590, "pins: see the tables", anchor="middle", size=11.5)
    sheet.text(middle, 606, "all logic is 3.3 V", anchor="middle", size=11.5)
    for name, y in LEFT.items():
        sheet.text(BOARD_LEFT + 8, y + 4, name)
    for name, y in RIGHT.items():
        sheet.text(BOARD_RIGHT - 8, y + 4, name, anchor="end")
    chain_inputs(sheet)
    thermometers(sheet)
    fan(sheet)
    lamp(sheet)
    enable(sheet)
    i2c_bus(sheet)
    analog(sheet)
    serial(sheet)
    sheet.notes(
        30,
        912,
        [
            "Every chip: 100 nF from its supply to ground, at its pins. Resistors in the signal "
            "paths: 0.1 %, 10 ppm/K; all others: 1 %.",
            "Drawn from the design to which the emulated board is wired. "
            "No such board has been built.",
        ],
    )
    return sheet.svg()


def pull_down(sheet: Sheet, x: float, y: float, ohms: str) -> None:
    """A resistor from a wire at (x, y) to ground."""
    sheet.dot(x, y)
    sheet.wire((x, y), (x, y + 8))
    sheet.resistor(x, y + 23, ohms)
    sheet.wire((x, y + 38), (x, y + 42))
    sheet.ground(x, y + 42)


def chain_inputs(sheet: Sheet) -> None:
    sheet.box(30, 92, 190, 130, "safety", "interlock chain", "channel A, 24 V", "channel B, 24 V")
    for name, letter in (("chain_a", "A"), ("chain_b", "B")):
        y = LEFT[name]
        sheet.wire((220, y), (280, y), kind="power")
        sheet.box(280, y - 22, 210, 44, "part", f"opto-isolator {letter}", "4.7 kΩ before its LED")
        sheet.wire((490, y), (BOARD_LEFT, y))
        pull_down(sheet, 530, y, "4.7 kΩ")
    sheet.text(30, 240, "the controller listens here, it closes nothing", size=11.5)


def thermometers(sheet: Sheet) -> None:
    for name, place, y in (("head_cs", "head", 310), ("mount_cs", "mount", 430)):
        sheet.box(30, y - 30, 190, 60, "device", f"PT100, {place}", "four wires, screened")
        for offset in (-18, -6, 6, 18):
            sheet.wire((220, y + offset), (280, y + offset), kind="analog")
        sheet.box(280, y - 45, 170, 90, "chip", "MAX31865", "reference 400 Ω, 0.1 %", "3.3 V")
        sheet.wire((450, LEFT[name]), (BOARD_LEFT, LEFT[name]))
    for at, signal in enumerate(("spi_sck", "spi_mosi", "spi_miso")):
        x, y = 500 + 20 * at, LEFT[signal]
        sheet.wire((x, y), (BOARD_LEFT, y), kind="bus")
        for upper, chip in ((True, 310), (False, 430)):
            pin = chip + (10 + 12 * at if upper else -34 + 12 * at)
            sheet.wire((450, pin), (x, pin), (x, y), kind="bus")
            sheet.dot(x, y, "bus")


def fan(sheet: Sheet) -> None:
    sheet.box(30, 535, 190, 145, "device", "fan, four wires", "12 V", "pulls its PWM line up")
    y = LEFT["fan_pwm"]
    sheet.wire((220, y), (280, y))
    sheet.box(280, y - 24, 210, 48, "part", "N-MOSFET", "open drain to the fan")
    sheet.wire((490, y), (BOARD_LEFT, y))
    pull_down(sheet, 530, y, "10 kΩ")
    y = LEFT["fan_tach"]
    sheet.wire((220, y), (BOARD_LEFT, y))
    sheet.text(235, y + 18, "tachometer, open collector", size=11.5)
    sheet.dot(470, y)
    sheet.wire((470, y), (470, y - 8))
    sheet.resistor(470, y - 23, "10 kΩ", anchor="end")
    sheet.wire((470, y - 38), (470, y - 42))
    sheet.rail(470, y - 42, "3.3 V")


def lamp(sheet: Sheet) -> None:
    y = LEFT["lamp"]
    sheet.box(30, 720, 190, 130, "device", "X-RAY ON lamp", "24 V, 20 mA:", "1.6 V at the resistor")
    sheet.wire((220, y), (280, y), kind="power")
    sheet.box(280, y - 24, 210, 48, "part", "PhotoMOS relay", "24 V by a 50 mA PTC fuse")
    sheet.wire((490, y), (BOARD_LEFT, y))
    sheet.text(545, y - 6, "430 Ω", anchor="middle", size=11.5)
    y = LEFT["lamp_sense"]
    sheet.wire((220, y), (330, y), kind="analog")
    pull_down(sheet, 260, y, "80.6 Ω")
    sheet.box(330, y - 20, 160, 40, "part", "", "10 kΩ, clamped to 3.3 V")
    sheet.wire((490, y), (BOARD_LEFT, y), kind="analog")


GENERATOR_LEFT = 1370


def enable(sheet: Sheet) -> None:
    sheet.box(GENERATOR_LEFT, 80, 160, 800, "generator", "")
    sheet.text(GENERATOR_LEFT + 80, 102, "high-voltage", anchor="middle", bold=True)
    sheet.text(GENERATOR_LEFT + 80, 118, "generator", anchor="middle", bold=True)
    y = RIGHT["hv_enable"]
    sheet.wire((BOARD_RIGHT, y), (910, y))
    pull_down(sheet, 830, y, "4.7 kΩ")
    sheet.box(910, y - 24, 190, 48, "safety", "N-MOSFET and relay K1", "24 V coil, diode across it")
    sheet.wire((1100, y), (1150, y), kind="power")
    sheet.box(1150, y - 24, 160, 48, "safety", "contact of K1", "after the safety relay's")
    sheet.wire((1310, y), (GENERATOR_LEFT, y), kind="power")
    label(sheet, y, "enable loop")
    y = RIGHT["generator_ok"]
    sheet.wire((BOARD_RIGHT, y), (910, y))
    pull_down(sheet, 830, y, "4.7 kΩ")
    sheet.box(910, y - 22, 190, 44, "part", "opto-isolator", "4.7 kΩ before its LED")
    sheet.wire((1100, y), (GENERATOR_LEFT, y), kind="power")
    label(sheet, y, "fault contact,", "closed is healthy")


def label(sheet: Sheet, y: float, *lines: str) -> None:
    """Names of a terminal of the generator."""
    for at, line in enumerate(lines):
        sheet.text(GENERATOR_LEFT + 10, y + 4 + 15 * at, line, size=11.5)


CHIPS = 900
STAGES = 1130


def i2c_bus(sheet: Sheet) -> None:
    tops = {"ADS1115": 325, "ADS1115 ": 410, "MCP4728": 535, "BME280": 662}
    sda, scl = 825, 850
    for x, signal in ((sda, "i2c_sda"), (scl, "i2c_scl")):
        y = RIGHT[signal]
        sheet.wire((BOARD_RIGHT, y), (x, y), kind="bus")
        sheet.dot(x, y, "bus")
        sheet.wire((x, 340), (x, 680 if x == sda else 694), kind="bus")
        sheet.wire((x, 340), (x, 335), kind="bus")
        sheet.resistor(x, 320, "2.2 kΩ", anchor="end" if x == sda else "start")
        sheet.wire((x, 305), (x, 301), kind="power")
        sheet.rail(x, 301, "3.3 V" if x == sda else "")
    for name, lines, height in (
        ("ADS1115", ("0x48: ADDR to ground", "3.3 V"), 66),
        ("ADS1115 ", ("0x49: ADDR to 3.3 V", "3.3 V"), 106),
        ("MCP4728", ("0x60: LDAC to ground", "3.3 V"), 106),
        ("BME280", ("0x76: SDO to ground", "at the beam path, 3.3 V"), 66),
    ):
        top = tops[name]
        sheet.box(CHIPS, top, 150, height, "chip", name.strip(), *lines)
        for x, offset in ((sda, 18), (scl, 32)):
            sheet.wire((x, top + offset), (CHIPS, top + offset), kind="bus")
            sheet.dot(x, top + offset, "bus")


def analog(sheet: Sheet) -> None:
    for y, pin, name in (
        (358, "AIN0", "voltage monitor"),
        (430, "AIN0", "current monitor"),
        (463, "AIN1", "filament monitor"),
    ):
        sheet.wire((CHIPS + 150, y), (STAGES, y), kind="analog")
        sheet.text(CHIPS + 156, y - 4, pin, size=11.5)
        sheet.box(STAGES, y - 14, 190, 28, "part", "", "÷ 4.905, then a follower")
        sheet.wire((STAGES + 190, y), (GENERATOR_LEFT, y), kind="analog")
        label(sheet, y, name)
    y = 501
    sheet.wire((CHIPS + 150, y), (STAGES, y), kind="analog")
    sheet.text(CHIPS + 156, y - 4, "AIN2", size=11.5)
    sheet.box(STAGES, y - 16, 190, 32, "chip", "LM35 (5 V)")
    sheet.wire((STAGES + 190, y), (GENERATOR_LEFT, y), kind="analog")
    label(sheet, y, "its temperature")
    for y, pin, name in (
        (555, "A", "grid bias supply"),
        (588, "B", "voltage program"),
        (621, "C", "filament program"),
    ):
        sheet.wire((CHIPS + 150, y), (STAGES, y), kind="analog")
        sheet.text(CHIPS + 156, y - 4, pin, size=11.5)
        sheet.box(STAGES, y - 14, 190, 28, "part", "", "× 4.905")
        sheet.wire((STAGES + 190, y), (GENERATOR_LEFT, y), kind="analog")
        label(sheet, y, name)
    sheet.text(STAGES + 95, 536, "op-amps on 15 V; 107 kΩ, 27.4 kΩ", anchor="middle", size=11.5)
    sheet.text(STAGES + 95, 337, "0 to 10 V; 107 kΩ, 27.4 kΩ", anchor="middle", size=11.5)


def serial(sheet: Sheet) -> None:
    for name in ("generator_tx", "generator_rx"):
        y = RIGHT[name]
        sheet.wire((BOARD_RIGHT, y), (CHIPS, y))
        sheet.wire((CHIPS + 190, y), (GENERATOR_LEFT, y))
    sheet.box(CHIPS, 750, 190, 72, "chip", "MAX3232", "3.3 V, four capacitors 100 nF")
    label(sheet, 770, "RS-232, 115 200 baud:", "RXD, TXD, ground")
    sheet.text(CHIPS, 843, "only for a generator with a serial protocol; then the", size=11.5)
    sheet.text(CHIPS, 858, "monitors' stages, LM35 and the fault contact can stay away", size=11.5)


def pictures() -> dict[str, str]:
    """The files by name."""
    return {"wiring.svg": wiring(), "chain.svg": chain()}


if __name__ == "__main__":
    for name, content in pictures().items():
        (PICTURES / name).write_text(content, encoding="utf-8")
