"""What an event asks of the state, and how the answers become the observation that detectors read.

A `Question` is made from the event and the referentials alone, before Redis is asked, so that a replay asks
the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec

from detectors import plan
from detectors.documents import document_key
from detectors.referentials import Referentials
from schemas.claim import Claim, Line
from schemas.control import Rescreen
from schemas.enums import CARE_GROUPS, CARE_KINDS, COVERAGES
from schemas.events import Event
from schemas.liquidation import Liquidation
from schemas.observation import (
    EPOCH_ORDINAL,
    Clones,
    CloneUse,
    LogLine,
    Observation,
    day_number,
    entity_ref,
    event_ref,
)
from schemas.payment import Payment
from schemas.registries import Beneficiary
from schemas.topics import SCREENING_INPUTS, TOPICS
from state import codecs, ops
from state.keys import Role
from streams import follower_asks, practice_asks

MONTHS_24 = 731  # days: no window of care looks further back
CLONE_DAYS = 90
BUCKET_DAYS = 30
COVERAGE_INDEX = {name: index for index, name in enumerate(COVERAGES)}
GROUP_INDEX = {name: index for index, name in enumerate(CARE_GROUPS)}

ACCEPTS = {name: TOPICS[name].types for name in SCREENING_INPUTS}
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
    undo_payment: bool = False
    own: list[LogLine] = field(default_factory=list)
    documents: list[tuple[int, str]] = field(default_factory=list)
    executors: list[str] = field(default_factory=list)
    prescribers: list[str] = field(default_factory=list)
    days: list[tuple[str, int]] = field(default_factory=list)
    clones: list[tuple[str, str]] = field(default_factory=list)
    performers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    shares: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    patients_from: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)


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


def commune_number(commune: str | None) -> int:
    """What a day sheet counts a commune by: a checksum of its code, 0 where it is not known.

    Not interned: the order in which communes are first met, which a crash changes, leaves no trace in the sheets.
    """
    return 0 if commune is None else crc32(commune.encode()) or 1


def question(
    event: Event, referentials: Referentials, number: Number, offset: int, commune: str | None = None
) -> Question:
    """What this event asks. `commune`: where a claim's beneficiary lives; of what follows a claim, the beneficiary's
    insured (`streams.residence`); None where it is not known."""
    asked = Question()
    if isinstance(event, Claim):
        _claim(asked, event, referentials, number, commune)
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
    elif isinstance(event, Liquidation | Payment):
        asked.reads.append(ops.read_claim(event.beneficiary, event.claim_id))
        if isinstance(event, Liquidation):
            follower_asks.liquidation(asked, event, referentials, commune)
        else:
            follower_asks.payment(asked, event, referentials, commune)
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
        practice_asks.read(seen, asked, answers)
    return seen


def _claim(
    asked: Question, claim: Claim, referentials: Referentials, number: Number, commune: str | None
) -> None:
    if claim.replaces is not None:
        asked.undo = event_ref(claim.replaces)
    asked.home.append(ops.registered(claim.beneficiary))
    asked.reads.append(ops.read_claim(claim.beneficiary, claim.claim_id))
    if claim.action == "CANCEL" or claim.kind not in CARE_KINDS or not claim.lines:
        return
    told = Told(claim, referentials, number)
    asked.own = told.own()
    first = min([line.day for line in asked.own])
    asked.home.append(ops.append_log(claim.beneficiary, codecs.pack_log(asked.own), first - MONTHS_24))
    asked.home.append(ops.append_facts(claim.beneficiary, codecs.pack_facts(told.facts())))
    told.documents(asked)
    told.providers(asked)
    place = commune_number(commune)
    for (inpe, day), spent in plan.minutes(claim, referentials).items():
        asked.days.append((inpe, day))
        asked.away.append(ops.day(inpe, day, spent, told.beneficiary, place))
    told.clones(asked)
    practice_asks.ask(asked, claim, referentials, told.arrival, told.day, commune)


class Told:
    """A claim of care as the state is told of it: references, and its lines' names as numbers, made once."""

    def __init__(self, claim: Claim, referentials: Referentials, number: Number) -> None:
        self._claim, self._referentials, self._number = claim, referentials, number
        self._event, self._reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
        self.beneficiary = entity_ref(claim.beneficiary)
        self.arrival = int(claim.event_time.timestamp())
        self.day = day_number(referentials.local_date(claim.event_time))
        self._coverage = COVERAGE_INDEX[claim.coverage or "BASE"]
        self._numbered = [
            (line, number(line.executor or ""), number(f"{line.nomenclature}|{line.code}"))
            for line in claim.lines
        ]

    def own(self) -> list[LogLine]:
        """The lines as the log keeps them; one that lists its sessions is an entry a session, shared evenly."""
        event, claim, arrival, coverage = self._event, self._reference, self.arrival, self._coverage
        make, number = tuple.__new__, self._number
        own = []
        for line, executor, act in self._numbered:
            where = site(line)
            prescriber, place = number(line.prescriber or ""), 0 if where is None else number(where)
            quantity, amount, group = round(line.quantity * 100), line.amount, GROUP_INDEX[line.care_group]
            if line.sessions is None or len(line.sessions) < 2:
                days = line.sessions or (line.service_date,)
                shares: Iterable[tuple[dt.date, int, int]] = ((days[0], quantity, amount),)
            else:
                count = len(line.sessions)
                shares = zip(line.sessions, _shares(quantity, count), _shares(amount, count), strict=True)
            for day, units, money in shares:
                number_of_day = day.toordinal() - EPOCH_ORDINAL
                fields = (
                    event,
                    claim,
                    number_of_day,
                    arrival,
                    executor,
                    prescriber,
                    act,
                    place,
                    units,
                    money,
                )
                own.append(make(LogLine, (*fields, line.line, group, coverage)))
        return own

    def facts(self) -> list[codecs.FactFields]:
        """What stays known of the beneficiary for good."""
        number = self._number
        return [
            (
                self._event,
                fact.day,
                fact.until,
                fact.kind,
                fact.key if isinstance(fact.key, int) else number(fact.key),
                number(fact.provider or ""),
                fact.detail,
            )
            for fact in plan.facts(self._claim, self._referentials)
        ]

    def documents(self, asked: Question) -> None:
        """Each paper with the lines it serves."""
        claim = self._claim
        if not claim.documents:
            return
        insured = entity_ref(claim.insured)
        deposit = day_number(claim.deposit_date)
        common = (self._event, deposit, self._reference, self.beneficiary, insured)
        for index, document in enumerate(claim.documents):
            key = document_key(document, claim)
            if key is None:
                continue
            served = document.lines
            uses = [
                (*common, executor, 0 if served is None else act, self._coverage)
                for line, executor, act in self._numbered
                if served is None or line.line in served
            ]
            asked.documents.append((index, key))
            records = codecs.pack_documents(dict.fromkeys(uses))
            asked.away.append(ops.append_document(key, records, deposit - MONTHS_24))

    def providers(self, asked: Question) -> None:
        """What each executor and each prescriber bills or orders with this claim."""
        executors: dict[str, list[int]] = {}
        prescribers: dict[str, list[int]] = {}
        for line, _, _ in self._numbered:
            for name, sums in ((line.executor, executors), (line.prescriber, prescribers)):
                if name is not None:
                    sums.setdefault(name, []).append(line.amount)
        roles: tuple[tuple[Role, dict[str, list[int]]], ...] = (("p", executors), ("q", prescribers))
        for role, sums in roles:
            for name, amounts in sums.items():
                asked.away.append(
                    ops.tile(
                        role,
                        name,
                        instant=self.arrival,
                        day=self.day,
                        lines=len(amounts),
                        amount=sum(amounts),
                        beneficiary=self.beneficiary,
                    )
                )
        asked.executors, asked.prescribers = list(executors), list(prescribers)

    def clones(self, asked: Question) -> None:
        """The signature of each executor's lines, for the families of P04."""
        for inpe, signature in plan.signatures(self._claim, self._referentials).items():
            lines = [line for line in self._claim.lines if line.executor == inpe]
            day = day_number(max([line.service_date for line in lines]))
            provider = self._referentials.provider(inpe)
            group = plan.peer_group(provider) if provider is not None else "unknown"
            use = CloneUse(self._event, day, self.beneficiary, sum([line.amount for line in lines]))
            asked.clones.append((inpe, signature))
            bucket = day // BUCKET_DAYS
            asked.away += [
                ops.append_clone(inpe, signature, codecs.pack_clones([use]), day - CLONE_DAYS),
                ops.count(f"sig|{group}|{signature}", bucket, inpe),
                ops.count(f"all|{group}", bucket, inpe),
            ]


def _shares(total: int, parts: int) -> list[int]:
    """A total in even parts; what does not divide goes to the first ones."""
    share, rest = divmod(total, parts)
    return [share + (index < rest) for index in range(parts)]
