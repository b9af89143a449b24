"""The interlock chain of docs/board/wiring.md, which does not pass through the controller."""

from drawing import Sheet

TOP = 90
A, B = 130, 330
NOTES = (
    "Take the controller away: the chain still opens, and the high voltage goes off.",
    "",
    "The controller can open the enable loop by K1. It can close nothing that the chain",
    "has opened. No performance level is claimed for it.",
    "",
    "Safety relay, switches and contactor have the performance level that your risk",
    "assessment asks for (ISO 13849-1).",
    "",
    "Contacts are drawn open. They close with the doors shut, the key turned and no",
    "emergency stop pressed.",
)


def chain() -> str:
    """Two channels into a safety relay; what it cuts; where the controller listens."""
    sheet = Sheet(1180, 710, "The interlock chain does not pass through the controller")
    for x, letter in ((A, "A"), (B, "B")):
        sheet.rail(x, TOP, f"24 V, fuse, channel {letter}")
        sheet.wire((x, TOP), (x, 125), kind="power")
        for y, name in (
            (140, "emergency stop"),
            (210, "key switch"),
            (280, "door 1"),
            (350, "door 2"),
        ):
            sheet.contact(x, y, f"{name} {letter}")
            sheet.wire((x, y + 15), (x, y + 55), kind="power")
        sheet.wire((x, 405), (x, 470), kind="power")
    sheet.box(
        60,
        470,
        400,
        80,
        "safety",
        "safety relay",
        "compares the two channels, finds shorts between them;",
        "starts only by its own reset button",
    )
    listen(sheet)
    cuts(sheet)
    sheet.notes(560, 110, NOTES)
    return sheet.svg()


def listen(sheet: Sheet) -> None:
    """The taps below the last contact of each channel."""
    sheet.box(560, 375, 250, 70, "part", "opto-isolators A and B", "24 V by 4.7 kΩ each: 5 mA")
    sheet.dot(B, 395, "power")
    sheet.wire((B, 395), (560, 395), kind="power")
    sheet.dot(A, 425, "power")
    sheet.wire((A, 425), (B - 8, 425), kind="power")
    sheet.wire((B + 8, 425), (560, 425), kind="power")
    sheet.wire((B - 8, 425), (B, 417), (B + 8, 425), kind="power")  # passes over
    sheet.wire((810, 395), (900, 395))
    sheet.wire((810, 425), (900, 425))
    sheet.box(900, 325, 240, 165, "board", "")
    sheet.text(1020, 347, "controller", anchor="middle", bold=True)
    sheet.text(1020, 363, "listens, and adds one contact", anchor="middle", size=11.5)
    for y, name in ((395, "chain_b"), (425, "chain_a"), (465, "hv_enable")):
        sheet.text(910, y + 4, name)


def cuts(sheet: Sheet) -> None:
    """The safety relay's contacts: in the generator's enable loop, and in its mains."""
    sheet.wire((340, 550), (340, 600), (540, 600), kind="power")
    sheet.text(350, 592, "contact 1, force-guided")
    sheet.wire((180, 550), (180, 655), (540, 655), kind="power")
    sheet.text(350, 647, "contact 2, force-guided")
    sheet.box(540, 480, 220, 50, "safety", "N-MOSFET, relay K1", "4.7 kΩ to ground holds it off")
    sheet.wire((900, 465), (850, 465), (850, 505), (760, 505))
    sheet.wire((650, 530), (650, 577))
    sheet.box(540, 577, 220, 46, "safety", "contact of K1", "in series")
    sheet.wire((760, 600), (900, 600), kind="power")
    sheet.box(540, 637, 220, 36, "safety", "mains contactor")
    sheet.wire((760, 655), (900, 655), kind="power")
    sheet.box(900, 540, 240, 135, "generator", "")
    sheet.text(1020, 564, "high-voltage generator", anchor="middle", bold=True)
    sheet.text(910, 604, "hardware enable loop")
    sheet.text(910, 659, "mains")
