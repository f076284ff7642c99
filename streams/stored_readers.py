"""How the state's own checks read what screening and the models have written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from detectors.models.records import KINDS, decode
from state.errors import BadFormat
from streams import effects, entity_files, outcomes, outputs, signals, snapshots, waiting
from streams.claim_state import FIELDS, ClaimState

LEVELS = (entity_files.SEEN.encode(), entity_files.HELD.encode())


def readers() -> Mapping[str, Callable[[Any], Any]]:
    """By kind of key: "v" one revision (bytes) -> its beneficiary, "c", "o" and "u" whole hashes, "m:<kind>" bytes.

    Each raises ValueError, msgspec.MsgspecError or BadFormat for what it cannot read.
    """
    return {
        "v": lambda blob: outputs.decode(blob).beneficiary,
        "c": _claim,
        "o": lambda fields: {name: orjson.loads(value) for name, value in fields.items()},
        "u": lambda fields: {name: waiting.read(value) for name, value in fields.items()},
        **{f"m:{kind}": _model(kind) for kind in KINDS},
        **snapshots.readers(),
        "m:signal": lambda blob: signals.read(blob),
        "m:effects": effects.read,
        "m:alerts": entity_files.read,
        "m:outcomes": outcomes.read,
        "m:case": _one_of(LEVELS),
        "m:reviewed": _one_of((b"1",)),
    }


def _claim(fields: Mapping[bytes, bytes]) -> ClaimState:
    unknown = [name for name in fields if not name.startswith(FIELDS)]
    if unknown:
        raise BadFormat(f"{len(unknown)} fields of a claim's state are of no known kind")
    return ClaimState.of(fields)


def _model(kind: str) -> Callable[[bytes], Any]:
    return lambda blob: decode(kind, blob)


def _one_of(known: tuple[bytes, ...]) -> Callable[[bytes], bytes]:
    def read(blob: bytes) -> bytes:
        if blob not in known:
            raise msgspec.ValidationError("a mark of no known value")
        return blob

    return read
