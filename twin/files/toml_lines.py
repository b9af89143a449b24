"""Find the line of each key and each list element of a TOML text.

The standard parser gives no positions. This parser assumes a text that `tomllib` has accepted, and
only builds a tree of line numbers.
"""

import bisect
import re
import tomllib

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?""""{0,2}|\'\'\'.*?\'\'\'\'{0,2}|"(?:[^"\\]|\\.)*"|'[^']*\'''', re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


class _Node:
    """A key or element: its line and the entries below it, by key or by index."""

    __slots__ = ("below", "line", "repeated")

    def __init__(self, line: int) -> None:
        self.line = line
        self.below: dict[str | int, _Node] = {}
        self.repeated = False  # an array of tables

    def at(self, key: str | int, line: int) -> "_Node":
        return self.below.setdefault(key, _Node(line))


class Lines:
    """The line numbers of one text, from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._root = _Node(1)
        self._read()

    def find(self, path: tuple[str | int, ...]) -> int:
        """The line of the entry at `path`; without one, of the nearest existing table around it."""
        node = self._root
        for part in path:
            if part not in node.below:
                break
            node = node.below[part]
        return node.line

    def _line(self, position: int) -> int:
        return bisect.bisect_left(self._ends, position) + 1

    def _skip(self, position: int) -> int:
        match = _GAP.match(self._text, position)
        return match.end() if match else position

    def _read(self) -> None:
        text, table = self._text, self._root
        position = self._skip(0)
        while position < len(text):
            line = self._line(position)
            if text[position] == "[":
                repeated = text.startswith("[[", position)
                keys, position = self._keys(position + 1 + repeated)
                position += 1 + repeated
                table = self._header(keys, line, repeated)
            else:
                position = self._assignment(position, table)
            position = self._skip(position)

    def _header(self, keys: list[str], line: int, repeated: bool) -> _Node:
        node = self._root
        for depth, key in enumerate(keys, start=1):
            node = node.at(key, line)
            if depth == len(keys) and repeated:
                node.repeated = True
                node.below[len(node.below)] = _Node(line)
            if node.repeated:
                node = node.below[len(node.below) - 1]
        node.line = line
        return node

    def _keys(self, position: int) -> tuple[list[str], int]:
        """The parts of a dotted key, and the position after it."""
        keys = []
        while match := _KEY_PART.match(self._text, self._skip(position)):
            part = match[0]
            keys.append(tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part)
            position = self._skip(match.end())
            if not self._text.startswith(".", position):
                break
            position += 1
        return keys, position

    def _assignment(self, position: int, node: _Node) -> int:
        line = self._line(position)
        keys, position = self._keys(position)
        for key in keys:
            node = node.at(key, line)
        return self._value(self._skip(position + 1), node)  # + 1 for the equals sign

    def _value(self, position: int, node: _Node) -> int:
        """Add the value that begins here below `node`; returns the position after it."""
        text = self._text
        bracket = text[position : position + 1]
        if bracket not in ("[", "{"):
            match = _STRING.match(text, position) or _SCALAR.match(text, position)
            return match.end() if match else position
        position = self._skip(position + 1)
        while position < len(text) and text[position] not in "]}":
            if bracket == "[":
                element = node.at(len(node.below), self._line(position))
                position = self._value(position, element)
            else:
                position = self._assignment(position, node)
            position = self._skip(position)
            if text.startswith(",", position):
                position = self._skip(position + 1)
        return position + 1
