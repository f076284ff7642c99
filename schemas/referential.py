"""Referentials and policies: the payer's own tables, loaded whole, one typed row struct per table.

An empty cell is None, *not known*; a row without `from` and `to` holds at any date, and rows of one key must
not overlap in time. Money in centimes, rates in percent, intervals in days.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from types import GenericAlias
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from schemas.enums import (
    CalendarKind,
    CapKind,
    CareGroup,
    ControlLevel,
    DetectorMode,
    Flow,
    ProviderKind,
    Sector,
    Sex,
    ToothClass,
)
from schemas.envelope import Centimes, Count, Envelope, Interval, Name, Percent, Ref, Share

Cap = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Age = Annotated[float, Meta(ge=0, le=150)]


class Table(Envelope, kw_only=True, frozen=True):
    """What a referential and a policy share: a name, an edition, a validity, a checksum and raw rows."""

    name: Name
    edition: Name
    valid_from: dt.date
    checksum: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}(?!\n)$")]
    rows: tuple[dict[str, Any], ...]
    valid_to: dt.date | None = None
    accept_loss: bool | None = None
    """Whoever loads it knows that it has fewer rows than the edition before it, and means it."""


class Referential(Table, kw_only=True, frozen=True, tag="referential"):
    """One edition of a table of facts (acts, drugs, communes, ...)."""


class Policy(Table, kw_only=True, frozen=True, tag="policy"):
    """One edition of a table of choices (the `detectors` table)."""


class ActRow(Interval, kw_only=True, frozen=True):
    """An act of the nomenclature; the key is (nomenclature, code). Caps count units, ages are years."""

    nomenclature: Name
    code: Name
    letter: Ref | None = None
    coefficient: Cap | None = None
    label_fr: str | None = None
    label_en: str | None = None
    care_group: CareGroup | None = None
    minutes: Cap | None = None
    allowed_kinds: tuple[ProviderKind, ...] | None = None
    needs_prescription: bool | None = None
    prior_approval: bool | None = None
    sex: Sex | None = None
    age_min: Age | None = None
    age_max: Age | None = None
    sex_age_absolute: bool | None = None
    once_in_life: bool | None = None
    repeatable_same_day: bool | None = None
    series: bool | None = None
    physical_presence: bool | None = None
    post_mortem: bool | None = None
    tooth_class: ToothClass | None = None
    device_class: Ref | None = None
    min_interval_days: Count | None = None
    min_interval_days_child: Count | None = None
    cap_line: Cap | None = None
    cap_day: Cap | None = None
    cap_7d: Cap | None = None
    cap_year: Cap | None = None
    cap_kind: CapKind | None = None
    flagged_self_referral: bool | None = None


class ActPairRow(Interval, kw_only=True, frozen=True):
    """Two acts that may not go together on one day; indicator 0 = never, 1 = with a modifier."""

    code_1: Name
    code_2: Name
    indicator: Annotated[int, Meta(ge=0, le=1)] | None = None
    reason: str | None = None


class LetterValueRow(Interval, kw_only=True, frozen=True):
    """What one unit of a key letter is worth, in centimes; None in kind, sector or organism = any."""

    letter: Name
    kind: ProviderKind | None = None
    sector: Sector | None = None
    organism: Ref | None = None
    value: Centimes | None = None


class RateRow(Interval, kw_only=True, frozen=True):
    """The share of the tariff that the organism pays, in percent."""

    organism: Ref | None = None
    care_group: CareGroup | None = None
    sector: Sector | None = None
    kind: ProviderKind | None = None
    rate: Percent | None = None


class DrugRow(Interval, kw_only=True, frozen=True):
    """A drug by its EAN-13: public price, hospital price and reimbursement base in centimes."""

    ean13: Name
    name: str | None = None
    dci: str | None = None
    dose: str | None = None
    form: str | None = None
    units_per_box: Cap | None = None
    ppv: Centimes | None = None
    ph: Centimes | None = None
    base_price: Centimes | None = None
    rate: Percent | None = None
    generic: bool | None = None
    atc: Ref | None = None
    brand: str | None = None
    ddd: Cap | None = None
    checksum_exempt: bool | None = None


class AldRow(Interval, kw_only=True, frozen=True):
    """A long-term illness with its rate in percent."""

    code: Name
    label_fr: str | None = None
    label_en: str | None = None
    rate: Percent | None = None
    essential: bool | None = None


class CalendarRow(Interval, kw_only=True, frozen=True):
    """A day that is not like the others; one date may be several kinds of day."""

    date: dt.date
    kind: CalendarKind
    label: str | None = None


class CommuneRow(Interval, kw_only=True, frozen=True):
    """A commune by the payer's own code; degrees WGS 84."""

    commune: Name
    name: str | None = None
    region: Ref | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    population: Count | None = None


