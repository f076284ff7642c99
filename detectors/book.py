"""The registries and tables as they are being read: takes events and tombstones, gives snapshots.

A load is checked before it is used (`detectors.loads`). One that is refused says why and where; the edition in
force stays, and its detectors propose a review instead of holding until a good load comes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from detectors.base import Declaration
from detectors.catalogue import DECLARATIONS
from detectors.loads.ledger import Ledger, Outcome
from detectors.loads.problem import Problem, summary
from detectors.loads.sheet import Sheet
from detectors.referentials import Edition, Referentials, index_rows
from schemas.control import Order
from schemas.envelope import Envelope
from schemas.referential import Policy, Referential, Table
from schemas.registries import Liquidator, Provider

KINDS: Final = ("provider", "liquidator", "referential", "policy", "order")
"""Types of event that the book takes."""


@dataclass(frozen=True, slots=True)
class Load:
    """What became of a table: `reason` is None when it was accepted, else what to repair, in one line."""

    name: str
    edition: str
    rows: int
    reason: str | None = None
    problems: tuple[Problem, ...] = ()


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
        self._ledger = Ledger(self._declarations)
        self._indexed: dict[int, Edition] = {}
        self._loads: tuple[tuple[str, str, str], ...] = ()
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
            self._ledger.drop(name, edition)
            self._sort()
        else:
            raise ValueError(f"tombstone of kind {kind!r}: expected one of {', '.join(KINDS)}")

    def refuse(self, name: str, edition: str, loaded: dt.datetime, problems: Sequence[Problem]) -> None:
        """Note a table that could not be read as one: what was in force stays, and nothing is held on it."""
        self._snapshot = None
        self._ledger.refuse(name, edition, loaded, problems)

    def outcomes(self) -> list[Outcome]:
        """What became of every load there is, in the order in which they were made."""
        return self._ledger.outcomes()

    def in_force(self, name: str) -> list[Sheet]:
        """The editions of a table in force, the one that counts first in front."""
        return sorted(self._ledger.accepted.get(name, ()), key=lambda one: one.place, reverse=True)

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
                stale=self._ledger.rejected() | self._aged,
                memo=self._memo,
                loads=self._loads,
            )
        return self._snapshot

    def _forget(self, inpe: str) -> None:
        self._registry = None
        held = self._providers.pop(inpe, None)
        if held is not None:
            self._crowd[held.kind, held.commune] -= 1

    def _load(self, event: Table) -> Load:
        outcome = self._ledger.take(event)
        self._sort()
        return Load(
            event.name,
            event.edition,
            len(event.rows),
            summary(outcome.problems) or None,
            outcome.problems,
        )

    def _sort(self) -> None:
        """The editions in force, the one that counts first in front: a stable order whatever order they came in."""
        tables: dict[str, tuple[Edition, ...]] = {}
        for name, sheets in self._ledger.accepted.items():
            ordered = sorted(sheets, key=lambda sheet: sheet.place, reverse=True)
            tables[name] = tuple(self._indexed.get(id(sheet)) or _edition(sheet) for sheet in ordered)
            for sheet, edition in zip(ordered, tables[name], strict=True):
                self._indexed[id(sheet)] = edition
        in_force = {id(sheet) for sheets in self._ledger.accepted.values() for sheet in sheets}
        self._indexed = {number: one for number, one in self._indexed.items() if number in in_force}
        self._tables, self._memo = tables, {}
        self._loads = tuple(
            (name, sheet.edition, sheet.checksum)
            for name, sheets in sorted(self._ledger.accepted.items())
            for sheet in sorted(sheets, key=lambda one: one.place)
        )


def _edition(sheet: Sheet) -> Edition:
    rows = index_rows(sheet.name, sheet.rows)
    return Edition(sheet.name, sheet.edition, sheet.valid_from, sheet.valid_to, rows)
