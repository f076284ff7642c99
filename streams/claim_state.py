"""What is known of a claim as a whole: its open answers, and the payments that wait for them or rely on them.

Kept in the beneficiary's hash tag as one hash a claim, one field an event. The state of a line is its most
restrictive open answer; a payment is released only when every line that it pays is releasable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from schemas.outputs import Screened
from state.formats import FORMATS, version_of

ANSWER, PAYMENT = b"a:", b"p:"
CLAIM, CANCELLATION = "claim", "cancellation"
SETTLED = frozenset(("PAID", "RETURNED", "CANCELLED"))
"""What a payment is once there is nothing left to hold."""


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """The live answer to one event of the claim. `type` is the event's, or `cancellation`."""

    type: str
    verdict_id: str
    decision: str
    purpose: str | None = None
    lines: tuple[int, ...] = ()  # held; all of them where the scope is wider than LINES
    expires_at: dt.datetime | None = None
    on_expiry: str | None = None
    replaced: bool = False
    early: bool = False  # what replaces it came before it
    by: str | None = None  # event that replaced it; None: nothing did, or an older version did not say

    def blocks(self, paid: frozenset[int], at: dt.datetime) -> bool:
        """Whether this answer keeps a payment of these lines (none named = all) back at that instant."""
        if self.decision != "HOLD" or self.replaced:
            return False
        if self.expires_at is not None and at >= self.expires_at and self.on_expiry != "ESCALATE":
            return False  # the hold has lapsed, and its row says that the money may go
        return not paid or not self.lines or bool(paid & set(self.lines))


class PaymentAnswer(msgspec.Struct, array_like=True, frozen=True):
    """The live answer to one payment of the claim, and what is needed to answer it again."""

    verdict_id: str
    decision: str
    status: str
    lines: tuple[int, ...] = ()
    at: dt.datetime | None = None
    payment_id: str | None = None


REPLACED_EARLY = Answer(CLAIM, "", "RELEASE", replaced=True, early=True)
"""Stands for an event that was corrected or cancelled before it came."""

VERSION = bytes((FORMATS["claims"],))
"""What a kept answer begins with. Version 1 began with its array at once; the array is the same."""
ARRAYS = range(0x90, 0xA0)

_encoder = msgspec.msgpack.Encoder()
_answer = msgspec.msgpack.Decoder(Answer)
_payment = msgspec.msgpack.Decoder(PaymentAnswer)


class ClaimState(msgspec.Struct):
    """The answers of one claim, by event id."""

    answers: dict[str, Answer] = {}
    payments: dict[str, PaymentAnswer] = {}

    @classmethod
    def of(cls, fields: Mapping[bytes, bytes]) -> ClaimState:
        """Read the hash kept in Redis. Raises BadFormat for what a newer release wrote."""
        state = cls()
        for name, value in fields.items():
            if name.startswith(ANSWER):
                state.answers[name[2:].decode()] = _answer.decode(_array(value))
            elif name.startswith(PAYMENT):
                state.payments[name[2:].decode()] = _payment.decode(_array(value))
        return state

    def replace(self, event_id: str, by: str) -> dict[str, Answer]:
        """Let an event take the place of another; answers what changes: event -> its answer from now on.

        Where something has taken that place already, it gives way in its stead: of several corrections of one
        original the last to come stands, as it does in the windows (state/functions/events.lua).
        """
        changed: dict[str, Answer] = {}
        name: str | None = event_id
        while name is not None and name != by and name not in changed:
            known = self.answers.get(name, REPLACED_EARLY)
            if not known.replaced or known.early or known.by in (None, by):  # a replay finds it done
                changed[name] = msgspec.structs.replace(known, replaced=True, by=by)
            name = known.by if known.replaced else None
        self.answers.update(changed)
        return changed

    @property
    def screened(self) -> bool:
        """Whether the claim itself has been answered."""
        return any(
            answer.type == CLAIM and answer.decision != "CANNOT_SCREEN" and not answer.replaced
            for answer in self.answers.values()
        )

    @property
    def cancelled(self) -> bool:
        """Whether the claim was taken back, and nothing else stands in its place."""
        return not self.screened and any(
            answer.type == CANCELLATION and not answer.replaced for answer in self.answers.values()
        )

    def blocking(self, lines: tuple[int, ...], at: dt.datetime) -> list[Answer]:
        """The answers that keep a payment of these lines back at that instant."""
        paid = frozenset(lines)
        return [answer for answer in self.answers.values() if answer.blocks(paid, at)]

    def paid(self) -> bool:
        """Whether money has left for this claim."""
        return any(payment.status == "PAID" for payment in self.payments.values())

    def unsettled_payments(self) -> list[str]:
        """Orders that are not settled yet, and whose answer no longer agrees with the claim's."""
        if not self.payments:
            return []
        settled = {payment.payment_id for payment in self.payments.values() if payment.status in SETTLED} - {
            None
        }
        wrong = []
        for event_id, payment in self.payments.items():
            if payment.status != "ORDERED" or payment.payment_id in settled:
                continue
            free = self.screened and not self.blocking(
                payment.lines, payment.at or dt.datetime.max.replace(tzinfo=dt.UTC)
            )
            if free != (payment.decision != "HOLD"):
                wrong.append(event_id)
        return wrong


def answer_of(record: Screened, cause: str | None = None) -> Answer | PaymentAnswer:
    """What the claim's state keeps of a record."""
    if record.type == "payment":
        kept = record.features
        return PaymentAnswer(
            record.verdict_id,
            record.decision,
            str(kept.get("status", "")),
            tuple(kept.get("lines", ())),
            record.event_time,
            kept.get("payment_id"),
        )
    held = () if record.scope not in (None, "LINES") else record.lines
    return Answer(
        CANCELLATION if record.features.get("action") == "CANCEL" and record.type == CLAIM else record.type,
        record.verdict_id,
        record.decision,
        record.purpose,
        held,
        record.expires_at,
        record.on_expiry,
        cause == "REPLACED",
    )


def _array(value: bytes) -> bytes:
    return value if version_of("claims", value, ARRAYS) == 1 else value[1:]


def packed(event_id: str, value: Answer | PaymentAnswer) -> tuple[str, bytes]:
    """The hash field that keeps one answer, and its bytes."""
    kind = PAYMENT if isinstance(value, PaymentAnswer) else ANSWER
    return kind.decode() + event_id, VERSION + _encoder.encode(value)