class CampaignRow(Interval, kw_only=True, frozen=True):
    """An authorised campaign (screening, caravan): who, where, which acts."""

    campaign: Name
    provider: Ref | None = None
    communes: tuple[Name, ...] | None = None
    acts: tuple[Name, ...] | None = None


class CapacityRow(Interval, kw_only=True, frozen=True):
    """How many reviews a level of control can do in a day, and how long one takes."""

    level: ControlLevel
    speciality: Ref | None = None
    reviews_per_day: Cap | None = None
    minutes_per_review: Cap | None = None


class RoutingRow(Interval, kw_only=True, frozen=True):
    """The share (0..1) of an agency's files that a liquidator is given."""

    agency: Name
    liquidator: Name
    share: Share | None = None


class ThresholdRow(Interval, kw_only=True, frozen=True):
    """A control threshold of the payer, in centimes."""

    name: Name
    value: Centimes | None = None
    flow: Flow | None = None
    organism: Ref | None = None


class DeadlineRow(Interval, kw_only=True, frozen=True):
    """Days to file a claim and to pay it."""

    organism: Ref | None = None
    flow: Flow | None = None
    days_to_file: Count | None = None
    days_to_pay: Count | None = None


class DetectorRow(Interval, kw_only=True, frozen=True):
    """One setting of a detector: a parameter's value, or its mode, where flow, sector and organism apply."""

    code: Name
    parameter: Ref | None = None
    value: float | bool | str | None = None
    unit: str | None = None
    reason: str | None = None
    mode: DetectorMode | None = None
    flow: Flow | None = None
    sector: Sector | None = None
    organism: Ref | None = None


Row = Interval
"""Every row is an interval with columns."""

TABLES: Final[dict[str, type[Row]]] = {
    "acts": ActRow,
    "act_pairs": ActPairRow,
    "letter_values": LetterValueRow,
    "rates": RateRow,
    "drugs": DrugRow,
    "ald": AldRow,
    "calendar": CalendarRow,
    "communes": CommuneRow,
    "campaigns": CampaignRow,
    "capacity": CapacityRow,
    "routing": RoutingRow,
    "thresholds": ThresholdRow,
    "deadlines": DeadlineRow,
    "detectors": DetectorRow,
}
POLICIES: Final = frozenset({"detectors"})
"""Tables that travel as `policy`; the others are `referential`."""

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "acts": ("nomenclature", "code"),
    "act_pairs": ("code_1", "code_2"),
    "letter_values": ("letter", "kind", "sector", "organism"),
    "rates": ("organism", "care_group", "sector", "kind"),
    "drugs": ("ean13",),
    "ald": ("code",),
    "calendar": ("date", "kind"),
    "communes": ("commune",),
    "campaigns": ("campaign", "provider"),
    "capacity": ("level", "speciality"),
    "routing": ("agency", "liquidator"),
    "thresholds": ("name", "flow", "organism"),
    "deadlines": ("organism", "flow"),
    "detectors": ("code", "parameter", "flow", "sector", "organism"),
}
"""Columns that are unique at any date."""


def checksum(rows: Sequence[dict[str, Any]]) -> str:
    """`sha256:` and the hex digest of the rows as JSON with sorted keys, no spaces, in UTF-8."""
    text = json.dumps(list(rows), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def rows_of(table: Table) -> list[Any]:
    """The rows as structs of `TABLES[table.name]`.

    Raises KeyError on an unknown name, msgspec.ValidationError (naming `$[row].column`) on an ill-typed row.
    """
    rows: list[Any] = msgspec.convert(table.rows, GenericAlias(list, (TABLES[table.name],)))
    return rows


def clashes(name: str, rows: Sequence[Row | None]) -> Iterator[tuple[int, int, str]]:
    """Each row that shares its key with an earlier one on some date: its index, the earlier one's, the key as text.

    Rows that are None are left out: they could not be read.
    """
    spans: dict[tuple[Any, ...], list[tuple[dt.date, dt.date, int]]] = {}
    columns = KEYS[name]
    for index, row in enumerate(rows):
        if row is None:
            continue
        key = tuple(getattr(row, column) for column in columns)
        start, end = row.from_ or dt.date.min, row.to or dt.date.max
        earlier = spans.setdefault(key, [])
        for other_start, other_end, other in earlier:
            if start <= other_end and other_start <= end:
                yield index, other, ", ".join("any" if part is None else str(part) for part in key)
                break
        earlier.append((start, end, index))


def overlap(name: str, rows: Sequence[Row]) -> tuple[int, str] | None:
    """The first row (index, key as text) that shares its key with an earlier one on some date, else None."""
    return next(((index, key) for index, _, key in clashes(name, rows)), None)
