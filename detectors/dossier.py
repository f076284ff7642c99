"""A claim as a whole, as liquidations and payments meet it: what was claimed, done, paid, and what holds it.

The small arrays are what the state keeps of each event; `Dossier` puts them together. Amounts are centimes, days
day numbers, instants UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from schemas.claim import Claim, Line
from schemas.enums import (
    CARE_GROUPS,
    ClaimKind,
    Coverage,
    Flow,
    LiquidationAction,
    Nomenclature,
    Payee,
    PaymentStatus,
)
from schemas.liquidation import Liquidation
from schemas.observation import date_of, day_number
from schemas.payment import Payment

PRICING: Final = ("COMPUTE", "MODIFY", "OVERRIDE", "VALIDATE")
"""Steps whose amounts are what the claim pays from then on."""
LEFT: Final = ("ORDERED", "PAID")


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
            )
            for line in claim.lines
        ]
        return cls(claim.kind, claim.insured, day_number(claim.deposit_date), claim.coverage, tuple(lines))

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


class Step(msgspec.Struct, array_like=True, frozen=True):
    """A liquidation step. `line` None = the whole claim."""

    action: LiquidationAction
    liquidator: str
    at: dt.datetime
    line: int | None = None
    base: int | None = None
    complementary: int | None = None
    payee: Payee | None = None
    payee_inpe: str | None = None
    account: str | None = None
    cancels: str | None = None

    @classmethod
    def of(cls, event: Liquidation) -> Step:
        """What is kept of a step."""
        return cls(
            event.action,
            event.liquidator,
            event.event_time,
            event.line,
            event.base_amount,
            event.complementary_amount,
            event.payee,
            event.payee_inpe,
            event.bank_account,
            event.cancels,
        )

    def restates(self, line: int | None, at: dt.datetime) -> bool:
        """Whether the step says anew what this line (None: the whole claim) pays, after that instant."""
        return self.at > at and self.line == line and self.action in PRICING and self.base is not None

    def meets(self, line: int | None) -> bool:
        """Whether the step is about this line (None: any)."""
        return self.line is None or line is None or self.line == line


class Part(msgspec.Struct, array_like=True, frozen=True):
    """What a payment pays of one line (None: it does not say which)."""

    line: int | None
    base: int | None = None
    complementary: int | None = None


class Paid(msgspec.Struct, array_like=True, frozen=True):
    """An event of a payment. `held`: its lines that are kept back; None: all that it pays."""

    payment_id: str
    status: PaymentStatus
    at: dt.datetime
    base: int
    complementary: int
    parts: tuple[Part, ...] = ()
    held: tuple[int, ...] | None = ()

    @classmethod
    def of(cls, event: Payment, held: tuple[int, ...] | None = ()) -> Paid:
        """What is kept of a payment."""
        parts = tuple(
            Part(line.line, line.base_amount, line.complementary_amount) for line in event.lines or ()
        )
        if len(parts) == 1 and parts[0].base is None:
            parts = (Part(parts[0].line, event.base_amount, event.complementary_amount),)
        return cls(
            event.payment_id,
            event.status,
            event.event_time,
            event.base_amount,
            event.complementary_amount or 0,
            parts,
            held,
        )

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines that it pays; empty where it does not say, or not of all its parts: any."""
        named = [part.line for part in self.parts if part.line is not None]
        return tuple(named) if len(named) == len(self.parts) else ()

    def leaves(self) -> tuple[Part, ...]:
        """The parts of it that have left or may leave."""
        if self.status not in LEFT or (self.status == "ORDERED" and self.held is None):
            return ()
        kept = set(self.held or ()) if self.status == "ORDERED" else set()
        parts = self.parts or (Part(None, self.base, self.complementary),)
        return tuple(part for part in parts if part.line is None or part.line not in kept)


class Due(NamedTuple):
    """What was liquidated; None = no step says."""

    base: int | None
    complementary: int | None


class PaidTo(NamedTuple):
    """Who is paid, as far as it is known."""

    payee: Payee | None = None
    inpe: str | None = None
    account: str | None = None

    def over(self, before: PaidTo) -> PaidTo:
        """This, and where it does not say, what was said before."""
        return PaidTo(
            before.payee if self.payee is None else self.payee,
            before.inpe if self.inpe is None else self.inpe,
            before.account if self.account is None else self.account,
        )


