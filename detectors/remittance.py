"""D05 and Y01: is what is paid what was screened, once, to whom it was screened for?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.dossier import Dossier
from detectors.followers import FollowerContext
from detectors.settlement import Paid, Part
from schemas.liquidation import Liquidation
from schemas.payment import Payment

Results = Iterator[Finding | CannotCheck]


class Excess(NamedTuple):
    """A part of a payment beyond what was liquidated. `line` None: the payment as a whole. Centimes."""

    line: int | None
    asked: int
    due: int
    before: int


def excesses(dossier: Dossier, paid: Paid) -> list[Excess]:
    """Where a payment asks more than was liquidated, base and complementary parts apart, others' payments counted."""
    said, left = dossier.liquidated(), dossier.left(paid.payment_id)
    found: list[Excess] = []
    for column in (0, 1):

        def of(part: Part, column: int = column) -> int:
            return (part.complementary if column else part.base) or 0

        for line, due in said.lines.items():
            asked = sum(of(part) for part in paid.parts if part.line == line)
            before = sum(of(part) for part in left if part.line == line)
            _add(found, line, asked, due[column] or 0, before)
        total = paid.complementary if column else paid.base
        told = sum(map(of, paid.parts))
        if paid.parts and all(part.base is not None for part in paid.parts) and total > told:
            found.append(Excess(None, total, told, 0))
        if said.whole is not None:
            whole = said.whole[column] or 0
            _add(found, None, total, whole, sum(map(of, left)))
        elif not paid.lines and said.lines:
            _add(found, None, total, sum(due[column] or 0 for due in said.lines.values()), sum(map(of, left)))
    return found


def _add(found: list[Excess], line: int | None, asked: int, due: int, before: int) -> None:
    if asked > 0 and asked + before > due:
        found.append(Excess(line, asked, due, before))


