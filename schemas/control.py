"""What people decide: orders, review outcomes, signals; and the private request to answer an event again."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from schemas.enums import OrderScope, ReasonOutcome, ReviewOutcome, SignalSource
from schemas.envelope import Centimes, Envelope, LineNumber, Name, Part, Ref, Share, Text

Entity = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}:.{1,200}(?!\n)$")]
"""`provider:INPE`, `network:ID`, `beneficiary:ID`, ..."""
Expiry = Annotated[
    str,
    Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:?[0-9]{2}))?(?!\n)$"),
]
"""A calendar date (included) or an instant with its offset."""
Minutes = Annotated[float, Meta(ge=0, le=100_000)]


class Order(Envelope, kw_only=True, frozen=True, tag="order"):
    """A named human order that suspends a payee or a network: two people sign it, one of them may lift it."""

    order_id: Name
    entity: Entity
    scope: OrderScope
    from_: dt.date = msgspec.field(name="from")
    ordered_by: Annotated[tuple[Name, ...], Meta(min_length=2, max_length=20)]
    motive: Annotated[str, Meta(min_length=1, max_length=4000)]
    to: dt.date | None = None
    lifted_by: Ref | None = None


class ReviewedReason(Part, kw_only=True, frozen=True):
    """What the reviewer found about one reason of the verdict."""

    code: Ref | None = None
    outcome: ReasonOutcome | None = None


class Review(Envelope, kw_only=True, frozen=True, tag="review"):
    """The outcome of a human review of one verdict revision. `lines` None = it applies to all of them."""

    verdict_id: Name
    claim_id: Name
    beneficiary: Name
    outcome: ReviewOutcome
    decided_by: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=20)]
    lines: tuple[LineNumber, ...] | None = None
    reasons: tuple[ReviewedReason, ...] | None = None
    amount_stopped: Centimes | None = None
    minutes: Minutes | None = None


class Signal(Envelope, kw_only=True, frozen=True, tag="signal"):
    """A report or watch-list entry on an entity; it raises priority and decides nothing."""

    entity: Entity
    source: SignalSource
    strength: Share
    expires: Expiry
    rule: Text | None = None

    @property
    def ends(self) -> dt.datetime:
        """The instant (UTC) from which the signal no longer counts; decoded signals have a possible one."""
        if len(self.expires) == len("2026-01-31"):
            day = dt.date.fromisoformat(self.expires) + dt.timedelta(days=1)
            return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        return dt.datetime.fromisoformat(self.expires).astimezone(dt.UTC)


class Rescreen(Envelope, kw_only=True, frozen=True, tag="rescreen"):
    """Private: answer the open event `event_id` again because of `cause`; it bears pseudonyms already."""

    cause: Name
    beneficiary: Name
    claim_id: Name
    finding: dict[str, Any] | None = None