NOBODY: Final = PaidTo()


class Hold(NamedTuple):
    """An open answer that keeps money back: which lines (none = all), why, and until when."""

    lines: tuple[int, ...]
    purpose: str | None
    expires_at: dt.datetime | None
    on_expiry: str | None
    of: str  # type of the event that is held
    verdict_id: str

    def blocks(self, paid: Collection[int], at: dt.datetime) -> bool:
        """Whether it keeps a payment of these lines (none = all) back at that instant."""
        if self.expires_at is not None and at >= self.expires_at and self.on_expiry != "ESCALATE":
            return False  # the hold has lapsed, and its row says that the money may go
        return not paid or not self.lines or bool(set(paid) & set(self.lines))


@dataclass(slots=True)
class Liquidated:
    """What the live steps say together: the whole claim's amounts, those of lines priced since, and who is paid."""

    lines: dict[int, Due] = field(default_factory=dict)
    whole: Due | None = None
    payee: dict[int | None, PaidTo] = field(default_factory=dict)
    """Line (None: the whole claim) -> who is paid for it"""

    def due(self, line: int) -> Due | None:
        """What a line may be paid; None where no step has its amounts."""
        return self.lines.get(line, self.whole)

    def paid_to(self, line: int | None) -> PaidTo:
        """Who is to be paid, as far as the steps say."""
        return self.payee.get(line, NOBODY).over(self.payee.get(None, NOBODY))


@dataclass(slots=True)
class Dossier:
    """Everything known of a claim when something that follows it is answered."""

    filed: Filed | None = None
    screened: bool = False  # whether the claim itself has a verdict that stands
    cancelled: bool = False
    valid_until: dt.datetime | None = None  # of the newest release
    codes: frozenset[str] = frozenset()  # of the claim's reasons: what its verdict has weighed already
    holds: tuple[Hold, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)  # id of a live verdict -> its decision
    steps: Mapping[str, Step] = field(default_factory=dict)  # by event id, cancelled ones too
    payments: Mapping[str, Paid] = field(default_factory=dict)  # by event id

    def blocking(self, paid: Collection[int], at: dt.datetime) -> list[Hold]:
        """What keeps a payment of these lines (none = all) back at that instant."""
        return [hold for hold in self.holds if hold.blocks(paid, at)]

    def live(self) -> dict[str, Step]:
        """The steps that no cancellation took back, by time. One that names no event takes back what was before it."""
        gone = {step.cancels for step in self.steps.values() if step.cancels is not None}
        sweeps = [s for s in self.steps.values() if s.action == "CANCEL" and s.cancels is None]
        ordered = sorted(self.steps.items(), key=lambda one: (one[1].at, one[0]))
        return {
            name: step
            for name, step in ordered
            if step.action != "CANCEL"
            and name not in gone
            and not any(
                step.at < sweep.at and (sweep.line is None or sweep.line == step.line) for sweep in sweeps
            )
        }

    def liquidated(self) -> Liquidated:
        """What the claim pays: each step restates what it is about, the whole claim or one line."""
        said = Liquidated()
        for step in self.live().values():
            if step.action not in PRICING:
                continue
            now = PaidTo(step.payee, step.payee_inpe, step.account)
            said.payee[step.line] = now.over(said.payee.get(step.line, NOBODY))
            if step.base is None and step.complementary is None:
                continue
            known = (said.whole if step.line is None else said.lines.get(step.line)) or Due(None, None)
            due = Due(
                known.base if step.base is None else step.base,
                known.complementary if step.complementary is None else step.complementary,
            )
            if step.line is None:
                said.whole, said.lines = due, {}
            else:
                said.lines[step.line] = due
        return said

    def left(self, payment_id: str | None = None) -> list[Part]:
        """What has left or may leave by other payments than this one: each counts by its last event."""
        last: dict[str, Paid] = {}
        for paid in sorted(
            self.payments.values(), key=lambda one: (one.at, one.status not in LEFT, one.status)
        ):
            last[paid.payment_id] = paid
        return [part for name, paid in last.items() if name != payment_id for part in paid.leaves()]
