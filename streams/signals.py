"""Reports and watch-list entries on an entity, as screening reads them: they raise priority and decide
nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from detectors.referentials import Referentials
from schemas.claim import Claim
from schemas.control import Signal
from state.formats import FORMATS, refuse_newer


class SignalRecord(msgspec.Struct, array_like=True, frozen=True):
    """The last signal on an entity. `expires` in seconds since the epoch."""

    version: int
    strength: float
    expires: float
    source: str


_decoder = msgspec.msgpack.Decoder(SignalRecord)


def name(entity: str) -> str:
    """The state's name of the record on an entity ("provider:104512345")."""
    return f"signal:{entity}"


def packed(signal: Signal) -> bytes:
    """The record of a signal."""
    record = SignalRecord(FORMATS["signals"], signal.strength, signal.ends.timestamp(), signal.source)
    return msgspec.msgpack.encode(record)


def read(blob: bytes) -> SignalRecord:
    """The record of its bytes. Raises msgspec.MsgspecError where it is damaged, BadFormat for a newer release's."""
    record = _decoder.decode(blob)
    refuse_newer("signals", record.version, FORMATS["signals"])
    return record


def names(claim: Claim, referentials: Referentials) -> list[str]:
    """The records that concern a claim: its beneficiary's, its executors' and their networks'."""
    executors = dict.fromkeys(line.executor for line in claim.lines if line.executor is not None)
    entries = [entry for inpe in executors if (entry := referentials.provider(inpe)) is not None]
    networks = dict.fromkeys(entry.network for entry in entries if entry.network is not None)
    entities = [f"beneficiary:{claim.beneficiary}", *(f"provider:{inpe}" for inpe in executors)]
    return [name(entity) for entity in (*entities, *(f"network:{network}" for network in networks))]


def live(names: Iterable[str], stored: Mapping[str, bytes | None], at: dt.datetime) -> list[dict[str, Any]]:
    """What is reported under these names at that instant, the strongest first.

    Raises BadFormat for what a newer release wrote.
    """
    found = []
    for each in names:
        blob = stored.get(each)
        if blob is None:
            continue
        record = read(blob)
        if record.expires > at.timestamp():
            entity = each.partition(":")[2]
            found.append({"entity": entity, "source": record.source, "strength": record.strength})
    return sorted(found, key=lambda one: -one["strength"])


def raised(priority: float | None, features: Mapping[str, Any]) -> float | None:
    """A priority as the signals in a record's features raise it: the strongest one doubles it at most."""
    told = features.get("signals")
    if not told or not priority:
        return priority
    return round(priority * (1.0 + float(told[0]["strength"])), 4)
