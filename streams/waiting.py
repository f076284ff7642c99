"""Held files that wait for a registry or a table: what each rests on, and which of them to answer again.

A hold that rests on the registry of providers, on an order or on a table ends when that is put right. Each such hold
stands in a small index of its partition, with a digest of what was said of it; where the tables of now say otherwise,
it is answered again. Nothing is remembered of what changed: a worker that crashed meanwhile, or that takes the
partition over, finds the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from detectors import catalogue
from detectors.base import Finding
from detectors.referentials import Referentials
from schemas.outputs import Screened
from state import Store
from state.formats import refuse_newer
from streams.control import rescreen
from streams.messages import Output

log = logging.getLogger("crible.waiting")

VERSION: Final = 1
REFERENTIAL_CHANGED: Final = "REFERENTIAL_CHANGED"
DETECTORS: Final = tuple(d for d in catalogue.DETECTORS if d.declaration.code in ("E03", "E04", "ORD", "T02"))
"""What rests on the file, the registries and the tables alone, and is said otherwise when they change."""
CODES: Final = frozenset(d.declaration.code for d in DETECTORS)
TABLE_OF: Final = {"E03": "acts", "T02": "drugs"}
ENTITIES: Final = ("provider", "network")
"""Whom orders of E04 name."""


class Wait(msgspec.Struct, array_like=True, frozen=True):
    """One held event. `rests`: "provider:INPE", "order:ENTITY", "table:NAME"; `said`: digest of those."""

    version: int
    beneficiary: str
    claim_id: str
    organism: str
    rests: tuple[str, ...]
    said: bytes


_decoder = msgspec.msgpack.Decoder(Wait)


def read(blob: bytes) -> Wait:
    """An entry of its bytes. Raises msgspec.MsgspecError where it is damaged, BadFormat for a newer release's."""
    found = _decoder.decode(blob)
    refuse_newer("waiting", found.version, VERSION)
    return found


def entry(record: Screened, referentials: Referentials | None) -> bytes | None:
    """What to keep of a held event; None where it waits for no table.

    `referentials`: what it was decided under; None where that is not known, and it is to be asked once anyway.
    """
    rests = _rests(record)
    if not rests:
        return None
    said = b"" if referentials is None else _digest(rests, referentials)
    who, organism = record.beneficiary or "", record.organism or "-"
    return msgspec.msgpack.encode(Wait(VERSION, who, record.claim_id, organism, rests, said))


def _rests(record: Screened) -> tuple[str, ...]:
    """What the findings of a record say of others than its person."""
    found: set[str] = set()
    for kept in record.features.get("findings", ()):
        code, facts = kept.get("code"), kept.get("facts") or {}
        if code not in CODES:
            continue
        if (order := _ordered(code, facts, record.beneficiary)) is not None:
            found.add(f"order:{order}")
            continue
        if code in TABLE_OF:
            found.add(f"table:{TABLE_OF[code]}")
        if code != "T02":
            found |= {f"provider:{inpe}" for inpe in record.features.get("executors", ())}
            if facts.get("inpe"):
                found.add(f"provider:{facts['inpe']}")
    return tuple(sorted(found))


def _ordered(code: str, facts: Mapping[str, Any], beneficiary: str | None) -> str | None:
    """Whom the order is about that a finding rests on."""
    if code == "ORD":
        return f"beneficiary:{beneficiary}"
    if "order" not in facts:
        return None
    return next((f"{kind}:{facts[kind]}" for kind in ENTITIES if kind in facts), None)


def _digest(rests: Iterable[str], referentials: Referentials) -> bytes:
    """Eight bytes of what the registries and tables say now."""
    said = [_said(each, referentials) for each in rests]
    return blake2b(msgspec.msgpack.encode(said), digest_size=8).digest()


def _said(rest: str, referentials: Referentials) -> Any:
    kind, _, name = rest.partition(":")
    if kind == "table":
        return referentials.editions.get(name)
    if kind == "order":
        order = referentials.orders.get(name)
        return (
            None if order is None else (order.order_id, order.from_, order.to, order.scope, order.lifted_by)
        )
    provider = referentials.providers.get(name)
    if provider is None:
        return None
    return provider.kind, provider.active, provider.excluded, provider.network


def silent(found: Finding, beneficiary: str | None, tables: Referentials) -> bool:
    """Whether the tables no longer say what a finding rests on: a hold ends where they say so, not where an entry, an
    order or a whole table is gone.
    """
    order = _ordered(found.code, found.facts, beneficiary)
    if order is not None:
        return order not in tables.orders
    if found.code in TABLE_OF and not tables.known(TABLE_OF[found.code]):
        return True
    if found.code == "E03":
        return not tables.providers
    provider = tables.providers.get(str(found.facts.get("inpe")))
    return found.code == "E04" and (provider is None or provider.excluded is None)


class Waiting:
    """Looks at what waits when the tables have changed. One for each worker; not for several threads.

    Args:
        current: the snapshot in force.
    """

    def __init__(self, store: Store, current: Callable[[], Referentials]) -> None:
        self._store, self._current = store, current
        self._seen: tuple[Referentials, frozenset[int]] | None = None
        self._asked: dict[str, bytes] = {}
        """Event id -> what the tables said when it was asked last."""

    def due(self, partitions: Iterable[int], at: str) -> list[Output]:
        """Requests to answer again what the tables say otherwise about; `at`: the time of asking, ISO 8601.

        Nothing where neither the tables nor the partitions are others than when it was looked last. What is given here
        counts as told; `forget` where it was not.
        """
        snapshot, own = self._current(), frozenset(partitions)
        if self._seen is not None and self._seen[0] is snapshot and self._seen[1] == own:
            return []
        told: list[Output] = []
        asked: dict[str, bytes] = {}
        for number in sorted(own):
            for event_id, blob in sorted(self._store.waiting(number).items()):
                one = _entry(event_id, blob)
                if one is None or (digest := _digest(one.rests, snapshot)) == one.said:
                    continue
                asked[event_id] = digest
                if self._asked.get(event_id) != digest:
                    told.append(_request(event_id, one, at))
        if told:
            log.info("tables changed: %d held files are answered again", len(told))
        self._seen, self._asked = (snapshot, own), asked
        return told

    def forget(self) -> None:
        """What was due was not told: look again."""
        self._seen, self._asked = None, {}


def _entry(event_id: str, blob: bytes) -> Wait | None:
    """An entry; None where it is damaged, which `crible state check` tells of. Raises BadFormat."""
    try:
        return read(blob)
    except msgspec.MsgspecError:
        log.error("what %s waits for was damaged: a person has to end its hold", event_id)
        return None


def _request(event_id: str, one: Wait, at: str) -> Output:
    return rescreen(
        event_id, REFERENTIAL_CHANGED, one.beneficiary, one.claim_id, organism=one.organism, at=at
    )


__all__ = ["CODES", "DETECTORS", "REFERENTIAL_CHANGED", "Wait", "Waiting", "entry", "read", "silent"]
