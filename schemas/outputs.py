"""What Crible answers: verdicts, suspensions, alerts.

`Verdict` holds what a liquidator may read; `Screened` is the full record and a superset of it, so that the
public form is a projection of the recorded one. Lists and flags that a reader relies on are written even when
empty; an optional value that is None is left out. Amounts in centimes, instants UTC.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from schemas.enums import (
    ControlLevel,
    Decision,
    Flow,
    Nature,
    OnExpiry,
    Payee,
    Purpose,
    ReasonClass,
    Scope,
    ScoreState,
    SuspensionState,
    Visibility,
)


def _no_items() -> tuple[Any, ...]:
    return ()


def _no_pairs() -> dict[str, Any]:
    return {}


def _listed() -> Any:
    """An empty list that is written nevertheless: `omit_defaults` does not look behind a function."""
    return msgspec.field(default_factory=_no_items)


def _mapped() -> Any:
    """An empty object that is written nevertheless."""
    return msgspec.field(default_factory=_no_pairs)


class Output(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """Base of everything that Crible writes."""


class Reason(Output, kw_only=True, frozen=True):
    """One reason of a verdict. `strength` 0..1; `evidence` are event ids; `lines` empty = the whole claim."""

    code: str
    label_fr: str
    label_en: str
    label_ar: str
    nature: Nature | None = None
    cls: ReasonClass | None = msgspec.field(default=None, name="class")
    strength: float | None = None
    lines: tuple[int, ...] = _listed()
    amount: int | None = None
    value: float | None = None
    threshold: float | None = None
    window: str | None = None
    n: int | None = None
    facts_fr: str | None = None
    facts_en: str | None = None
    evidence: tuple[str, ...] = ()
    visibility: Visibility | None = None


class CannotCheckItem(Output, kw_only=True, frozen=True):
    """A detector that could not answer, and what it lacked."""

    code: str
    missing: str


class ScreenedLine(Output, kw_only=True, frozen=True):
    """What one line would pay, as it stood when the verdict was given."""

    line: int
    base_amount: int | None = None
    complementary_amount: int | None = None


class Compared(Output, kw_only=True, frozen=True):
    """What the gate compares with the payment order before it lets money go."""

    lines: tuple[ScreenedLine, ...] = _listed()
    payee: Payee | None = None
    payee_inpe: str | None = None
    bank_account: str | None = None


class Verdict(Output, kw_only=True, frozen=True):
    """The one answer to a claim, a liquidation or a payment. On CANNOT_SCREEN only the ids may be known."""

    verdict_id: str
    event_id: str
    claim_id: str
    type: str
    decision: Decision
    issued_at: dt.datetime
    ruleset: str
    event_time: dt.datetime | None = None
    organism: str | None = None
    mutuelle: str | None = None
    agency: str | None = None
    region: str | None = None
    flow: Flow | None = None
    beneficiary: str | None = None
    scope: Scope | None = None
    lines: tuple[int, ...] = _listed()
    purpose: Purpose | None = None
    reasons: tuple[Reason, ...] = _listed()
    control_level: ControlLevel | None = None
    suggested_control: tuple[str, ...] = ()
    documents_requested: tuple[str, ...] = _listed()
    valid_until: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    on_expiry: OnExpiry | None = None
    legal_basis: str | None = None
    referentials: dict[str, str] = _mapped()
    degraded: bool = msgspec.field(default_factory=bool)
    supersedes: str | None = None
    cause: str | None = None
    cannot_check: tuple[CannotCheckItem, ...] = _listed()
    screened: Compared | None = None


class Term(Output, kw_only=True, frozen=True):
    """One term of the score: `weight` x `value` is what it added to the logit."""

    code: str
    value: float
    weight: float


class InputPosition(Output, kw_only=True, frozen=True):
    """Where the answered event stood: topic, partition, offset (in a file: line number from 0)."""

    topic: str
    partition: int
    offset: int


class Screened(Verdict, kw_only=True, frozen=True):
    """The full record (restricted). `score` 0..1, null for CANNOT_SCREEN; amounts in centimes."""

    score: float | None
    input: InputPosition
    score_state: ScoreState | None = None
    terms: tuple[Term, ...] = _listed()
    amount_at_risk: int | None = None
    expected_loss: float | None = None
    priority: float | None = None
    models: dict[str, str] = _mapped()
    mode: str | None = None
    shadow: tuple[Reason, ...] = _listed()
    features: dict[str, Any] = _mapped()

    @property
    def at(self) -> dt.datetime:
        """When it happened; of an event that does not say, when it was answered."""
        return self.event_time or self.issued_at


class Suspension(Output, kw_only=True, frozen=True):
    """A hold as the liquidation system must apply it; later, what became of it (same id, another state)."""

    suspension_id: str
    verdict_id: str
    event_id: str
    claim_id: str
    scope: Scope
    state: SuspensionState
    held_at: dt.datetime
    purpose: Purpose
    beneficiary: str | None = None
    organism: str | None = None
    mutuelle: str | None = None
    agency: str | None = None
    lines: tuple[int, ...] = _listed()
    amount: int | None = None
    reasons: tuple[Reason, ...] = _listed()
    expires_at: dt.datetime | None = None
    on_expiry: OnExpiry | None = None
    documents_requested: tuple[str, ...] = _listed()
    action_fr: str | None = None
    action_en: str | None = None
    legal_basis: str | None = None
    good_cause: str | None = None


class AlertClaim(Output, kw_only=True, frozen=True):
    """One claim of an alert: its verdict, whether it is held, what is at stake, whether something of it is paid, and
    what can be stopped still (centimes).
    """

    claim_id: str
    verdict_id: str
    state: str
    amount: int | None = None
    paid: bool | None = None
    stoppable: int | None = None


class Peers(Output, kw_only=True, frozen=True):
    """The peer group's distribution of the value that stood out, and that value; money in centimes."""

    metric: str | None = None
    value: float | None = None
    median: float | None = None
    p95: float | None = None
    n: int | None = None


class Alert(Output, kw_only=True, frozen=True):
    """A case for the fraud team (or, on `internal-alerts`, for internal audit); its next revision restates it.

    `claims` lists the newest; `count` has them all. `history` counts earlier outcomes on the entity.
    """

    alert_id: str
    case_id: str
    entity: str
    kind: str
    first_seen: dt.datetime
    last_seen: dt.datetime
    severity: str | None = None
    organism: str | None = None
    region: str | None = None
    reasons: tuple[Reason, ...] = _listed()
    claims: tuple[AlertClaim, ...] = _listed()
    amount_at_risk: int | None = None
    amount_stoppable: int | None = None
    peers: Peers | None = None
    history: dict[str, int] | None = None
    precision_to_date: float | None = None
    innocent_explanations: tuple[str, ...] = _listed()
    suggested_control: tuple[str, ...] = _listed()
    suggested_route: tuple[str, ...] = _listed()
    control_level: ControlLevel | None = None
    speciality_needed: str | None = None
    est_minutes: float | None = None
    priority: float | None = None
    count: int = msgspec.field(default_factory=lambda: 1)
    revision: int = msgspec.field(default_factory=lambda: 1)


_ENCODER = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """One message as UTF-8 JSON, keys in the order of its fields: the same bytes for the same content."""
    return _ENCODER.encode(message)
