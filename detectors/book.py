"""The registries and tables as they are being read: takes events and tombstones, gives snapshots.

A load with a wrong checksum, an unreadable row, or a key twice in force on one date is rejected with a reason
that says where; the edition in force stays, and its detectors propose a review instead of holding until a
good load comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from detectors.base import Declaration
from detectors.catalogue import DECLARATIONS
from detectors.policy import PolicyError, Thresholds
from detectors.referentials import Edition, Referentials, index_rows
from schemas.control import Order
from schemas.envelope import Envelope
from schemas.referential import (
    POLICIES,
    TABLES,
    Policy,
    Referential,
    Table,
    checksum,
    overlap,
    rows_of,
)
from schemas.registries import Liquidator, Provider

KINDS: Final = ("provider", "liquidator", "referential", "policy", "order")
"""Types of event that the book takes."""


@dataclass(frozen=True, slots=True)
class Load:
    """What became of a table: `reason` is None when it was accepted, else what to repair."""

    name: str
    edition: str
    rows: int
    reason: str | None = None


class ReferentialBook:
    """Mutable: `apply` and `delete` between batches, `snapshot` at the start of each."""

    def __init__(self, declarations: Iterable[Declaration] = DECLARATIONS) -> None:
        self._declarations = tuple(declarations)
        self._providers: dict[str, Provider] = {}
        self._crowd: Counter[tuple[str, str | None]] = Counter()
        self._registry: tuple[dict[str, Provider], dict[tuple[str, str | None], int]] | None = None
        self._liquidators: dict[str, Liquidator] = {}
        self._orders: dict[str, Order] = {}
        self._tables: dict[str, tuple[Edition, ...]] = {}
        self._rejected: set[str] = set()
        self._aged: frozenset[str] = frozenset()
        self._memo: dict[object, object] = {}
        self._snapshot: Referentials | None = None

    def apply(self, event: Envelope) -> Load | None:
        """Take one event in; a table answers with what became of it. Raises TypeError for another type."""
        self._snapshot = None
        if isinstance(event, Provider):
            self._forget(event.inpe)
            self._providers[event.inpe] = event
            self._crowd[event.kind, event.commune] += 1
        elif isinstance(event, Liquidator):
            self._liquidators[event.liquidator] = event
        elif isinstance(event, Order):
            self._orders[event.entity] = event
        elif isinstance(event, Referential | Policy):
            return self._load(event)
        else:
            raise TypeError(f"{event.type} {event.event_id}: the book takes {', '.join(KINDS)}")
        return None

    def delete(self, kind: str, key: str) -> None:
        """Take a tombstone in: the entry of that key is no more. Unknown keys are no error."""
        self._snapshot = None
        if kind == "provider":
            self._forget(key)
        elif kind == "liquidator":
            self._liquidators.pop(key, None)
        elif kind == "order":
            self._orders.pop(key, None)
        elif kind in ("referential", "policy"):
            name, _, edition = key.partition(":")
            left = tuple(e for e in self._tables.get(name, ()) if e.edition != edition)
            self._tables[name] = left
            if not left:
                del self._tables[name]
            self._memo = {}
        else:
            raise ValueError(f"tombstone of kind {kind!r}: expected one of {', '.join(KINDS)}")

    def age(self, names: Iterable[str]) -> None:
        """Set which tables are too old to hold on."""
        self._aged = frozenset(names)
        self._snapshot = None

    def snapshot(self) -> Referentials:
        """The state of the book; the same object until something changes."""
        if self._snapshot is None:
            if self._registry is None:  # the largest part by far: copied only when a provider changed
                self._registry = dict(self._providers), dict(self._crowd)
            self._snapshot = Referentials(
                providers=self._registry[0],
                crowd=self._registry[1],
                liquidators=dict(self._liquidators),
                orders=dict(self._orders),
                tables=dict(self._tables),
                declarations=self._declarations,
                stale=frozenset(self._rejected) | self._aged,
                memo=self._memo,
            )
        return self._snapshot

    def _forget(self, inpe: str) -> None:
        self._registry = None
        held = self._providers.pop(inpe, None)
        if held is not None:
            self._crowd[held.kind, held.commune] -= 1

    def _load(self, event: Table) -> Load:
        reason = self._accept(event)
        if reason is None:
            self._rejected.discard(event.name)
            self._memo = {}
        elif event.name in TABLES:
            self._rejected.add(event.name)
        return Load(event.name, event.edition, len(event.rows), reason)

    def _accept(self, event: Table) -> str | None:
        name = event.name
        if name not in TABLES:
            return f"name {name!r}: no such table; known: {', '.join(TABLES)}"
        if (name in POLICIES) != isinstance(event, Policy):
            return f"{name} travels as {'policy' if name in POLICIES else 'referential'}, not as {event.type}"
        if event.valid_to is not None and event.valid_to < event.valid_from:
            return f"valid_to {event.valid_to}: before valid_from {event.valid_from}"
        expected = checksum(event.rows)
        if event.checksum != expected:
            return f"checksum {event.checksum}: the rows give {expected}"
        try:
            rows = rows_of(event)
        except msgspec.ValidationError as error:
            return f"rows: {error}"
        clash = overlap(name, rows)
        if clash is not None:
            return f"rows[{clash[0]}]: {clash[1]} is there twice on one date"
        if name == "detectors":
            try:
                Thresholds(self._declarations, rows)
            except PolicyError as error:
                return f"rows: {error}"
        edition = Edition(name, event.edition, event.valid_from, event.valid_to, index_rows(name, rows))
        others = [e for e in self._tables.get(name, ()) if e.edition != event.edition]
        # a stable order whatever order they came in: two workers must resolve a date to the same edition
        others.append(edition)
        others.sort(key=lambda e: (e.valid_from, e.edition), reverse=True)
        self._tables[name] = tuple(others)
        return None
