"""MessagePack as Redis's cmsgpack writes it: byte strings travel as raw strings, which general decoders refuse."""

from __future__ import annotations

from struct import Struct, error
from typing import Any

from state.errors import BadFormat

_FIXED = {
    0xCA: Struct(">f"), 0xCB: Struct(">d"),
    0xCC: Struct(">B"), 0xCD: Struct(">H"), 0xCE: Struct(">I"), 0xCF: Struct(">Q"),
    0xD0: Struct(">b"), 0xD1: Struct(">h"), 0xD2: Struct(">i"), 0xD3: Struct(">q"),
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_RAW = {0xD9: Struct(">B"), 0xDA: Struct(">H"), 0xDB: Struct(">I")}
_ARRAY = {0xDC: Struct(">H"), 0xDD: Struct(">I")}
DEEPEST = 8  # what the functions keep is three levels deep


def unpack(data: bytes) -> Any:
    """One value: numbers, bytes, booleans, None and lists of them; an empty Lua table is an empty list.

    Raises BadFormat for anything else, and for bytes that are left over.
    """
    try:
        value, at = _value(data, 0, 0)
    except (IndexError, error) as broken:
        raise BadFormat(f"packed value is cut off: {broken}") from broken
    if at != len(data):
        raise BadFormat(f"{len(data) - at} bytes after the packed value")
    return value


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    kind = data[at]
    at += 1
    if kind < 0x80:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], at
    if kind in _FIXED:
        (number,) = _FIXED[kind].unpack_from(data, at)
        return number, at + _FIXED[kind].size
    if 0xA0 <= kind < 0xC0:
        return _bytes(data, at, kind & 31)
    if kind in _RAW:
        (size,) = _RAW[kind].unpack_from(data, at)
        return _bytes(data, at + _RAW[kind].size, size)
    if 0x90 <= kind < 0xA0:
        return _list(data, at, kind & 15, depth)
    if kind in _ARRAY:
        (size,) = _ARRAY[kind].unpack_from(data, at)
        return _list(data, at + _ARRAY[kind].size, size, depth)
    if kind == 0x80:
        return [], at
    raise BadFormat(f"packed value of kind 0x{kind:02x}")


def _bytes(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise BadFormat("packed bytes are cut off")
    return data[at : at + size], at + size


def _list(data: bytes, at: int, size: int, depth: int) -> tuple[list[Any], int]:
    if depth >= DEEPEST or size > len(data):
        raise BadFormat("packed list of no likely size")
    items = []
    for _ in range(size):
        item, at = _value(data, at, depth + 1)
        items.append(item)
    return items, at
