"""R02: whose bank account is it, and since when?"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from schemas.liquidation import Liquidation
from schemas.payment import Payment

Results = Iterator[Finding | CannotCheck]


class BankAccount:
    """R02."""

    declaration = Declaration(
        code="R02",
        label_fr="RIB partagé ou récemment modifié",
        label_en="Shared or just-changed bank account",
        label_ar="حساب بنكي مشترك أو معدل حديثا",
        nature="PRE",
        hard=True,
        weight=0.8,
        axis="arrival",
        case_of="beneficiary",
        reads=(
            "payment.bank_account",
            "liquidation.bank_account",
            "beneficiary.bank_account",
            "beneficiary.bank_account_since",
            "providers.bank_account_since",
        ),
        windows=("insured of the account",),
        kinds=(),
        follows=("liquidation", "payment"),
        thresholds={
            "insured": Threshold(3, "insured", "a family shares an account, three families do not"),
            "days": Threshold(7, "days", "a change is confirmed with the insured before much is paid to it"),
            "amount": Threshold(500_000, "centimes", "5,000 MAD: below it a change alone holds nothing"),
        },
        caveats_fr=("Compte joint d'une même famille (même immatriculation)",),
        caveats_en=("Joint account of one family (same registration)",),
    )

    def check(self, context: FollowerContext) -> Results:
        """Insured who share the account of this one, and a change on the eve of a large payment."""
        event = context.event
        if event.bank_account is None or (isinstance(event, Payment) and event.status != "ORDERED"):
            return
        if event.payee == "INSURED":
            yield from self._shared(context)
        if isinstance(event, Payment):
            yield from self._changed(context, event)

    @staticmethod
    def _shared(context: FollowerContext) -> Results:
        seen = context.seen.insured
        if seen is None:
            yield CannotCheck("R02", "beneficiary")
            return
        least = context.value("R02", "insured")
        if seen.members >= least:
            event = context.event
            yield Finding(
                "R02",
                "S",
                weight=context.value("R02", "weight"),
                nature="PRE",
                lines=_named(event),
                amount=(event.base_amount or 0) + (event.complementary_amount or 0),
                value=float(seen.members),
                threshold=least,
                n=seen.members,
                variant="shared",
                facts={"n": seen.members},
            )

    @staticmethod
    def _changed(context: FollowerContext, event: Payment) -> Results:
        amount = event.base_amount + (event.complementary_amount or 0)
        if amount <= context.value("R02", "amount"):
            return
        if event.payee == "INSURED":
            person = context.seen.person
            since = None if person is None else person.bank_account_since
            table = "beneficiary.bank_account_since"
        else:
            entry = context.referentials.provider(event.payee_inpe or "")
            since = None if entry is None else entry.bank_account_since
            table = "providers.bank_account_since"
        if since is None:
            yield CannotCheck("R02", table)
            return
        limit = context.value("R02", "days")
        age = (context.referentials.local_date(event.event_time) - since).days
        if 0 <= age <= limit:
            yield Finding(
                "R02",
                "H",
                weight=0.95,
                nature="INT",
                amount=amount,
                value=float(age),
                threshold=limit,
                window=f"{limit:.0f} d",
                variant="changed",
                facts={"since": since.isoformat(), "days": age},
            )


def _named(event: Liquidation | Payment) -> tuple[int, ...]:
    """The lines that the event is about; none where it is about the claim."""
    if isinstance(event, Liquidation):
        return () if event.line is None else (event.line,)
    named = [line.line for line in event.lines or ()]
    return () if None in named else tuple(sorted(line for line in named if line is not None))
