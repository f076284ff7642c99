"""How a peer group learns: exponentially weighted, clipped, and no provider holding more than a quarter of
the turns."""

from __future__ import annotations

from typing import Final

from detectors.models.amounts import PEER_FADING
from detectors.models.records import PeerRecord
from detectors.models.series import clip, step, usable, warm_factor

TURNS: Final = 20
MAX_TURNS: Final = 5
"""Of the last 20 turns one source may hold 5: a burst of one provider must not move its peers' habit."""


_BYTES: Final = tuple(bytes((value,)) for value in range(256))


def admitted(recent: bytes, source: int, limit: int = MAX_TURNS, length: int = TURNS) -> bool:
    """Whether the source (1 to 255) may take the next of `length` turns."""
    return recent.count(source, -length + 1) < limit


def turn(recent: bytes, source: int, length: int = TURNS) -> bytes:
    """The turns after one more; 0 stands for a refused one."""
    return recent[-length + 1 :] + _BYTES[source]


def fold(record: PeerRecord | None, value: float, source: int) -> PeerRecord:
    """The record after one value. A value that is not finite changes nothing."""
    own = record or PeerRecord()
    if not usable(value) or not 0 < source < 256:
        return own
    if not admitted(own.recent, source):
        return PeerRecord(n=own.n, mean=own.mean, var=own.var, recent=turn(own.recent, 0))
    n = own.n + 1
    mean, var = step(own.mean, own.var, clip(value, own.mean, own.var, own.n), warm_factor(n, PEER_FADING))
    return PeerRecord(n=n, mean=mean, var=var, recent=turn(own.recent, source))
