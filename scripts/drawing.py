"""A sheet for drawings of circuits, written as plain SVG."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

INK = "#222222"
KINDS = {  # of boxes: fill, stroke
    "board": ("#e8f1fb", "#0072b2"),
    "chip": ("#eef7ee", "#3a7d44"),
    "part": ("#ffffff", "#777777"),
    "device": ("#f5f0fa", "#7a5195"),
    "generator": ("#fdf1e3", "#c77700"),
    "safety": ("#fdecea", "#b03a00"),
}
WIRES = {"digital": "#333333", "analog": "#c77700", "power": "#b03a00", "bus": "#0072b2"}
STRIDE = 16  # between two lines of small text


class Sheet:
    """Coordinates in pixels, y downwards. `svg()` is the whole file."""

    def __init__(self, width: int, height: int, title: str):
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12.5">'
        )
        self._parts = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
        self.text(30, 38, title, size=20, bold=True)

    def svg(self) -> str:
        return "\n".join([self._head, *(f"  {part}" for part in self._parts), "</svg>", ""])

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: float = 12.5,
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}"'
            f'{weight} fill="{colour}">{escape(words)}</text>'
        )

    def box(
        self, x: float, y: float, w: float, h: float, kind: str, title: str, *lines: str
    ) -> None:
        """A box with a title and small lines, all centred in it."""
        fill, stroke = KINDS[kind]
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="5" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="1.5"/>'
        )
        at = y + (h - STRIDE * (len(lines) + bool(title))) / 2 + 12
        if title:
            self.text(x + w / 2, at, title, anchor="middle", bold=True)
            at += STRIDE
        for line in lines:
            self.text(x + w / 2, at, line, anchor="middle", size=11.5)
            at += STRIDE

    def wire(self, *points: tuple[float, float], kind: str = "digital") -> None:
        """A line through the points."""
        places = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(
            f'<polyline points="{places}" fill="none" stroke="{WIRES[kind]}" stroke-width="1.6"/>'
        )

    def dot(self, x: float, y: float, kind: str = "digital") -> None:
        """Two wires meet."""
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="3.2" fill="{WIRES[kind]}"/>')

    def resistor(self, x: float, y: float, label: str, *, anchor: str = "start") -> None:
        """Upright, 30 high, centred on (x, y); the label is beside it."""
        self._parts.append(
            f'<rect x="{x - 5:g}" y="{y - 15:g}" width="10" height="30" fill="#ffffff" '
            f'stroke="{INK}" stroke-width="1.4"/>'
        )
        self.text(x + (10 if anchor == "start" else -10), y + 4, label, anchor=anchor, size=11.5)

    def ground(self, x: float, y: float) -> None:
        for half, down in ((9, 0), (6, 4), (3, 8)):
            self.wire((x - half, y + down), (x + half, y + down))

    def contact(self, x: float, y: float, label: str, kind: str = "power") -> None:
        """An open contact in a vertical line, 30 high, centred on (x, y)."""
        self.wire((x, y + 15), (x - 11, y - 14), kind=kind)
        self.dot(x, y - 15, kind)
        self.dot(x, y + 15, kind)
        if label:
            self.text(x + 14, y + 4, label, size=11.5)

    def rail(self, x: float, y: float, label: str) -> None:
        """A supply: a short bar with its voltage above."""
        self.wire((x - 10, y), (x + 10, y), kind="power")
        self.text(x, y - 5, label, anchor="middle", size=11.5, colour=WIRES["power"])

    def notes(self, x: float, y: float, lines: Sequence[str], colour: str = "#444444") -> None:
        for at, line in enumerate(lines):
            self.text(x, y + STRIDE * at, line, size=12, colour=colour)
