"""MessagePack pieces for the functions' arguments.

Redis's cmsgpack knows no `bin` type: byte strings travel as raw strings, which general encoders refuse to
write for bytes that are not UTF-8. Keys appear as numbers that are known only when the call is put
together, so ops keep their tail packed and get their head later.
"""

from __future__ import annotations

from struct import Struct

INT64 = 0xD3  # what stands before a signed integer of eight bytes
_INT = Struct(">Bq")
_SHORT = Struct(">BH")
_LONG = Struct(">BI")
NIL = b"\xc0"
FALSE = b"\xc2"


_RAW = [bytes((0xA0 | size,)) if size < 32 else bytes((0xD9, size)) for size in range(256)]
_SMALL = [bytes((value,)) for value in range(128)]
_ARRAY = [bytes((0x90 | count,)) for count in range(16)]
"""What is packed a hundred times a claim, made once."""


def raw(data: bytes) -> bytes:
    """A byte string."""
    size = len(data)
    if size < 256:
        return _RAW[size] + data
    if size < 65536:
        return _SHORT.pack(0xDA, size) + data
    return _LONG.pack(0xDB, size) + data


def integer(value: int) -> bytes:
    """A signed integer of at most 53 bits, the range Lua's numbers hold exactly."""
    if 0 <= value < 128:
        return _SMALL[value]
    if not -(1 << 53) <= value <= 1 << 53:
        raise ValueError(f"{value} is beyond 53 bits")
    return _INT.pack(INT64, value)


def key(index: int) -> bytes:
    """The number of a key in the call."""
    return _LONG.pack(0xCE, index)


def array(count: int) -> bytes:
    """The head of a list of `count` items."""
    return _ARRAY[count] if count < 16 else _SHORT.pack(0xDC, count)


def listing(items: list[bytes]) -> bytes:
    """A list of packed items."""
    return array(len(items)) + b"".join(items)
