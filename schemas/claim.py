"""A claim (dossier): care to pay for or a request, with its lines and the documents that came with it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta

from schemas.enums import (
    CareGroup,
    ClaimAction,
    ClaimKind,
    Coverage,
    Discharge,
    DocumentType,
    Nomenclature,
    Side,
    Unit,
)
from schemas.envelope import (
    Centimes,
    Count,
    Country,
    Envelope,
    EventId,
    Interval,
    LineNumber,
    LocalTime,
    Name,
    Part,
    Quantity,
    Ref,
    Text,
)

Tooth = Annotated[int, Meta(ge=1, le=99)]
"""Two digits; whether they name a tooth of the FDI notation is a warning, a common typing error."""


class Document(Part, kw_only=True, frozen=True):
    """A paper or its image; `lines` None = it serves the whole claim, `date` None = the deposit's year."""

    type: DocumentType
    number: Ref | None = None
    issuer: Ref | None = None
    date: dt.date | None = None
    hash: Ref | None = None
    renewals: Count | None = None
    lines: tuple[LineNumber, ...] | None = None


class SickLeave(Part, kw_only=True, frozen=True):
    """What a daily-allowance claim (kind IJ) says of the leave. `daily_wage` in centimes."""

    employer: Ref | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    extends: Ref | None = None
    contribution_days: Count | None = None
    daily_wage: Centimes | None = None


class Line(Part, kw_only=True, frozen=True):
    """One act, box, session or stay. Amounts in centimes; `service_time` is local, of `Africa/Casablanca`."""

    line: LineNumber
    care_group: CareGroup
    nomenclature: Nomenclature
    code: Name
    quantity: Quantity
    unit: Unit
    amount: Centimes
    service_date: dt.date
    letter: Ref | None = None
    coefficient: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    unit_price: Centimes | None = None
    service_time: LocalTime | None = None
    service_end: dt.date | None = None
    sessions: tuple[dt.date, ...] | None = None
    executor: Ref | None = None
    performer: Ref | None = None
    place: Ref | None = None
    prescriber: Ref | None = None
    prescription: Ref | None = None
    prescribed_on: dt.date | None = None
    country: Country | None = None
    teeth: tuple[Tooth, ...] | None = None
    side: Side | None = None
    modifiers: tuple[Name, ...] | None = None
    posology_per_day: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    duration_days: Count | None = None
    diagnosis: Ref | None = None
    ald: Ref | None = None
    prior_approval: Ref | None = None
    discharge: Discharge | None = None
    leaves: tuple[Interval, ...] | None = None


class Claim(Envelope, kw_only=True, frozen=True, tag="claim"):
    """A claim as submitted, corrected or cancelled. `lines` is empty only for CANCEL and for requests."""

    claim_id: Name
    kind: ClaimKind
    beneficiary: Name
    insured: Name
    deposit_date: dt.date
    action: ClaimAction = "SUBMIT"
    replaces: EventId | None = None
    coverage: Coverage | None = None
    declared_total: Centimes | None = None
    contact: Text | None = None
    batch: Ref | None = None
    documents: tuple[Document, ...] | None = None
    sick_leave: SickLeave | None = None
    lines: tuple[Line, ...] = ()
