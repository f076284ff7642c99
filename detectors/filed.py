"""A claim, as far as its liquidation and its payment ask for it: small arrays that the state keeps."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec

from detectors.base import Context
from detectors.policy import Thresholds
from detectors.referentials import Referentials
from schemas.claim import Claim, Line
from schemas.enums import CARE_GROUPS, ClaimKind, Coverage, Flow, Nomenclature
from schemas.observation import Observation, date_of, day_number
from schemas.registries import Beneficiary


class FiledLine(msgspec.Struct, array_like=True, frozen=True):
    """A line of a claim, as far as its liquidation and payment ask for it."""

    line: int
    amount: int
    group: int  # index in CARE_GROUPS
    nomenclature: Nomenclature
    code: str
    quantity: float
    days: tuple[int, ...]  # of care
    letter: str | None = None
    coefficient: float | None = None
    executor: str | None = None
    performer: str | None = None
    place: str | None = None
    prescriber: str | None = None
    prescribed: int | None = None
    country: str | None = None
    modified: bool = False  # whether it bears modifiers, which may raise its tariff
    unit_price: int | None = None

    def wire(self) -> Line:
        """The line again, with what was kept of it."""
        days = tuple(map(date_of, self.days))
        return Line(
            line=self.line,
            care_group=CARE_GROUPS[self.group],
            nomenclature=self.nomenclature,
            code=self.code,
            quantity=self.quantity,
            unit="ACT",
            amount=self.amount,
            service_date=days[0],
            letter=self.letter,
            coefficient=self.coefficient,
            sessions=days if len(days) > 1 else None,
            executor=self.executor,
            performer=self.performer,
            place=self.place,
            prescriber=self.prescriber,
            prescribed_on=None if self.prescribed is None else date_of(self.prescribed),
            country=self.country,
            unit_price=self.unit_price,
        )


class About(NamedTuple):
    """The event for which a claim is looked at again."""

    event_id: str
    event_time: dt.datetime
    organism: str
    flow: Flow | None
    claim_id: str
    beneficiary: str


class Filed(msgspec.Struct, array_like=True, frozen=True):
    """A claim, as far as what follows it asks for it."""

    kind: ClaimKind
    insured: str
    deposit: int
    coverage: Coverage | None
    lines: tuple[FiledLine, ...]

    @classmethod
    def of(cls, claim: Claim) -> Filed:
        """What is kept of a claim."""
        lines = [
            FiledLine(
                line=line.line,
                amount=line.amount,
                group=CARE_GROUPS.index(line.care_group),
                nomenclature=line.nomenclature,
                code=line.code,
                quantity=line.quantity,
                days=tuple(map(day_number, line.sessions or (line.service_date,))),
                letter=line.letter,
                coefficient=line.coefficient,
                executor=line.executor,
                performer=line.performer,
                place=line.place,
                prescriber=line.prescriber,
                prescribed=None if line.prescribed_on is None else day_number(line.prescribed_on),
                country=line.country,
                modified=bool(line.modifiers),
                unit_price=line.unit_price,
            )
            for line in claim.lines
        ]
        return cls(claim.kind, claim.insured, day_number(claim.deposit_date), claim.coverage, tuple(lines))

    def context(
        self, about: About, person: Beneficiary | None, referentials: Referentials, thresholds: Thresholds
    ) -> Context:
        """What detectors may look at when nothing but the file and the registries is at hand."""
        seen = Observation(beneficiary=person)
        return Context(self.claim(about), seen, referentials, thresholds, None, {}, {})

    def claim(self, about: About) -> Claim:
        """The claim again, as it is looked at by what follows it, or once more."""
        return Claim(
            version=1,
            event_id=about.event_id,
            event_time=about.event_time,
            organism=about.organism,
            flow=about.flow,
            claim_id=about.claim_id,
            kind=self.kind,
            beneficiary=about.beneficiary,
            insured=self.insured,
            deposit_date=date_of(self.deposit),
            coverage=self.coverage,
            lines=tuple(line.wire() for line in self.lines),
        )
