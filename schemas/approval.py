"""A prior approval (prise en charge, PEC): what may be done, until when, and who decided."""

from __future__ import annotations

import datetime as dt

from schemas.enums import ApprovalDecision
from schemas.envelope import Centimes, Count, Envelope, Name, Part, Quantity, Ref


class ApprovedAct(Part, kw_only=True, frozen=True):
    """One act that the approval names; `amount` in centimes."""

    code: Ref | None = None
    quantity: Quantity | None = None
    amount: Centimes | None = None


class PriorApproval(Envelope, kw_only=True, frozen=True, tag="prior_approval"):
    """An approval asked for, granted or refused; both validity days are included."""

    pec_id: Name
    beneficiary: Name
    valid_from: dt.date
    valid_to: dt.date
    decision: ApprovalDecision
    provider: Ref | None = None
    acts: tuple[ApprovedAct, ...] | None = None
    amount_granted: Centimes | None = None
    sessions_granted: Count | None = None
    decided_by: Ref | None = None
