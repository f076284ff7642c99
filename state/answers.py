"""Replies of the functions as answers: results matched to the ops that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

import msgspec

from state.batch import Identity
from state.ops import Op, Read

_EVENT = Struct("<xc16sIdHH")  # version byte, state, content hash, crc of the input, offset, lengths


def results_of(row: list[Any], ops: Sequence[Op], beneficiary: str) -> list[bytes | None]:
    """The result of each op of an event; None for one that was not applied when the event was."""
    results, remembered = row[1], row[4]
    if remembered is None:
        return list(results)
    left: dict[bytes, list[bytes | None]] = {}
    for name, result in zip(remembered, results, strict=True):
        left.setdefault(name, []).append(result)
    found: list[bytes | None] = []
    for op in ops:
        waiting = left.get(_short(op.keys[0], beneficiary))
        found.append(waiting.pop(0) if waiting else None)
    return found


def _short(key: str, beneficiary: str) -> bytes:
    """A key as the functions remember it: without the beneficiary where it ends with it."""
    return (key[:2] if beneficiary and key[2:] == beneficiary else key).encode()


def read_value(read: Read, value: Any) -> Any:
    """A whole hash becomes a dict, the last revision [number, blob]."""
    if read.kind == 2:
        return dict(zip(value[::2], value[1::2], strict=True))
    return value


def identity_of(stored: bytes | None) -> Identity | None:
    """The identity kept in an event record; None for a tombstone, which knows only that it was cancelled, and for an
    event whose person was erased.
    """
    if stored is None or len(stored) < _EVENT.size:
        return None
    *_, identity, beneficiary = _EVENT.unpack_from(stored)
    if not identity:
        return None
    at = _EVENT.size
    event_id, claim_id = msgspec.msgpack.decode(stored[at : at + identity], type=tuple[str, str])
    who = stored[at + identity : at + identity + beneficiary].decode()
    return Identity(event_id, claim_id, who)
