"""The payer's tables and registries as one snapshot: what was in force at a date of care.

A table that was never loaded is not known, and so is one whose editions do not reach back to the day asked
for: a detector that needs it answers `cannot_check`. A snapshot does not change; the book that makes it is
`detectors.book`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from detectors.policy import Thresholds
from schemas.referential import (
    ActPairRow,
    ActRow,
    AldRow,
    CalendarRow,
    CampaignRow,
    CapacityRow,
    CommuneRow,
    DeadlineRow,
    DrugRow,
    LetterValueRow,
    RateRow,
    Row,
    ThresholdRow,
)

if TYPE_CHECKING:
    from detectors.base import Declaration
    from schemas.control import Order
    from schemas.registries import Liquidator, Provider

LOOKED: Final = 100_000
"""Acts, and drugs, by day that are remembered before all are let go: about 20 MB each."""
ZONE: Final = "Africa/Casablanca"  # its offset changes during Ramadan
_TWO_COLUMNS: Final = {"acts": ("nomenclature", "code"), "act_pairs": ("code_1", "code_2")}
_FIRST_COLUMN: Final = {
    "letter_values": "letter",
    "rates": "organism",
    "drugs": "ean13",
    "ald": "code",
    "calendar": "date",
    "communes": "commune",
    "campaigns": "provider",
    "capacity": "level",
    "routing": "agency",
    "thresholds": "name",
    "deadlines": "organism",
    "detectors": "code",
}


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of one table, indexed by its look-up columns."""

    name: str
    edition: str
    valid_from: dt.date
    valid_to: dt.date | None
    index: Mapping[Any, tuple[Row, ...]]

    def covers(self, day: dt.date) -> bool:
        """Whether the edition is in force on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def index_rows(name: str, rows: Sequence[Row]) -> dict[Any, tuple[Row, ...]]:
    """Rows by what they are looked up by: two columns for acts and their pairs, else the first."""
    index: dict[Any, tuple[Row, ...]] = {}
    columns = _TWO_COLUMNS.get(name)
    for row in rows:
        key = tuple(getattr(row, c) for c in columns) if columns else getattr(row, _FIRST_COLUMN[name])
        index[key] = (*index.get(key, ()), row)
    return index


@dataclass(slots=True)
class Referentials:
    """Everything a detector may look up, fixed for a batch."""

    providers: Mapping[str, Provider] = field(default_factory=dict)
    crowd: Mapping[tuple[str, str | None], int] = field(default_factory=dict)  # (kind, commune) -> providers
    liquidators: Mapping[str, Liquidator] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)  # the last one of each entity
    tables: Mapping[str, tuple[Edition, ...]] = field(default_factory=dict)  # latest valid_from first
    declarations: Sequence[Declaration] = ()
    coverage: Mapping[str, float] = field(
        default_factory=dict
    )  # provider kind -> share of lines with an INPE, 7 d
    stale: frozenset[str] = frozenset()  # tables whose last load was rejected, or that are too old
    memo: dict[Any, Any] = field(
        default_factory=dict
    )  # derived from the tables alone; lives as long as they do
    looked: dict[tuple[str, str, dt.date], ActRow | None] = field(
        default_factory=dict
    )  # acts looked up so far: a batch asks for each of them again and again
    listed: dict[tuple[str, dt.date], DrugRow | None] = field(default_factory=dict)  # drugs, likewise
    loads: tuple[tuple[str, str, str], ...] = ()  # (table, edition, checksum) of what is in force
    read: Mapping[str, int] = field(default_factory=dict)  # partition of a topic of tables -> next offset
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(ZONE))

    # -- editions

    def known(self, name: str, day: dt.date | None = None) -> bool:
        """Whether the table was ever loaded; with a day, whether an edition was in force then."""
        editions = self.tables.get(name, ())
        if day is None:
            return bool(editions)
        for edition in editions:
            if edition.valid_from <= day and (edition.valid_to is None or day <= edition.valid_to):
                return True
        return False

    @property
    def editions(self) -> dict[str, str]:
        """Table -> its editions, newest first, joined by commas: what a verdict names."""
        held: dict[str, str] | None = self.memo.get("editions")
        if held is None:
            held = {
                name: ",".join(e.edition for e in editions) for name, editions in sorted(self.tables.items())
            }
            self.memo["editions"] = held
        return held

    def rows(self, name: str, key: Any, day: dt.date) -> Iterator[Any]:
        """The rows of a key in force on that day, from the latest edition that covers it."""
        for edition in self.tables.get(name, ()):
            if edition.covers(day):
                for row in edition.index.get(key, ()):
                    if row.covers(day):
                        yield row
                return

    def all_rows(self, name: str, day: dt.date) -> Iterator[Any]:
        """Every row in force on that day."""
        for edition in self.tables.get(name, ()):
            if edition.covers(day):
                for rows in edition.index.values():
                    for row in rows:
                        if row.covers(day):
                            yield row
                return

    def _one(self, name: str, key: Any, day: dt.date) -> Any:
        for edition in self.tables.get(name, ()):
            if edition.valid_from <= day and (edition.valid_to is None or day <= edition.valid_to):
                for row in edition.index.get(key, ()):
                    if (row.from_ is None or row.from_ <= day) and (row.to is None or day <= row.to):
                        return row
                return None
        return None

    # -- tables

    def act(self, nomenclature: str, code: str, day: dt.date) -> ActRow | None:
        """The act as it stood on that day."""
        of = (nomenclature, code, day)
        try:
            return self.looked[of]
        except KeyError:
            if len(self.looked) >= LOOKED:
                self.looked.clear()
            row: ActRow | None = self._one("acts", (nomenclature, code), day)
            self.looked[of] = row
            return row

    def drug(self, ean13: str, day: dt.date) -> DrugRow | None:
        """The drug as it was listed on that day."""
        of = (ean13, day)
        try:
            return self.listed[of]
        except KeyError:
            if len(self.listed) >= LOOKED:
                self.listed.clear()
            row: DrugRow | None = self._one("drugs", ean13, day)
            self.listed[of] = row
            return row

    def drug_prices(self, ean13: str, first: dt.date, last: dt.date) -> set[int]:
        """Every public price (centimes) that was in force on some day of [first, last]."""
        spans = range((last - first).days + 1)
        rows = (self.drug(ean13, first + dt.timedelta(days=offset)) for offset in spans)
        return {row.ppv for row in rows if row is not None and row.ppv is not None}

    def pair(self, code_1: str, code_2: str, day: dt.date) -> ActPairRow | None:
        """The rule on two acts, whichever way round the table names them."""
        row: ActPairRow | None = self._one("act_pairs", (code_1, code_2), day)
        if row is None:
            row = self._one("act_pairs", (code_2, code_1), day)
        return row

    def unpaired(self, code: str, day: dt.date) -> bool:
        """Whether it is known that the act goes with any other on that day: of most acts no pair says a thing."""
        codes: frozenset[str] | None = self.memo.get("paired")
        if codes is None:
            keys = [key for edition in self.tables.get("act_pairs", ()) for key in edition.index]
            codes = self.memo["paired"] = frozenset(code for key in keys for code in key)
        return code not in codes and self.known("act_pairs", day)

    def letter_value(
        self, letter: str, day: dt.date, kind: str | None, sector: str | None, organism: str | None
    ) -> int | None:
        """Centimes of one unit of a key letter; the row that names most of what applies wins."""
        best: tuple[int, int] | None = None
        row: LetterValueRow
        for row in self.rows("letter_values", letter, day):
            fits = [(row.kind, kind), (row.sector, sector), (row.organism, organism)]
            if row.value is None or any(wanted not in (None, actual) for wanted, actual in fits):
                continue
            named = sum(wanted is not None for wanted, _ in fits)
            if best is None or named > best[0]:
                best = (named, row.value)
        return None if best is None else best[1]

    def ald(self, code: str, day: dt.date) -> AldRow | None:
        """A long-term illness."""
        row: AldRow | None = self._one("ald", code, day)
        return row

    def commune(self, code: str, day: dt.date) -> CommuneRow | None:
        """A commune by the payer's code."""
        row: CommuneRow | None = self._one("communes", code, day)
        return row

    def region(self, commune: str | None) -> str | None:
        """The region of a commune by the latest edition that names it; None where that is not known."""
        for edition in self.tables.get("communes", ()):
            for row in edition.index.get(commune, ()):
                if isinstance(row, CommuneRow):
                    return row.region
        return None

    def calendar(self, day: dt.date) -> tuple[CalendarRow, ...]:
        """What kinds of day this one is; empty for an ordinary day."""
        return tuple(self.rows("calendar", day, day))

    def campaigns(self, inpe: str, day: dt.date) -> Iterator[CampaignRow]:
        """Authorised campaigns open on that day to this provider, or to any."""
        yield from self.rows("campaigns", inpe, day)
        yield from self.rows("campaigns", None, day)

    def capacity(self, level: str, day: dt.date) -> tuple[CapacityRow, ...]:
        """The capacity rows of a level of control."""
        return tuple(self.rows("capacity", level, day))

    def control_thresholds(self, name: str, day: dt.date) -> tuple[ThresholdRow, ...]:
        """The payer's control thresholds of that name."""
        return tuple(self.rows("thresholds", name, day))

    def deadline(self, organism: str, flow: str | None, day: dt.date) -> DeadlineRow | None:
        """Filing and payment deadlines: the organism's own row before the general one."""
        asked = ("deadline", organism, flow, day)
        if asked not in self.memo:
            rows = [row for key in (organism, None) for row in self.rows("deadlines", key, day)]
            self.memo[asked] = next((row for row in rows if row.flow in (None, flow)), None)
        found: DeadlineRow | None = self.memo[asked]
        return found

    def rate(
        self, organism: str, care_group: str, day: dt.date, sector: str | None, kind: str | None
    ) -> float | None:
        """The share of the tariff paid, percent."""
        row: RateRow
        for key in (organism, None):
            for row in self.rows("rates", key, day):
                if (
                    row.care_group in (None, care_group)
                    and row.sector in (None, sector)
                    and row.kind in (None, kind)
                ):
                    return row.rate
        return None

    # -- registries

    def provider(self, inpe: str) -> Provider | None:
        """The registry entry of an INPE."""
        return self.providers.get(inpe)

    def order(self, entity: str, day: dt.date) -> Order | None:
        """The human order in force on that day against `provider:INPE`, `network:ID`, `beneficiary:ID`."""
        order = self.orders.get(entity)
        if order is None or order.lifted_by is not None or order.from_ > day:
            return None
        return order if order.to is None or day <= order.to else None

    def sole_of_kind(self, inpe: str) -> bool:
        """Whether no other provider of this kind is registered in its commune; False if not known."""
        provider = self.providers.get(inpe)
        if provider is None or provider.commune is None:
            return False
        return self.crowd.get((provider.kind, provider.commune), 0) <= 1

    # -- policy and time

    def thresholds(self, day: dt.date) -> Thresholds:
        """The `detectors` policy in force on that day, else the declared defaults."""
        key = ("thresholds", day)
        found: Thresholds | None = self.memo.get(key)
        if found is None:
            found = self.memo[key] = Thresholds(self.declarations, self.all_rows("detectors", day))
        return found

    def local_date(self, instant: dt.datetime) -> dt.date:
        """The calendar date of an instant where the payer lives."""
        return instant.astimezone(self.zone).date()
