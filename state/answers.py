"""Replies of the functions as answers: results matched to the ops that were asked for."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, pairwise
from struct import Struct
from typing import Any

import msgspec

from state.batch import Identity
from state.calls import LABEL_BYTES
from state.ops import Read

EVENT = Struct("<xc16sIdHH")
"""Head of an event record: version byte, state, content hash, crc of the input, offset, lengths of identity and
beneficiary (`functions/events.lua`)."""
MEMO = Struct("<xB16sH")
"""Head of a memo: version byte, status, content hash, number of results (`functions/observe.lua`)."""
NO_RESULT = 0xFFFFFFFF
"""The length of a result that is nil."""


def results_of(memo: bytes | None, asked: bytes) -> list[bytes | None]:
    """The result of each op of an event, by the labels of the ops; None for one that was not applied when it was."""
    if memo is None:
        return [None] * (len(asked) // LABEL_BYTES)
    _, _, count = MEMO.unpack_from(memo)
    begin = MEMO.size + LABEL_BYTES * count
    lengths = _lengths(count).unpack_from(memo, begin)
    ends = accumulate([0 if length == NO_RESULT else length for length in lengths], initial=begin + 4 * count)
    results: list[bytes | None] = [memo[at:end] for at, end in pairwise(ends)]
    if NO_RESULT in lengths:
        results = [None if n == NO_RESULT else one for n, one in zip(lengths, results, strict=True)]
    remembered = memo[MEMO.size : begin]
    if asked == remembered:
        return results
    left: dict[bytes, list[bytes | None]] = {}
    for label, result in zip(_parts(remembered), results, strict=True):
        left.setdefault(label, []).append(result)
    found: list[bytes | None] = []
    for label in _parts(asked):
        waiting = left.get(label)
        found.append(waiting.pop(0) if waiting else None)
    return found


def _parts(labels: bytes) -> list[bytes]:
    return [labels[at : at + LABEL_BYTES] for at in range(0, len(labels), LABEL_BYTES)]


@lru_cache(maxsize=256)
def _lengths(count: int) -> Struct:
    return Struct(f"<{count}I")


def read_value(read: Read, value: Any) -> Any:
    """A whole hash becomes a dict, the last revision [number, blob]."""
    if read.kind == 2:
        return dict(zip(value[::2], value[1::2], strict=True))
    return value


def identity_of(stored: bytes | None) -> Identity | None:
    """The identity kept in an event record; None for a tombstone, which knows only that it was cancelled, and for an
    event whose person was erased.
    """
    if stored is None or len(stored) < EVENT.size or stored[1:2] == b"T":
        return None
    *_, identity, beneficiary = EVENT.unpack_from(stored)
    if not identity:
        return None
    at = EVENT.size
    event_id, claim_id = msgspec.msgpack.decode(stored[at : at + identity], type=tuple[str, str])
    who = stored[at + identity : at + identity + beneficiary].decode()
    return Identity(event_id, claim_id, who)
