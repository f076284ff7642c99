"""What a claim asks of the windows of the care itself: prior approvals, control thresholds, sick leaves.

Few claims ask any of it. Each is derived from the claim and the referentials alone, like everything in
`streams.asking`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from detectors import splitting
from detectors.agreements import CARE, SESSIONS, code_number
from detectors.leave import week_of
from detectors.referentials import Referentials
from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.enums import APPROVAL_DECISIONS
from schemas.observation import Accord, Observation, day_number, entity_ref, event_ref
from state import codecs, ops
from streams.told import MONTHS_24

if TYPE_CHECKING:
    from streams.questions import Question

NEAR_DAYS, NEAR_SLOTS = 30, 4  # T04 reads 90 days: four buckets of 30 hold them whatever the day


def approval(asked: Question, event: PriorApproval, referentials: Referentials) -> None:
    """Keep a decision beside the uses of what it decides on. Never taken out: a later one stands in its place."""
    local = event.event_time.astimezone(referentials.zone)
    day = day_number(local.date())
    whole = Accord(
        event_ref(event.event_id),
        day,
        b"",
        day_number(event.valid_from),
        day_number(event.valid_to),
        entity_ref(event.beneficiary),
        -1 if event.amount_granted is None else event.amount_granted,
        -1 if event.sessions_granted is None else event.sessions_granted * 100,
        0,
        APPROVAL_DECISIONS.index(event.decision),
    )
    parts = [
        whole._replace(
            amount=-1 if act.amount is None else act.amount,
            quantity=-1 if act.quantity is None else round(act.quantity * 100),
            act=code_number(act.code),
        )
        for act in event.acts or ()
        if act.code is not None
    ]
    second = local.hour * 3600 + local.minute * 60 + local.second
    records = codecs.pack_accords([whole, *parts], second)
    key = accord_key(event.beneficiary, event.pec_id)
    asked.away.append(ops.append_document(key, records, day - MONTHS_24)._replace(mark=b""))


def ask(asked: Question, claim: Claim, referentials: Referentials) -> None:
    """Add the operations of a claim of care."""
    uses: dict[str, list[Accord]] = {}
    event, reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
    for line in claim.lines:
        if line.prior_approval is not None:
            day = day_number(line.service_date)
            use = Accord(
                event,
                day,
                reference,
                day,
                day,
                entity_ref(claim.beneficiary),
                line.amount,
                round(line.quantity * 100),
                code_number(line.code),
                SESSIONS if line.unit == "SESSION" else CARE,
            )
            uses.setdefault(line.prior_approval, []).append(use)
    for pec, lines in uses.items():
        records = b"" if claim.coverage == "COMPLEMENTARY" else codecs.pack_accords(lines)
        cut = min(use.day for use in lines) - MONTHS_24
        asked.away.append(ops.append_document(accord_key(claim.beneficiary, pec), records, cut))
    asked.accords = list(uses)
    for inpe, close in splitting.near(claim, referentials).items():
        name, bucket = f"{inpe}|{close.threshold}", close.day // NEAR_DAYS
        told = [int(close.under), int(not close.under)]
        asked.away.append(ops.sums("c", name, told, bucket=bucket, slots=NEAR_SLOTS, days=NEAR_DAYS))
        asked.near.append(inpe)
    leave = claim.sick_leave
    if claim.kind != "IJ" or leave is None or leave.employer is None or leave.extends is not None:
        return
    for prescriber in dict.fromkeys(line.prescriber for line in claim.lines if line.prescriber is not None):
        week = week_of(claim)
        by, who = f"leave|{leave.employer}", entity_ref(claim.beneficiary).hex()
        asked.away += [ops.count(by, week, prescriber), ops.count(f"{by}|{prescriber}", week, who)]
        asked.leaves.append(prescriber)


def read(seen: Observation, asked: Question, answers: Iterator[bytes | None]) -> None:
    """Read their answers, in the order of `ask`. What an older version's memo lacks stays unknown."""
    for pec in asked.accords:
        data = next(answers)
        if data is not None:
            seen.accords[pec] = codecs.unpack_accords(data)
    for inpe in asked.near:
        data = next(answers)
        if data is not None:
            under, over = codecs.sums(data)
            seen.near[inpe] = (under, over)
    for prescriber in asked.leaves:
        employer, own = next(answers), next(answers)
        if employer is not None and own is not None:
            seen.leaves[prescriber] = (codecs.frequency(employer), codecs.frequency(own))


def accord_key(beneficiary: str, pec: str) -> str:
    """Under which key a prior approval's decisions and uses are kept: nobody else's uses count."""
    return f"ACCORD|{entity_ref(beneficiary).hex()}|{pec}"
