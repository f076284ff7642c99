"""What a new edition changes: keys that come, go, or say something else than before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from schemas.referential import KEYS, Row

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One key that is not as it was. `row` is the first row of the new edition that has it; None where it is gone."""

    kind: Literal["added", "removed", "changed"]
    key: Key
    row: int | None = None
    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Column -> what stood there and what stands there now; empty where the number of periods differs."""
    periods: tuple[int, int] = (1, 1)
    """Rows of the key before and now."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All of them, in the order of the keys."""

    changes: tuple[Change, ...]
    same: int
    """Keys that are as they were."""

    def of(self, kind: str) -> list[Change]:
        """Those of one kind."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def columns(self) -> dict[str, int]:
        """Column -> how many keys say something else there, the most frequent first."""
        counts = Counter(column for change in self.changes for column in change.columns)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def compare(name: str, before: Sequence[Row], after: Sequence[Row]) -> Changes:
    """What `after` changes of `before`, two editions of the table of that name; rows in any order."""
    old, new = _keyed(name, before), _keyed(name, after)
    changes: list[Change] = []
    same = 0
    for key in sorted(old.keys() | new.keys(), key=lambda key: tuple(map(str, key))):
        had, has = old.get(key, []), new.get(key, [])
        periods = len(had), len(has)
        if not had:
            changes.append(Change("added", key, has[0][0], periods=periods))
        elif not has:
            changes.append(Change("removed", key, periods=periods))
        elif [row for _, row in had] == [row for _, row in has]:
            same += 1
        else:
            columns = _differing([row for _, row in had], [row for _, row in has])
            changes.append(Change("changed", key, has[0][0], columns, periods))
    return Changes(tuple(changes), same)


def _keyed(name: str, rows: Sequence[Row]) -> dict[Key, list[tuple[int, Row]]]:
    """The rows of each key with their places, the earliest period first."""
    keyed: dict[Key, list[tuple[int, Row]]] = {}
    for index, row in enumerate(rows):
        keyed.setdefault(tuple(getattr(row, column) for column in KEYS[name]), []).append((index, row))
    for group in keyed.values():
        if len(group) > 1:
            group.sort(key=lambda pair: (pair[1].from_ is not None, pair[1].from_))
    return keyed


def _differing(before: Sequence[Row], after: Sequence[Row]) -> dict[str, tuple[Any, Any]]:
    """The columns in which rows differ: what stood there first, and what stands there first now.

    Nothing where there are more periods than before, or fewer: which one follows which is not known.
    """
    columns: dict[str, tuple[Any, Any]] = {}
    if len(before) != len(after):
        return columns
    for old, new in zip(before, after, strict=True):
        for attribute, column in zip(old.__struct_fields__, old.__struct_encode_fields__, strict=True):
            was, now = getattr(old, attribute), getattr(new, attribute)
            if was != now and column not in columns:
                columns[column] = (msgspec.to_builtins(was), msgspec.to_builtins(now))
    return columns
