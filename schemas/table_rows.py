"""Every row of a table that breaks a rule of form, for whoever made the table.

A worker stops at the first fault of a message (`schemas.rules`); here a row that cannot be read does not keep the
next one from being read, and each fault says where, what stands there and what should.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from schemas import reading, rules
from schemas.expectation import wanted
from schemas.referential import KEYS, TABLES, Row, clashes

MAX_VALUE: Final = 64
"""Characters of an offending value that are repeated."""
UNIQUE: Final = "a key that is there once on any date"
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(kind.__struct_encode_fields__) for name, kind in TABLES.items()
}
"""The columns of each table as messages and files name them."""


class RowFault(NamedTuple):
    """One thing wrong with one row, which is counted from 0; `value` is None where nothing stands."""

    row: int
    field: str
    value: str | None
    expected: str
    twin: int | None = None
    """The other row of a key that is there twice."""


def read_rows(
    name: str, rows: Sequence[Mapping[str, Any]], *, text: bool = False
) -> tuple[list[Row | None], list[RowFault]]:
    """The rows as structs, None for one that cannot be read, and every fault in the order of the rows.

    Types, ranges, dates, columns that no table has, and keys that are there twice on one date. Args:
        text: the values are text, as in CSV: numbers, dates and switches are read from it.
    Raises KeyError for an unknown table.
    """
    kind, columns = TABLES[name], frozenset(COLUMNS[name])
    typed: list[Row | None] = []
    faults: list[RowFault] = []
    for index, row in enumerate(rows):
        try:
            struct: Row = msgspec.convert(row, kind, strict=not text)
        except msgspec.ValidationError as error:
            told = reading.explain(error, row, kind, {})
            expected = _words(told.expected or wanted(kind, ""))
            faults.append(RowFault(index, told.field or "", told.value, expected))
            typed.append(None)
            continue
        typed.append(struct)
        for column in row.keys() - columns:
            faults.append(RowFault(index, column, None, "one of " + ", ".join(COLUMNS[name])))
        fault = rules.days_fault(struct, "")
        if fault is not None:
            faults.append(RowFault(index, fault.field, fault.value, fault.expected))
    for index, other, key in clashes(name, typed):
        faults.append(RowFault(index, ", ".join(KEYS[name]), key[:MAX_VALUE], UNIQUE, other))
    return typed, sorted(faults, key=lambda fault: fault.row)


def _words(expected: str) -> str:
    """The decoder's names of types as words: `int | null` is a whole number, and a cell may always be empty."""
    for name, words in _TYPES:
        if expected.removesuffix(" | null").partition(" ")[0] == name:
            bounds = expected.removesuffix(" | null")[len(name) :]
            return words + re.sub(r"\.0$", "", bounds)
    return expected


_TYPES: Final = (("int", "a whole number"), ("float", "a number"), ("bool", "true or false"), ("str", "text"))
