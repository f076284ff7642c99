"""What an event asks of the state, and how the answers become the observation that detectors read.

A `Question` is made from the event and the referentials alone, before Redis is asked, so that a replay asks the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from detectors import plan
from detectors.documents import document_key
from detectors.referentials import Referentials
from schemas.approval import PriorApproval
from schemas.claim import Claim, Line
from schemas.control import Rescreen
from schemas.enums import CARE_GROUPS, CARE_KINDS, COVERAGES
from schemas.events import Event
from schemas.observation import (
    Clones,
    CloneUse,
    DocumentUse,
    Fact,
    LogLine,
    Observation,
    day_number,
    entity_ref,
    event_ref,
)
from schemas.registries import Beneficiary
from state import codecs, ops

MONTHS_24 = 731  # days: no window of care looks further back
CLONE_DAYS = 90
BUCKET_DAYS = 30
COVERAGE_INDEX = {name: index for index, name in enumerate(COVERAGES)}
GROUP_INDEX = {name: index for index, name in enumerate(CARE_GROUPS)}

ACCEPTS: dict[str, tuple[str, ...]] = {
    "claims": ("claim",),
    "liquidations": ("liquidation",),
    "payments": ("payment",),
    "prior-approvals": ("prior_approval",),
    "beneficiaries": ("beneficiary",),
    "rescreens": ("rescreen",),
}
"""Topic -> the types of event that it carries."""

_beneficiary = msgspec.msgpack.Decoder(Beneficiary)
Number = Callable[[str], int]


@dataclass(slots=True)
class Question:
    """The operations of one event, and what is needed to read their results, in the same order."""

    home: list[ops.Op] = field(default_factory=list)
    away: list[ops.Op] = field(default_factory=list)
    reads: list[ops.Read] = field(default_factory=list)
    undo: bytes | None = None
    own: list[LogLine] = field(default_factory=list)
    documents: list[tuple[int, str]] = field(default_factory=list)
    executors: list[str] = field(default_factory=list)
    prescribers: list[str] = field(default_factory=list)
    days: list[tuple[str, int]] = field(default_factory=list)
    clones: list[tuple[str, str]] = field(default_factory=list)


def content_hash(event: Event | None, value: bytes | None) -> bytes:
    """16 bytes that tell whether two messages say the same; when they came in does not matter."""
    if event is None:
        return blake2b(value or b"", digest_size=16).digest()
    said = msgspec.structs.replace(event, ingest_time=None, trace_id=None)
    return blake2b(msgspec.msgpack.encode(said), digest_size=16).digest()


def names(event: Event) -> list[str]:
    """The names of an event that the state keeps as numbers."""
    if not isinstance(event, Claim):
        return []
    found = []
    for line in event.lines:
        found.append(f"{line.nomenclature}|{line.code}")
        found += [name for name in (line.executor, line.prescriber, line.performer) if name is not None]
        if (where := site(line)) is not None:
            found.append(where)
    return found


def site(line: Line) -> str | None:
    """Where on the body: teeth and side, as one name."""
    if not line.teeth and line.side is None:
        return None
    return f"@{','.join(map(str, sorted(line.teeth or ())))}|{line.side or ''}"


def question(event: Event, referentials: Referentials, number: Number, offset: int) -> Question:
    """What this event asks."""
    asked = Question()
    if isinstance(event, Claim):
        _claim(asked, event, referentials, number)
    elif isinstance(event, Beneficiary):
        micros = round(event.event_time.timestamp() * 1e6)
        asked.home.append(ops.register(event.beneficiary, msgspec.msgpack.encode(event), micros, offset))
        asked.reads.append(ops.read_open(event.beneficiary))
    elif isinstance(event, Rescreen):
        asked.reads += [
            ops.read_verdict(event.beneficiary, event.event_id),
            ops.read_claim(event.beneficiary, event.claim_id),
            ops.read_registry(event.beneficiary),
        ]
    elif not isinstance(event, PriorApproval):  # a liquidation or a payment
        asked.reads.append(ops.read_claim(event.beneficiary, event.claim_id))
    return asked


def observation(asked: Question, results: Sequence[Any]) -> Observation:
    """Read the results of a claim's operations: home ops first, then away ops, as `question` listed them."""
    seen = Observation(own=asked.own)
    if not results:
        return seen
    answers = iter(results)
    stored = next(answers)
    if stored:
        seen.beneficiary = _beneficiary.decode(stored)
    if asked.own:
        seen.log = codecs.unpack_log(next(answers))
        seen.facts = codecs.unpack_facts(next(answers))
        seen.documents = [
            (index, key, codecs.unpack_documents(next(answers))) for index, key in asked.documents
        ]
        seen.executors = {inpe: codecs.window(next(answers)) for inpe in asked.executors}
        seen.prescribers = {inpe: codecs.window(next(answers)) for inpe in asked.prescribers}
        seen.days = {key: codecs.day_sheet(next(answers)) for key in asked.days}
        for inpe, signature in asked.clones:
            uses = codecs.unpack_clones(next(answers))
            seen.clones[inpe] = Clones(
                signature, uses, codecs.frequency(next(answers)), codecs.frequency(next(answers))
            )
    return seen


