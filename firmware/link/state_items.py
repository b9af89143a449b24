"""The firmware's state, nested dicts and lists of plain values, cut into items that fit a frame.

An item is

    type u8, length of the path u8, path, value

The path leads to the value from the top, its steps with a 0 between them. The value is an i64, an
f64, a text, or for a list its length; a dict or a list is an item of its own, before its content.
The state made of the items is equal in every bit; a tuple becomes a list.
"""

import struct

NONE = 0
FALSE = 1
TRUE = 2
INT = 3
FLOAT = 4
TEXT = 5
DICT = 6
LIST = 7
STEP = "\0"


def items(state):
    """Yield every item of a state, one after the other."""
    for name in state:
        yield from _items(name, state[name])


def put(state, item: bytes) -> None:
    """Put an item into the state of the items before it. Raises ValueError if the item has no place
    there."""
    if len(item) < 2:
        raise ValueError("no item of a state: " + repr(item))
    kind, length = item[0], item[1]
    *way, last = item[2 : 2 + length].decode().split(STEP)
    place = state
    for step in way:
        place = _inside(place, step)
    value = _value(kind, item[2 + length :])
    if isinstance(place, dict):
        place[last] = value
    elif isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    else:
        raise ValueError("no place for " + last)


def _items(path: str, value):
    if value is None:
        yield _item(NONE, path)
    elif value is True or value is False:
        yield _item(TRUE if value else FALSE, path)
    elif isinstance(value, int):
        yield _item(INT, path, struct.pack("<q", value))
    elif isinstance(value, float):
        yield _item(FLOAT, path, struct.pack("<d", value))
    elif isinstance(value, str):
        yield _item(TEXT, path, value.encode())
    elif isinstance(value, dict):
        yield _item(DICT, path)
        for name in value:
            yield from _items(path + STEP + name, value[name])
    elif isinstance(value, (list, tuple)):
        yield _item(LIST, path, struct.pack("<q", len(value)))
        for at, one in enumerate(value):
            yield from _items(path + STEP + str(at), one)
    else:
        raise ValueError("state with a " + str(type(value)) + " at " + repr(path))


def _item(kind: int, path: str, value: bytes = b"") -> bytes:
    way = path.encode()
    return bytes([kind, len(way)]) + way + value


def _value(kind: int, raw: bytes):
    if kind == NONE:
        return None
    if kind == FALSE or kind == TRUE:
        return kind == TRUE
    if kind == TEXT:
        return raw.decode()
    if kind == DICT:
        return {}
    if len(raw) != 8 or kind > LIST:
        raise ValueError("no value of kind " + str(kind) + ": " + repr(raw))
    if kind == FLOAT:
        return struct.unpack("<d", raw)[0]
    number = struct.unpack("<q", raw)[0]
    if kind == INT:
        return number
    if not 0 <= number < 10000:
        raise ValueError("no list is " + str(number) + " long")
    return [None] * number


def _inside(place, step: str):
    if isinstance(place, dict) and step in place:
        return place[step]
    if isinstance(place, list) and step.isdigit() and int(step) < len(place):
        return place[int(step)]
    raise ValueError("no place for what is in " + step)
