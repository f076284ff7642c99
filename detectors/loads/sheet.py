"""One edition of one table as its checks see it, and the order in which editions follow each other."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Final

from schemas.referential import Row

_NUMBERS: Final = re.compile(r"([0-9]+)")
Natural = tuple[tuple[int, int, str], ...]


def natural(edition: str) -> Natural:
    """The order of edition names: "2026-9" comes before "2026-10"."""
    parts = _NUMBERS.split(edition)
    return tuple((0, int(part), "") if _NUMBERS.fullmatch(part) else (1, 0, part) for part in parts if part)


def alike(edition: str, other: str) -> bool:
    """Whether two names differ in their numbers only, so that one of them says that it comes first."""
    return _NUMBERS.sub("#", edition) == _NUMBERS.sub("#", other)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Readable rows with what the message says of them. `loaded` is the message's event_time."""

    name: str
    edition: str
    valid_from: dt.date
    valid_to: dt.date | None
    loaded: dt.datetime
    checksum: str
    rows: tuple[Row, ...]
    accept_loss: bool = False
    points: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """(column, table it points to) -> value -> first row that has it."""
    keys: int = 0
    """Different keys among the rows: rows that only tell a key's earlier prices apart do not count."""
    offers: frozenset[str] = frozenset()
    """The values that other tables may point to."""

    @property
    def place(self) -> tuple[dt.date, Natural]:
        """Where the edition stands among the editions of its table: of two that cover a day, the later one counts."""
        return self.valid_from, natural(self.edition)
