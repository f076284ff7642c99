"""References between tables: a code that one table names has to stand in the other.

A reference is checked where the table that it points to is known, in any of its editions: the tables of a new
payer may come in any order. Providers and liquidators are registries of their own, and an entry of a registry may
come after the table that names it (wire contract): such references are not checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from detectors.loads.problem import Problem
from detectors.loads.sheet import Sheet
from schemas.referential import Row

POINTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "acts": (("letter", "letter_values"),),
    "act_pairs": (("code_1", "acts"), ("code_2", "acts")),
    "campaigns": (("communes", "communes"), ("acts", "acts")),
}
"""Table -> its columns that point to another table."""
TARGETS: Final = {"letter_values": "letter", "acts": "code", "communes": "commune"}
"""Table pointed to -> the column that has to hold the value."""
RANK: Final = {"letter_values": 0, "communes": 0, "acts": 1}
"""Of tables loaded at one instant, those pointed to count as loaded first."""
LAST_RANK: Final = 2


def points(name: str, rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, int]]:
    """What the rows point to: (column, table) -> value -> the first row that has it."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for column, table in POINTS.get(name, ()):
        values = found[column, table] = {}
        for index, row in enumerate(rows):
            value = getattr(row, column)
            for one in value if isinstance(value, tuple) else (value,):
                if one is not None:
                    values.setdefault(one, index)
    return found


def offers(name: str, rows: Sequence[Row]) -> frozenset[str]:
    """The values that other tables may point to; none for a table that is not pointed to."""
    column = TARGETS.get(name)
    return frozenset(getattr(row, column) for row in rows) if column else frozenset()


def dangling(sheet: Sheet, accepted: Mapping[str, Sequence[Sheet]]) -> Iterator[Problem]:
    """What the sheet points to and no edition in force has; a table without editions is not known."""
    for (column, table), values in sheet.points.items():
        if accepted.get(table):
            there = frozenset[str]().union(*(other.offers for other in accepted[table]))
            for value in values.keys() - there:
                wanted = f"a {TARGETS[table]} of the table {table}"
                yield Problem(column, value, wanted, values[value])