def _claim(asked: Question, claim: Claim, referentials: Referentials, number: Number) -> None:
    if claim.replaces is not None:
        asked.undo = event_ref(claim.replaces)
    asked.home.append(ops.registered(claim.beneficiary))
    asked.reads.append(ops.read_claim(claim.beneficiary, claim.claim_id))
    if claim.action == "CANCEL" or claim.kind not in CARE_KINDS or not claim.lines:
        return
    reference, insured = entity_ref(claim.beneficiary), entity_ref(claim.insured)
    asked.own = _own(claim, number)
    first = min(line.day for line in asked.own)
    asked.home.append(ops.append_log(claim.beneficiary, codecs.pack_log(asked.own), first - MONTHS_24))
    asked.home.append(
        ops.append_facts(claim.beneficiary, codecs.pack_facts(_facts(claim, referentials, number)))
    )
    _documents(asked, claim, reference, insured, number)
    _providers(asked, claim, referentials, reference)
    minutes = plan.minutes(claim, referentials)
    commune = 0
    for (inpe, day), spent in minutes.items():
        asked.days.append((inpe, day))
        asked.away.append(ops.day(inpe, day, spent, reference, commune))
    _clones(asked, claim, referentials, reference)


def _own(claim: Claim, number: Number) -> list[LogLine]:
    """The claim's lines as the log keeps them: a line that lists its sessions is one entry a session, its shares even."""
    event, reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
    arrival = int(claim.event_time.timestamp())
    coverage = COVERAGE_INDEX[claim.coverage or "BASE"]
    own = []
    for line in claim.lines:
        where = site(line)
        days = line.sessions or (line.service_date,)
        executor = 0 if line.executor is None else number(line.executor)
        prescriber = 0 if line.prescriber is None else number(line.prescriber)
        act = number(f"{line.nomenclature}|{line.code}")
        place = 0 if where is None else number(where)
        shares = zip(
            days, _shares(round(line.quantity * 100), len(days)), _shares(line.amount, len(days)), strict=True
        )
        for day, quantity, amount in shares:
            own.append(
                LogLine(
                    event,
                    reference,
                    day_number(day),
                    arrival,
                    executor,
                    prescriber,
                    act,
                    place,
                    quantity,
                    amount,
                    line.line,
                    GROUP_INDEX[line.care_group],
                    coverage,
                )
            )
    return own


def _shares(total: int, parts: int) -> list[int]:
    """A total in even parts; what does not divide goes to the first ones."""
    share, rest = divmod(total, parts)
    return [share + (index < rest) for index in range(parts)]


def _facts(claim: Claim, referentials: Referentials, number: Number) -> list[Fact]:
    event = event_ref(claim.event_id)
    return [
        Fact(
            event,
            fact.day,
            fact.until,
            fact.kind,
            fact.key if isinstance(fact.key, int) else number(fact.key),
            0 if fact.provider is None else number(fact.provider),
        )
        for fact in plan.facts(claim, referentials)
    ]


def _documents(asked: Question, claim: Claim, reference: bytes, insured: bytes, number: Number) -> None:
    event, claim_reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
    deposit = day_number(claim.deposit_date)
    coverage = COVERAGE_INDEX[claim.coverage or "BASE"]
    for index, document in enumerate(claim.documents or ()):
        key = document_key(document, claim)
        if key is None:
            continue
        served = [line for line in claim.lines if document.lines is None or line.line in document.lines]
        uses = [
            DocumentUse(
                event,
                deposit,
                claim_reference,
                reference,
                insured,
                0 if line.executor is None else number(line.executor),
                0 if document.lines is None else number(f"{line.nomenclature}|{line.code}"),
                coverage,
            )
            for line in served
        ]
        asked.documents.append((index, key))
        asked.away.append(
            ops.append_document(key, codecs.pack_documents(dict.fromkeys(uses)), deposit - MONTHS_24)
        )


def _providers(asked: Question, claim: Claim, referentials: Referentials, reference: bytes) -> None:
    instant = int(claim.event_time.timestamp())
    day = day_number(referentials.local_date(claim.event_time))
    for role, held in (("p", asked.executors), ("q", asked.prescribers)):
        sums: dict[str, list[int]] = {}
        for line in claim.lines:
            name = line.executor if role == "p" else line.prescriber
            if name is not None:
                total = sums.setdefault(name, [0, 0])
                total[0] += 1
                total[1] += line.amount
        for name, (count, amount) in sums.items():
            held.append(name)
            asked.away.append(
                ops.tile(
                    "p" if role == "p" else "q",
                    name,
                    instant=instant,
                    day=day,
                    lines=count,
                    amount=amount,
                    beneficiary=reference,
                )
            )


def _clones(asked: Question, claim: Claim, referentials: Referentials, reference: bytes) -> None:
    event = event_ref(claim.event_id)
    for inpe, signature in plan.signatures(claim, referentials).items():
        lines = [line for line in claim.lines if line.executor == inpe]
        day = max(day_number(line.service_date) for line in lines)
        provider = referentials.provider(inpe)
        group = plan.peer_group(provider) if provider is not None else "unknown"
        use = CloneUse(event, day, reference, sum(line.amount for line in lines))
        asked.clones.append((inpe, signature))
        bucket = day // BUCKET_DAYS
        asked.away += [
            ops.append_clone(inpe, signature, codecs.pack_clones([use]), day - CLONE_DAYS),
            ops.count(f"sig|{group}|{signature}", bucket, inpe),
            ops.count(f"all|{group}", bucket, inpe),
        ]
