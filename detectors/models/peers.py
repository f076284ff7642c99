"""How a peer group learns: exponentially weighted, clipped, and no provider holding more than a quarter of
the turns."""

from __future__ import annotations

from typing import Final

from detectors.models.amounts import PEER_FADING
from detectors.models.records import VERSION, PeerRecord
from detectors.models.series import BOUND, follow

TURNS: Final = 20
MAX_TURNS: Final = 5
"""Of the last 20 turns one source may hold 5: a burst of one provider must not move its peers' habit."""


_BYTES: Final = tuple(bytes((value,)) for value in range(256))
_NEW: Final = PeerRecord()


def admitted(recent: bytes, source: int, limit: int = MAX_TURNS, length: int = TURNS) -> bool:
    """Whether the source (1 to 255) may take the next of `length` turns."""
    return recent.count(source, -length + 1) < limit


def turn(recent: bytes, source: int, length: int = TURNS) -> bytes:
    """The turns after one more; 0 stands for a refused one."""
    return recent[-length + 1 :] + _BYTES[source]


def fold(record: PeerRecord | None, value: float, source: int) -> PeerRecord:
    """The record after one value. A value that is not finite changes nothing."""
    own = record or _NEW
    if not (-BOUND < value < BOUND and 0 < source < 256):  # `usable`, said here: the hottest line of all
        return own
    n, recent = own.n, own.recent[-TURNS + 1 :]
    if recent.count(source) >= MAX_TURNS:
        return PeerRecord(VERSION, n, own.mean, own.var, recent + _BYTES[0])
    mean, var = follow(own.mean, own.var, n, value, PEER_FADING)
    return PeerRecord(VERSION, n + 1, mean, var, recent + _BYTES[source])