class DoublePayment:
    """D05."""

    declaration = Declaration(
        code="D05",
        label_fr="Double liquidation ou double paiement",
        label_en="Double liquidation or payment",
        label_ar="تصفية مزدوجة أو أداء مزدوج",
        nature="INT",
        hard=True,
        weight=0.95,
        axis="arrival",
        reads=("liquidation.action", "payment.base_amount", "payment.complementary_amount", "payment.lines"),
        windows=("the claim's steps and payments",),
        kinds=(),
        follows=("liquidation", "payment"),
        caveats_fr=(
            "Paiement partiel puis solde : seule la somme compte",
            "Validation annulée avant la seconde",
        ),
        caveats_en=("Part payment, then the balance: only the sum counts", "First validation cancelled"),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """A second validation without a cancellation; payments whose sum exceeds what was liquidated."""
        event = context.event
        if isinstance(event, Liquidation):
            yield from self._validation(context, event)
        elif event.status in ("ORDERED", "PAID"):
            yield from self._sum(context, event)

    @staticmethod
    def _validation(context: FollowerContext, event: Liquidation) -> Results:
        if event.action != "VALIDATE" or event.event_id in _gone(context):
            return
        others = [
            name
            for name, step in context.dossier.live().items()
            if step.action == "VALIDATE" and step.line == event.line and name != event.event_id
        ]
        if others:
            yield Finding(
                "D05",
                "H",
                weight=0.95,
                nature="INT",
                lines=() if event.line is None else (event.line,),
                amount=(event.base_amount or 0) + (event.complementary_amount or 0),
                value=float(len(others) + 1),
                threshold=1.0,
                n=len(others) + 1,
                variant="validated",
                facts={"n": len(others) + 1},
            )

    @staticmethod
    def _sum(context: FollowerContext, event: Payment) -> Results:
        paid = Paid.of(event)
        over = [one for one in excesses(context.dossier, paid) if one.before and one.asked <= one.due]
        if over:
            worst = max(over, key=lambda one: one.asked + one.before - one.due)
            yield Finding(
                "D05",
                "H",
                weight=0.95,
                nature="INT",
                lines=_lines(over),
                amount=sum(one.asked for one in over),
                value=float(worst.asked + worst.before),
                threshold=float(worst.due),
                n=len(over),
                variant="paid",
                facts={"sum": worst.asked + worst.before, "due": worst.due},
                review=event.status == "PAID",
            )


def _gone(context: FollowerContext) -> set[str]:
    return {step.cancels for step in context.dossier.steps.values() if step.cancels is not None}


def _lines(over: list[Excess]) -> tuple[int, ...]:
    """The lines concerned; none where the payment as a whole is."""
    named = {one.line for one in over}
    return () if None in named else tuple(sorted(line for line in named if line is not None))


class UnscreenedPayment:
    """Y01. An order that meets an open hold or precedes its verdict is refused by the gate and accuses nobody."""

    declaration = Declaration(
        code="Y01",
        label_fr="Paiement sans verdict valable ou modifié après verdict",
        label_en="Payment without valid verdict, or amount or payee changed after verdict",
        label_ar="أداء بدون قرار صالح أو معدل بعد القرار",
        nature="INT",
        hard=True,
        weight=0.95,
        axis="arrival",
        reads=("payment", "liquidation", "verdicts"),
        windows=("the claim's answers and steps",),
        kinds=(),
        follows=("payment",),
        thresholds={
            "needs_liquidation": Threshold(
                1, "0 or 1", "what nobody liquidated is not payable; 0 where liquidations are not sent"
            )
        },
        caveats_fr=(
            "Interruption du contrôle : paiements libérés selon la liste du mode dégradé",
            "Paiement partiel",
            "Ordre arrivé avant le verdict de son dossier",
        ),
        caveats_en=(
            "Screening was down: payments released under the list of degraded mode",
            "Part payment",
            "Order that came before its claim's verdict",
        ),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """What was paid without a verdict or despite a hold, and what is ordered otherwise than it was screened."""
        event, dossier = context.event, context.dossier
        if not isinstance(event, Payment) or event.status not in ("ORDERED", "PAID"):
            return
        out = event.status == "PAID"
        amount = event.base_amount + (event.complementary_amount or 0)
        paid = Paid.of(event)
        if not dossier.screened:
            if out:
                yield self._finding("missing", amount, out=out)
            else:
                yield CannotCheck("Y01", "claim")
            return
        if dossier.valid_until is not None and event.event_time > dossier.valid_until:
            facts = {"until": context.referentials.local_date(dossier.valid_until).isoformat()}
            yield self._finding("expired", amount, out=out, facts=facts)
        if out and dossier.blocking(paid.lines, event.event_time):
            yield self._finding("held", amount, paid.lines, out=out)
        if not dossier.live():
            yield CannotCheck("Y01", "liquidation")
            return
        yield from self._changed(context, event, paid, out=out)

    def _changed(self, context: FollowerContext, event: Payment, paid: Paid, *, out: bool) -> Results:
        over = [one for one in excesses(context.dossier, paid) if one.asked > one.due]
        if over:
            worst = max(over, key=lambda one: one.asked - one.due)
            facts = {"asked": worst.asked, "due": worst.due}
            amount = sum(one.asked - one.due for one in over)
            yield self._finding("amount", amount, _lines(over), out=out, facts=facts)
        said = context.dossier.liquidated()
        for variant, column, asked in (
            ("payee", 0, event.payee),
            ("payee", 1, event.payee_inpe),
            ("account", 2, event.bank_account),
        ):
            wrong = [
                part
                for part in paid.parts or (Part(None, paid.base, paid.complementary),)
                if (known := said.paid_to(part.line)[column]) is not None
                and asked is not None
                and known != asked
            ]
            if wrong:
                named = {part.line for part in wrong}
                lines = () if None in named else tuple(sorted(line for line in named if line is not None))
                amount = sum((part.base or 0) + (part.complementary or 0) for part in wrong)
                yield self._finding(variant, amount, lines, out=out)
                return  # one change of whoever is paid is enough to say

    @staticmethod
    def _finding(
        variant: str,
        amount: int,
        lines: tuple[int, ...] = (),
        *,
        out: bool,
        facts: Mapping[str, object] | None = None,
    ) -> Finding:
        return Finding(
            "Y01",
            "H",
            weight=0.95,
            nature="INT",
            lines=lines,
            amount=amount,
            variant=variant,
            facts=dict(facts or {}),
            review=out,  # nothing is left to hold
        )
