"""What an event asks of the state, and how the answers become the observation that detectors read.

A `Question` is made from the event and the referentials alone, before Redis is asked, so that a replay asks
the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec

from detectors import plan
from detectors.documents import document_key
from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.approval import PriorApproval
from schemas.claim import Claim, Line
from schemas.control import Rescreen
from schemas.enums import CARE_GROUPS, CARE_KINDS, CLAIM_KINDS, COVERAGES
from schemas.events import Event
from schemas.liquidation import Liquidation
from schemas.observation import (
    EPOCH_ORDINAL,
    MINUTE_AT,
    TYPED_AT,
    Clones,
    CloneUse,
    LogLine,
    Observation,
    day_number,
    entity_ref,
    event_ref,
    marked,
)
from schemas.payment import Payment
from schemas.registries import Beneficiary
from schemas.topics import SCREENING_INPUTS, TOPICS
from state import codecs, ops
from state.keys import Role
from streams import care_asks, follower_asks, practice_asks

MONTHS_24 = 731  # days: no window of care looks further back
CLONE_DAYS = 90
BUCKET_DAYS = 30
COVERAGE_INDEX = {name: index for index, name in enumerate(COVERAGES)}
KIND_INDEX = {name: index for index, name in enumerate(CLAIM_KINDS)}
STOCKED = ("PEC_DEMANDE", "PEC_ACCORD")
"""Requests for medicines, before whose grant what is at home is looked at (B02)."""
BY_MACHINE = frozenset({"FSE", "TP"})
"""Channels whose date of care nobody types at the counter."""
GROUP_INDEX = {name: index for index, name in enumerate(CARE_GROUPS)}

ACCEPTS = {name: TOPICS[name].types for name in SCREENING_INPUTS}
"""Topic -> the types of event that it carries."""

_beneficiary = msgspec.msgpack.Decoder(Beneficiary)
Number = Callable[[str], int]


class Question(msgspec.Struct):
    """The operations of one event, and what is needed to read their results, in the same order."""

    home: list[ops.Op] = []
    away: list[ops.Op] = []
    reads: list[ops.Read] = []
    undo: bytes | None = None
    undo_payment: bool = False
    own: list[LogLine] = []
    history: bool = False  # a request that only looks at the log
    documents: list[tuple[int, str]] = []
    executors: list[str] = []
    prescribers: list[str] = []
    days: list[tuple[str, int]] = []
    clones: list[tuple[str, str]] = []
    performers: list[str] = []
    networks: list[str] = []
    shares: list[str] = []
    pairs: list[tuple[str, str]] = []
    patients_from: list[str] = []
    accords: list[str] = []
    near: list[str] = []
    leaves: list[str] = []
    followed: list[str] = []


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
    elif isinstance(event, PriorApproval):
        care_asks.approval(asked, event, referentials)
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
        used = practice_asks.known(asked.documents, answers, codecs.unpack_documents)
        seen.documents = [(index, key, uses) for (index, key), uses in used.items()]
        seen.executors = practice_asks.known(asked.executors, answers, codecs.window)
        seen.prescribers = practice_asks.known(asked.prescribers, answers, codecs.window)
        seen.days = practice_asks.known(asked.days, answers, codecs.day_sheet)
        for inpe, signature in asked.clones:
            uses, group, everybody = next(answers), next(answers), next(answers)
            if uses is not None and group is not None and everybody is not None:
                seen.clones[inpe] = Clones(
                    signature,
                    codecs.unpack_clones(uses),
                    codecs.frequency(group),
                    codecs.frequency(everybody),
                )
        practice_asks.read(seen, asked, answers)
        care_asks.read(seen, asked, answers)
    elif asked.history:
        log = next(answers, None)  # a memo of an older version has none
        seen.log = [] if log is None else codecs.unpack_log(log)
    return seen


def _claim(
    asked: Question, claim: Claim, referentials: Referentials, number: Number, commune: str | None
) -> None:
    if claim.replaces is not None:
        asked.undo = event_ref(claim.replaces)
    asked.home.append(ops.registered(claim.beneficiary))
    asked.reads.append(ops.read_claim(claim.beneficiary, claim.claim_id))
    if claim.action == "CANCEL" or not claim.lines:
        return
    if claim.kind not in CARE_KINDS:
        if claim.kind in STOCKED and any(line.nomenclature == DRUGS for line in claim.lines):
            first = day_number(min([line.service_date for line in claim.lines]))
            asked.home.append(ops.append_log(claim.beneficiary, b"", first - MONTHS_24))
            asked.history = True
        return
    told = Told(claim, referentials, number)
    asked.own = told.own()
    first = min([line.day for line in asked.own])
    asked.home.append(ops.append_log(claim.beneficiary, codecs.pack_log(asked.own), first - MONTHS_24))
    asked.home.append(ops.append_facts(claim.beneficiary, codecs.pack_facts(told.facts())))
    told.documents(asked)
    told.providers(asked)
    place = commune_number(commune)
    sheets = dict.fromkeys(plan.dialysed(claim, referentials), 0) | plan.minutes(claim, referentials)
    for (inpe, day), spent in sheets.items():
        asked.days.append((inpe, day))
        asked.away.append(ops.day(inpe, day, spent, told.beneficiary, place))
    told.clones(asked)
    practice_asks.ask(asked, claim, referentials, told, commune)
    care_asks.ask(asked, claim, referentials)


class Told:
    """A claim of care as the state is told of it: references, and its lines' names as numbers, made once.

    `bills` are each executor's lines, `newest` the last day of care of each; both in the order of the lines.
    """

    def __init__(self, claim: Claim, referentials: Referentials, number: Number) -> None:
        self._claim, self._referentials, self._number = claim, referentials, number
        self._event, self._reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
        self.beneficiary = entity_ref(claim.beneficiary)
        self.arrival = int(claim.event_time.timestamp())
        self.day = day_number(referentials.local_date(claim.event_time))
        self._coverage = COVERAGE_INDEX[claim.coverage or "BASE"]
        self._marked = marked(self.arrival, KIND_INDEX[claim.kind])
        by_hand = claim.channel not in BY_MACHINE and claim.kind != "FACTURE_TP"
        self._deposit = day_number(claim.deposit_date) if by_hand else None
        self._numbered: list[tuple[Line, int, int]] = []
        numbered = self._numbered
        self.bills: dict[str, list[Line]] = {}
        self.newest: dict[str, int] = {}
        bills, newest = self.bills, self.newest
        for line in claim.lines:
            executor, day = line.executor, line.service_date.toordinal() - EPOCH_ORDINAL
            numbered.append((line, number(executor or ""), number(f"{line.nomenclature}|{line.code}")))
            if executor is None:
                continue
            if executor in bills:
                bills[executor].append(line)
                if day > newest[executor]:
                    newest[executor] = day
            else:
                bills[executor], newest[executor] = [line], day

    def own(self) -> list[LogLine]:
        """The lines as the log keeps them; one that lists its sessions is an entry a session, shared evenly."""
        event, claim, coverage, deposit = self._event, self._reference, self._coverage, self._deposit
        make, number = tuple.__new__, self._number
        own = []
        for line, executor, act in self._numbered:
            where = site(line)
            prescriber, place = number(line.prescriber or ""), 0 if where is None else number(where)
            quantity, amount, group = round(line.quantity * 100), line.amount, GROUP_INDEX[line.care_group]
            came, at = self._marked, line.service_time
            if at is not None:
                came += (int(at[:2]) * 60 + int(at[3:]) + 1) << MINUTE_AT
            if line.sessions is None or len(line.sessions) < 2:
                days = line.sessions or (line.service_date,)
                shares: Iterable[tuple[dt.date, int, int]] = ((days[0], quantity, amount),)
            else:
                count = len(line.sessions)
                shares = zip(line.sessions, _shares(quantity, count), _shares(amount, count), strict=True)
            who, last = (executor, prescriber, act, place), (line.line, group, coverage)
            for day, units, money in shares:
                number_of_day = day.toordinal() - EPOCH_ORDINAL
                arrived = came + (1 << TYPED_AT) if number_of_day == deposit else came
                fields = (event, claim, number_of_day, arrived, *who, units, money, *last)
                own.append(make(LogLine, fields))
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
        by_line: dict[int, bytes] = {}
        for line, executor, act in self._numbered:
            by_line[line.line] = codecs.pack_document((*common, executor, act, self._coverage))
        for index, document in enumerate(claim.documents):
            key = document_key(document, claim)
            if key is None:
                continue
            served = document.lines
            if served is None:
                executors = dict.fromkeys([executor for _, executor, _ in self._numbered])
                uses = [codecs.pack_document((*common, who, 0, self._coverage)) for who in executors]
            else:
                uses = [use for number, use in by_line.items() if number in served]
            asked.documents.append((index, key))
            records = uses[0] if len(uses) == 1 else b"".join(dict.fromkeys(uses))
            asked.away.append(ops.append_document(key, records, deposit - MONTHS_24))

    def providers(self, asked: Question) -> None:
        """What each executor and each prescriber bills or orders with this claim."""
        prescribers: dict[str, list[Line]] = {}
        for line in self._claim.lines:
            if line.prescriber is not None:
                prescribers.setdefault(line.prescriber, []).append(line)
        asked.away += [self.tile("p", name, lines) for name, lines in self.bills.items()]
        asked.away += [self.tile("q", name, lines) for name, lines in prescribers.items()]
        asked.executors, asked.prescribers = list(self.bills), list(prescribers)

    def tile(self, role: Role, name: str, lines: Sequence[Line]) -> ops.Op:
        """What the lines add to the windows of one who stands behind them."""
        return ops.tile(
            role,
            name,
            instant=self.arrival,
            day=self.day,
            lines=len(lines),
            amount=sum([line.amount for line in lines]),
            beneficiary=self.beneficiary,
        )

    def clones(self, asked: Question) -> None:
        """The signature of each executor's lines, for the families of P04."""
        for inpe, lines in self.bills.items():
            if not plan.has_signature(lines):
                continue
            signature, day = plan.signature(lines), self.newest[inpe]
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
