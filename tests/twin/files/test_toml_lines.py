"""The line of every key and element, in TOML written in every form that the language has."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from twin.files.toml_lines import Lines

SCALARS = (
    "1",
    "-1.5e3",
    "true",
    "1979-05-27 07:32:00",
    "'it # ] } , = x'",
    '"a\\"b\\\\"',
    '""',
    "''",
    '"""\n[k]\nk = 1 \\""" # "\n"""""',
    "'''\n'' ] \n''''",
    '""""""',
    "''''''",
)


class Writer:
    """Writes TOML in all its forms and notes on which line each key and each element begins."""

    def __init__(self, draw):
        self.draw = draw
        self.text = ""
        self.expected = {}
        self.keys = 0

    def note(self, path):
        self.expected[path] = self.text.count("\n") + 1

    def add(self, *choices):
        self.text += self.draw(st.sampled_from(choices))

    def gap(self):
        self.add("", "", " ", "\n", " # no ] } = 'key\n", "\t\n\n")

    def key(self):
        self.keys += 1
        key = self.draw(st.sampled_from(["k{}", "k-{}_", "{}", "a.b{}", "é{}", "q'{}", 'd"{}\\']))
        key = key.format(self.keys)
        plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if plain and self.draw(st.booleans()):
            self.text += key
        else:
            self.text += '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return key

    def dotted(self, path):
        """A dotted key below `path`, each part new -> its whole path."""
        for part in range(self.draw(st.integers(1, 2))):
            if part:
                self.add(".", " . ")
            path = (*path, self.key())
            self.note(path)
        return path

    def value(self, path, depth):
        kind = self.draw(st.sampled_from(["scalar", "array", "inline"] if depth else ["scalar"]))
        if kind == "scalar":
            self.add(*SCALARS)
        elif kind == "array":
            self.text += "["
            for index in range(self.draw(st.integers(0, 3))):
                self.gap()
                self.note((*path, index))
                self.value((*path, index), depth - 1)
                self.gap()
                self.text += ","
            self.gap()
            self.text += "]"
        else:
            self.text += "{ "
            for index in range(self.draw(st.integers(0, 2))):
                self.add(", " if index else "")
                self.assignment(path, depth - 1)
            self.text += " }"

    def assignment(self, path, depth):
        path = self.dotted(path)
        self.add("=", " = ", "\t=")
        self.value(path, depth)

    def statements(self, path):
        for _ in range(self.draw(st.integers(0, 3))):
            self.add("", "  ", "# comment [x]\n", "\n")
            self.assignment(path, 2)
            self.add("\n", " # = '\n", "\n\n")

    def document(self):
        self.statements(())
        for _ in range(self.draw(st.integers(0, 3))):
            repeats = self.draw(st.integers(0, 2))
            self.add("", " ")
            brackets = ("[[", "]]") if repeats else ("[", "]")
            self.text += brackets[0]
            start = len(self.text)
            path = self.dotted(())
            name = self.text[start:]
            self.text += brackets[1] + "\n"
            for index in range(repeats):
                if index:
                    self.text += f"[[{name}]]\n"
                self.expected[(*path, index)] = self.text.count("\n")
                self.statements((*path, index))
                if self.draw(st.booleans()):
                    self.text += f"[{name}.sub]\nx = 1\n"
                    self.expected[(*path, index, "sub", "x")] = self.text.count("\n")
            if not repeats:
                self.statements(path)
        return self


def paths(value, path=()):
    """The paths of all keys and elements of plain data."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from paths(item, (*path, key))


@given(st.data())
def test_the_line_of_every_key_and_element_is_found(data):
    written = Writer(data.draw).document()
    lines = Lines(written.text)
    there = set(paths(tomllib.loads(written.text)))
    assert set(written.expected) <= there
    for path, line in written.expected.items():
        assert lines.find(path) == line, (path, written.text)
