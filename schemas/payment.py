"""A payment order and what became of it."""

from __future__ import annotations

from schemas.enums import Payee, PaymentStatus
from schemas.envelope import Centimes, Envelope, EventId, LineNumber, Name, Part, Ref


class PaymentLine(Part, kw_only=True, frozen=True):
    """The share of a payment that pays one claim line, and the verdict that the payer relied on."""

    line: LineNumber | None = None
    liquidation_event_id: EventId | None = None
    verdict_id: Ref | None = None
    base_amount: Centimes | None = None
    complementary_amount: Centimes | None = None


class Payment(Envelope, kw_only=True, frozen=True, tag="payment"):
    """A payment. `lines` None = it pays the claim as a whole. Amounts in centimes."""

    payment_id: Name
    claim_id: Name
    beneficiary: Name
    payee: Payee
    status: PaymentStatus
    base_amount: Centimes
    payee_inpe: Ref | None = None
    bank_account: Ref | None = None
    complementary_amount: Centimes | None = None
    lines: tuple[PaymentLine, ...] | None = None
