"""One thing wrong with a load, and how a list of them is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FIRST: Final = 5
"""Problems that are written out where one line has to do; the others are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands where something else should. `row` counts from 0; None = it is about the table as a whole."""

    field: str
    value: str | None
    expected: str
    row: int | None = None
    twin: int | None = None
    """The other row that is concerned."""

    def told(self, lines: Sequence[int] | None = None) -> str:
        """One line of text. `lines` are the line numbers of the rows in the file that they come from."""
        where = f"{place(self.row, lines)}: " if self.row is not None else ""
        seen = "nothing" if self.value is None else repr(self.value)
        also = f" ({place(self.twin, lines)} has it too)" if self.twin is not None else ""
        return f"{where}{self.field}: {seen}, expected {self.expected}{also}"


def place(row: int, lines: Sequence[int] | None = None) -> str:
    """`line 7` of a file, `row 6` of a message."""
    return f"row {row + 1}" if lines is None else f"line {lines[row]}"


def summary(problems: Sequence[Problem], lines: Sequence[int] | None = None) -> str:
    """The first problems in one line, and how many more there are."""
    told = "; ".join(problem.told(lines) for problem in problems[:FIRST])
    more = len(problems) - FIRST
    return f"{told}; and {more} more" if more > 0 else told
