"""What is known of a claim as a whole: its open answers, what was claimed and liquidated, and the payments that wait
for them or rely on them.

Kept in the beneficiary's hash tag as one hash a claim: one field an event for its answer, one for what it said. The
state of a line is its most restrictive open answer; a payment is released only when every line that it pays is
releasable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from detectors.dossier import Dossier, Hold
from detectors.filed import Filed
from detectors.settlement import Paid, Part, Step
from schemas.claim import Claim
from schemas.liquidation import Liquidation
from schemas.outputs import Screened
from schemas.payment import Payment
from state.formats import FORMATS, version_of

ANSWER, PAYMENT, FILED, STEP = b"a:", b"p:", b"c:", b"l:"
FIELDS = (ANSWER, PAYMENT, FILED, STEP)
CLAIM, CANCELLATION, LIQUIDATION = "claim", "cancellation", "liquidation"
RESTING = frozenset(("T01", "D05", "L02"))
"""Rows that compare a liquidation with the rest of its claim."""
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
    valid_until: dt.datetime | None = None
    codes: tuple[str, ...] = ()  # of its reasons


class PaymentAnswer(msgspec.Struct, array_like=True, frozen=True):
    """The live answer to one payment of the claim, and what is needed to answer it again."""

    verdict_id: str
    decision: str
    status: str
    lines: tuple[int, ...] = ()
    at: dt.datetime | None = None
    payment_id: str | None = None
    base: int = 0
    complementary: int = 0
    parts: tuple[Part, ...] = ()
    held: tuple[int, ...] | None = ()  # lines of it that are kept back, None: all

    def paid(self) -> Paid:
        """The payment as detectors read it."""
        held = (self.held or None) if self.decision == "HOLD" else ()  # version 2 held them all
        parts = self.parts or tuple(Part(line) for line in self.lines)  # version 2 kept no amounts
        return Paid(
            self.payment_id or "",
            self.status,  # type: ignore[arg-type]
            self.at or dt.datetime.min.replace(tzinfo=dt.UTC),
            self.base,
            self.complementary,
            parts,
            held,
        )


REPLACED_EARLY = Answer(CLAIM, "", "RELEASE", replaced=True, early=True)
"""Stands for an event that was corrected or cancelled before it came."""

VERSION = bytes((FORMATS["claims"],))
"""What a kept answer begins with. Version 1 began with its array at once; version 2 kept answers alone, without what
version 3 added at the end of their arrays, and not what was claimed, liquidated and paid.
"""
ARRAYS = range(0x90, 0xA0)

_encoder = msgspec.msgpack.Encoder()
_answer = msgspec.msgpack.Decoder(Answer)
_payment = msgspec.msgpack.Decoder(PaymentAnswer)
_filed = msgspec.msgpack.Decoder(Filed)
_step = msgspec.msgpack.Decoder(Step)


class ClaimState(msgspec.Struct):
    """The answers of one claim, by event id."""

    answers: dict[str, Answer] = {}
    payments: dict[str, PaymentAnswer] = {}
    filed: dict[str, Filed] = {}
    steps: dict[str, Step] = {}

    @classmethod
    def of(cls, fields: Mapping[bytes, bytes]) -> ClaimState:
        """Read the hash kept in Redis. Raises BadFormat for what a newer release wrote."""
        state = cls()
        for name, value in fields.items():
            event_id = name[2:].decode()
            if name.startswith(ANSWER):
                state.answers[event_id] = _answer.decode(_array(value))
            elif name.startswith(PAYMENT):
                state.payments[event_id] = _payment.decode(_array(value))
            elif name.startswith(FILED):
                state.filed[event_id] = _filed.decode(_array(value))
            elif name.startswith(STEP):
                state.steps[event_id] = _step.decode(_array(value))
        return state

    def told(self, event: Claim | Liquidation) -> dict[str, bytes]:
        """Take up what an event said; answers the hash field that keeps it, none for what says nothing of money."""
        if isinstance(event, Liquidation):
            step = self.steps[event.event_id] = Step.of(event)
            return {STEP.decode() + event.event_id: VERSION + _encoder.encode(step)}
        if event.action == "CANCEL" or not event.lines:
            return {}
        filed = self.filed[event.event_id] = Filed.of(event)
        return {FILED.decode() + event.event_id: VERSION + _encoder.encode(filed)}

    def dossier(self, of: str) -> Dossier:
        """The claim as detectors of what follows it read it; the hold on the event `of` itself left out."""
        live = {name: answer for name, answer in self.answers.items() if not answer.replaced}
        standing = sorted(name for name, answer in live.items() if answer.type == CLAIM)
        filed = [self.filed[name] for name in standing if name in self.filed]
        ends = [a.valid_until for a in live.values() if a.valid_until is not None]
        return Dossier(
            filed=filed[-1] if len(filed) == 1 else _together(filed),
            screened=self.screened,
            cancelled=self.cancelled,
            valid_until=max(ends, default=None),
            codes=frozenset(code for name in standing for code in live[name].codes),
            holds=tuple(
                Hold(a.lines, a.purpose, a.expires_at, a.on_expiry, a.type, a.verdict_id)
                for name, a in live.items()
                if a.decision == "HOLD" and name != of
            ),
            verdicts={answer.verdict_id: answer.decision for answer in live.values()},
            steps=self.steps,
            payments={name: payment.paid() for name, payment in self.payments.items()},
        )

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

    def retire(self, event_id: str, by: str) -> dict[str, Answer]:
        """Let a liquidation stand no more; answers what changes, as `replace` does."""
        known = self.answers.get(event_id, REPLACED_EARLY)
        if known.replaced and not known.early:
            return {}
        self.answers[event_id] = msgspec.structs.replace(known, replaced=True, by=by)
        return {event_id: self.answers[event_id]}

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

    def paid(self) -> bool:
        """Whether money has left for this claim."""
        return any(payment.status == "PAID" for payment in self.payments.values())

    def unsettled(self) -> list[str]:
        """Orders that are not settled yet, in the order in which they were given."""
        done = {payment.payment_id for payment in self.payments.values() if payment.status in SETTLED} - {
            None
        }
        waiting = [
            (payment.at or dt.datetime.min.replace(tzinfo=dt.UTC), name)
            for name, payment in self.payments.items()
            if payment.status == "ORDERED" and payment.payment_id not in done
        ]
        return [name for _, name in sorted(waiting)]

    def liquidations(self, *, resting: bool) -> list[str]:
        """Liquidations that still stand; `resting`: those alone whose hold rests on the rest of the claim."""
        return sorted(
            name
            for name, answer in self.answers.items()
            if answer.type == LIQUIDATION
            and not answer.replaced
            and (not resting or bool(set(answer.codes) & RESTING))
        )


def _together(filed: list[Filed]) -> Filed | None:
    """Several claims under one id that nothing replaces: their lines together."""
    if not filed:
        return None
    return msgspec.structs.replace(filed[-1], lines=tuple(line for one in filed for line in one.lines))


def answer_of(record: Screened, cause: str | None = None) -> Answer | PaymentAnswer:
    """What the claim's state keeps of a record."""
    if record.type == "payment":
        kept = record.features
        event = kept.get("event")
        if event is not None and not isinstance(event, Payment):
            event = msgspec.convert(event, Payment)
        paid = None if event is None else Paid.of(event)
        whole = record.decision == "HOLD" and record.scope != "LINES"
        return PaymentAnswer(
            record.verdict_id,
            record.decision,
            str(kept.get("status", "")),
            tuple(kept.get("lines", ())),
            record.event_time,
            kept.get("payment_id"),
            0 if paid is None else paid.base,
            0 if paid is None else paid.complementary,
            () if paid is None else paid.parts,
            None if whole else record.lines if record.decision == "HOLD" else (),
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
        valid_until=record.valid_until,
        codes=tuple(dict.fromkeys(one.code for one in record.reasons)),
    )


def _array(value: bytes) -> bytes:
    return value if version_of("claims", value, ARRAYS) == 1 else value[1:]


def packed(event_id: str, value: Answer | PaymentAnswer) -> tuple[str, bytes]:
    """The hash field that keeps one answer, and its bytes."""
    kind = PAYMENT if isinstance(value, PaymentAnswer) else ANSWER
    return kind.decode() + event_id, VERSION + _encoder.encode(value)
