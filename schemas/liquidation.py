"""A liquidation step: what a liquidator (or a batch) did to a claim or to one of its lines."""

from __future__ import annotations

from schemas.enums import ControlResult, LiquidationAction, LiquidationRole, Payee, RateGround
from schemas.envelope import Centimes, Count, Envelope, EventId, LineNumber, Name, Part, Percent, Ref, Text


class Control(Part, kw_only=True, frozen=True):
    """One automatic or human control passed on the way, with the verdict it answered where there was one."""

    code: Ref | None = None
    result: ControlResult | None = None
    reason: Text | None = None
    verdict_id: Ref | None = None


class Liquidation(Envelope, kw_only=True, frozen=True, tag="liquidation"):
    """One step of liquidation. `line` None = the whole claim. Amounts in centimes, `rate` in percent."""

    claim_id: Name
    beneficiary: Name
    action: LiquidationAction
    liquidator: Name
    line: LineNumber | None = None
    cancels: EventId | None = None
    role: LiquidationRole | None = None
    workstation: Ref | None = None
    tariff_amount: Centimes | None = None
    basis_amount: Centimes | None = None
    rate: Percent | None = None
    rate_ground: RateGround | None = None
    base_amount: Centimes | None = None
    complementary_amount: Centimes | None = None
    patient_amount: Centimes | None = None
    payee: Payee | None = None
    payee_inpe: Ref | None = None
    bank_account: Ref | None = None
    controls: tuple[Control, ...] | None = None
    duration_ms: Count | None = None
